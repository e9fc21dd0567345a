"""Where things live: the checkout, its state, and the user's cache of finished tools."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".evenkeel"
"""Pulumi's state, the passphrase, which tools were chosen. Only its owner may look inside."""
BUILD = ROOT / "build"
LOGS = BUILD / "log"
VENV = ROOT / ".venv"
TOOLCHAIN = ROOT / "toolchain"


def cache() -> Path:
    """Finished tools, shared by all checkouts of a user (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "evenkeel"


def private_folder(path: Path) -> Path:
    """``path``, made if needed, that nobody but its owner may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
