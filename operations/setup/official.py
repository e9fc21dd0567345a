"""Pulumi ready-made: the one on PATH, or its official download."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import platform
import re
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from operations.setup import plugins
from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.paths import cache
from operations.setup.tasks import Say

RELEASES = "https://get.pulumi.com/releases/sdk"
CONNECT_TIMEOUT_S = 3
"""A closed network must not cost more than this: what can't be fetched is built."""
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


def download(say: Say, releases: str = RELEASES) -> Path | None:
    """Fetch Pulumi's release, checked against its published SHA-256. None where it can't be reached."""
    version = plugins.pulumi_version()
    archive = f"pulumi-v{version}-linux-{ARCHITECTURE[platform.machine()]}.tar.gz"
    try:
        sums = _fetch(f"{releases}/pulumi-{version}-checksums.txt").decode()
        say(f"downloading Pulumi {version}")
        data = _fetch(f"{releases}/{archive}")
    except (OSError, http.client.HTTPException, UnicodeDecodeError):
        return None
    if f"{hashlib.sha256(data).hexdigest()}  {archive}" not in sums:
        raise SetupError(f"The download of Pulumi {version} is not what its publisher's checksum says.",
                         where=f"{releases}/{archive}",
                         then="make up   # tries again; or put a Pulumi of your own on PATH")
    target = _target()
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as packed:
        packed.extractall(partial, filter="data")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return downloaded()


def has_docker_plugin(folder: Path) -> bool:
    """Whether this Pulumi holds the Docker plugin that our programs ask for."""
    code, output = answer([folder / "pulumi", "plugin", "ls", "--json"])
    return code == 0 and re.search(rf'"name": "docker",[^}}]*"version": "{plugins.docker_plugin_version()}"',
                                   output) is not None


def fetch_docker_plugin(folder: Path, commands: Commands) -> bool:
    """Let Pulumi download the Docker plugin. False where it can't be reached."""
    try:
        commands.run([folder / "pulumi", "plugin", "install", "resource", "docker", plugins.docker_plugin_version()],
                     log="pulumi-plugin", what="The Docker plugin could not be downloaded", then="",
                     timeout_s=PLUGIN_TIMEOUT_S)
    except SetupError:
        return False
    return True


def hand_over_docker_plugin(folder: Path, program: Path, commands: Commands) -> None:
    """Give a Docker provider that was built here to a ready-made Pulumi."""
    commands.run([folder / "pulumi", "plugin", "install", "resource", "docker", plugins.docker_plugin_version(),
                  "--file", program], log="pulumi-plugin", what="Pulumi did not take our Docker plugin",
                 then="pulumi plugin ls")


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=CONNECT_TIMEOUT_S) as answered:
        return bytes(answered.read())


def _target() -> Path:
    return cache() / "tools" / f"pulumi-{plugins.pulumi_version()}-release"


def _wanted() -> tuple[int, ...]:
    return tuple(map(int, plugins.pulumi_version().split(".")))
