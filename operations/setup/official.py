"""Pulumi ready-made: the one on PATH, or its official download."""

from __future__ import annotations

import hashlib
import http.client
import os
import platform
import re
import shutil
import urllib.request
from pathlib import Path

from operations.setup import programs
from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.paths import cache

RELEASES = "https://get.pulumi.com/releases/sdk"
CONNECT_TIMEOUT_S = 3
"""A closed network must not cost more than this: what can't be fetched is built."""
READ_TIMEOUT_S = 60
PLUGIN_TIMEOUT_S = 90
ARCHITECTURE = {"x86_64": "x64", "aarch64": "arm64"}


def on_path() -> Path | None:
    """The folder of a complete Pulumi on PATH, at least as new as ours; None if there is none."""
    found = shutil.which("pulumi")
    if not found or cache() in Path(found).parents:
        return None
    folder = Path(found).resolve().parent
    if not shutil.which("pulumi-language-python", path=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"):
        return None
    code, output = answer([found, "version"], environment={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"})
    match = re.search(r"v(\d+)\.(\d+)\.(\d+)", output)
    if code != 0 or not match or tuple(map(int, match.groups())) < _wanted():
        return None
    return Path(found).parent


def downloaded() -> Path | None:
    """The folder of a Pulumi that ``download`` fetched before."""
    folder = _target() / "pulumi"
    return folder if (folder / "pulumi").exists() else None


def published(releases: str = RELEASES) -> str | None:
    """The SHA-256 of the release for this machine; None where it can't be reached."""
    try:
        sums = _fetch(f"{releases}/pulumi-{programs.pulumi_version()}-checksums.txt", CONNECT_TIMEOUT_S).decode()
    except (OSError, http.client.HTTPException, UnicodeDecodeError):
        return None
    # What a captive portal answers has no such line.
    found = re.search(rf"^([0-9a-f]{{64}})\s+{re.escape(_archive())}$", sums, re.MULTILINE)
    return found[1] if found else None


def download(expected: str, commands: Commands, releases: str = RELEASES) -> Path:
    """Fetch the release and unpack it; it must have the SHA-256 ``expected``. Raises ``SetupError``."""
    address = f"{releases}/{_archive()}"
    again = "make up   # tries again; a Pulumi of your own on PATH is used, too"
    try:
        data = _fetch(address, READ_TIMEOUT_S)
    except (OSError, http.client.HTTPException) as error:
        raise SetupError("Pulumi could not be downloaded.", why=str(error), where=address, then=again) from None
    if hashlib.sha256(data).hexdigest() != expected:
        raise SetupError("The download of Pulumi is not what its publisher's checksum says.", where=address, then=again)
    target = _target()
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / _archive()).write_bytes(data)
    commands.run(["tar", "-xzf", _archive()], cwd=partial, log="pulumi", what="Pulumi could not be unpacked",
                 then=again)
    (partial / _archive()).unlink()
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target / "pulumi"


def has_docker_plugin(folder: Path) -> bool:
    """Whether this Pulumi holds the Docker plugin that our programs ask for."""
    code, output = answer([folder / "pulumi", "plugin", "ls", "--json"])
    return code == 0 and re.search(rf'"name": "docker",[^}}]*"version": "{programs.docker_plugin_version()}"',
                                   output) is not None


def fetch_docker_plugin(folder: Path, commands: Commands) -> bool:
    """Let Pulumi download the Docker plugin. False where it can't be reached."""
    try:
        commands.run([folder / "pulumi", "plugin", "install", "resource", "docker", programs.docker_plugin_version()],
                     log="pulumi-plugin", what="The Docker plugin could not be downloaded", then="",
                     timeout_s=PLUGIN_TIMEOUT_S)
    except SetupError:
        return False
    return True


def hand_over_docker_plugin(folder: Path, program: Path, commands: Commands) -> None:
    """Give a Docker provider that was built here to a ready-made Pulumi."""
    commands.run([folder / "pulumi", "plugin", "install", "resource", "docker", programs.docker_plugin_version(),
                  "--file", program], log="pulumi-plugin", what="Pulumi did not take our Docker plugin",
                 then="pulumi plugin ls")


def _fetch(address: str, timeout_s: float) -> bytes:
    with urllib.request.urlopen(address, timeout=timeout_s) as answered:  # noqa: S310 - the address is a constant
        return bytes(answered.read())


def _archive() -> str:
    return f"pulumi-v{programs.pulumi_version()}-linux-{ARCHITECTURE[platform.machine()]}.tar.gz"


def _target() -> Path:
    return cache() / "tools" / f"pulumi-{programs.pulumi_version()}-release"


def _wanted() -> tuple[int, ...]:
    return tuple(map(int, programs.pulumi_version().split(".")))
