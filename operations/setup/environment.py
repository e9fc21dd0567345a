"""The virtual environment ``.venv``, made from a lock with hashes and made again only when that lock changes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import sys
import sysconfig
from pathlib import Path

from operations.setup import apt
from operations.setup.commands import Commands
from operations.setup.paths import ROOT, VENV
from operations.setup.tasks import Say

RUNTIME, ANSIBLE, DEVELOPMENT = "requirements.txt", "requirements-ansible.txt", "requirements-dev.txt"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "locks.json"
AGAIN = "make up   # goes on where it was"


def plan(*, development: bool = False, ansible: bool = False) -> str:
    """What ``ensure`` will find or do, in words."""
    missing = _missing(development, ansible)
    return f"will be filled from {', '.join(missing)}" if missing else "up to date"

UNFINISHED = "unfinished"
"""In the stamp for a lock whose installation began: an environment found so is made anew."""


def ensure(commands: Commands, say: Say, *, development: bool = False, ansible: bool = False) -> str | None:
    """Make the environment hold what the runtime lock says, and Ansible's and the development lock where asked for."""
    missing = _missing(development, ansible)
    if not missing:
        return None
    installed: dict[str, str] = {}
    if RUNTIME in missing:
        say(f"making .venv from {RUNTIME}")
        _make(commands)
    else:
        installed = _installed()
    for lock in missing:
        say(f"installing {lock}")
        # pip takes a package that an interruption left half installed for installed: this says that one may be.
        STAMP.write_text(json.dumps({**installed, lock: UNFINISHED}, indent=1))
        commands.run([PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
                      "--no-deps", "--require-hashes", "--requirement", ROOT / lock], log="environment",
                     what=f"The packages of {lock} could not be installed", then=AGAIN)
        installed[lock] = _digest(lock)
        STAMP.write_text(json.dumps(installed, indent=1))
    return f"holds {', '.join(missing)}"


def _missing(development: bool, ansible: bool) -> list[str]:
    wanted = [RUNTIME] + [ANSIBLE] * ansible + [DEVELOPMENT] * development
    installed = _installed()
    if installed.get(RUNTIME) != _digest(RUNTIME) or UNFINISHED in installed.values():
        return wanted  # Made anew, it holds nothing.
    return [lock for lock in wanted if installed.get(lock) != _digest(lock)]


def _installed() -> dict[str, str]:
    """Lock -> digest of what is installed; empty for an environment that was never finished."""
    if not STAMP.exists() or not PYTHON.exists():
        return {}
    return dict(json.loads(STAMP.read_text()))


def _digest(lock: str) -> str:
    """Of the lock and of the interpreter: another Python needs other wheels."""
    text = f"{sysconfig.get_platform()} {sys.version_info[:2]} {ROOT}\n".encode() + (ROOT / lock).read_bytes()
    return hashlib.sha256(text).hexdigest()


def _make(commands: Commands) -> None:
    python = _base_python()
    if any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        apt.install(commands, "python3-venv", purpose="The virtual environment")
    if VENV.exists():
        shutil.rmtree(VENV)
    commands.run([python, "-m", "venv", VENV], log="environment", what="The virtual environment could not be made",
                 then=AGAIN)


def _base_python() -> Path:
    """The interpreter itself, also when we run inside a virtual environment, maybe the one to be made again."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Path(base)
