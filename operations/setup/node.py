"""Packages for Node.js from a ``package-lock.json``, by the host's npm: it knows the way to a registry, where a build
may not (certificates, proxies). They must be JavaScript alone, since the host's Node.js need not be the image's.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from operations.setup import apt
from operations.setup.commands import Commands
from operations.setup.paths import ROOT
from operations.setup.tasks import Say

LOCK = "package-lock.json"
EXAMPLES = ROOT / "examples"
STAMP = "node_modules/.evenkeel-lock"


def install(folder: Path, commands: Commands, *, log: str, development: bool) -> None:
    """Fill ``folder/node_modules`` with just what the lock says, by its hashes. Nothing of it is run. npm is installed
    where it is missing and that is allowed; else ``SetupError``."""
    if shutil.which("npm") is None:
        apt.install(commands, "npm", purpose="An image with Node.js packages")
    left_out = ["--omit=optional", "--omit=peer", *([] if development else ["--omit=dev"])]
    commands.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *left_out], log=log, cwd=folder,
                 what=f"The packages of {folder.name}/{LOCK} could not be fetched", then="make images   # tries again")


def prepare_examples(commands: Commands, say: Say) -> str | None:
    """Packages beside the examples' own sources, for their tests. Without Node.js on this machine there are none, and
    those tests are skipped with that reason."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    done = []
    for lock in sorted(EXAMPLES.glob(f"*/{LOCK}")):
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        stamp = lock.parent / STAMP
        if stamp.exists() and stamp.read_text() == digest:
            continue
        say(f"installing {lock.parent.name}/{LOCK}")
        install(lock.parent, commands, log="node", development=True)
        stamp.write_text(digest)
        done.append(lock.parent.name)
    return f"of {', '.join(done)}" if done else None
