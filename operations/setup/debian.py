"""The Debian that images/base stands on: used if the engine has it, else pulled, else made from Debian's packages."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from operations.setup import apt
from operations.setup.commands import Commands, answer
from operations.setup.errors import SetupError
from operations.setup.paths import BUILD
from operations.setup.tasks import Say

RELEASE = "bookworm"
PUBLISHED = f"debian:{RELEASE}-slim"
MADE_HERE = f"evenkeel/debian:{RELEASE}"
"""Ours has a name of its own: it must not pass for the hub's image."""
PULL_TIMEOUT_S = 45
SLIM = [f"--dpkgopt={option}" for option in (
    "path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright", "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/info/*")]
"""What the hub's slim image leaves out, too; it stays left out of every package that is installed on top."""


def ensure(commands: Commands, say: Say) -> str:
    """A reference to a Debian that the engine has. Raises ``SetupError``."""
    for reference in (PUBLISHED, f"debian:{RELEASE}", MADE_HERE):
        if answer(["docker", "image", "inspect", reference])[0] == 0:
            return reference
    say(f"pulling {PUBLISHED}")
    try:
        commands.run(["docker", "pull", "--quiet", PUBLISHED], log="debian", what="Debian's image could not be pulled",
                     then="", timeout_s=PULL_TIMEOUT_S)
    except SetupError:
        _bootstrap(commands, say)
        return MADE_HERE
    return PUBLISHED


def _bootstrap(commands: Commands, say: Say) -> None:
    purpose = f"{PUBLISHED} can't be pulled here, and making it"
    if shutil.which("mmdebstrap") is None:
        say("installing mmdebstrap")
        apt.install(commands, "mmdebstrap", purpose=purpose)
    say(f"{PUBLISHED} can't be pulled: making it from Debian's packages")
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="debian-") as folder:
        tree = Path(folder) / "rootfs.tar"
        commands.run(["mmdebstrap", "--quiet", "--variant=minbase", *SLIM, RELEASE, tree], log="debian",
                     what="A Debian file system could not be made",
                     then=f"docker pull {PUBLISHED}   # or load one: docker load --input FILE\nmake up")
        commands.run(["docker", "import", tree, MADE_HERE], log="debian", what="The Debian image could not be imported",
                     then="docker info")
