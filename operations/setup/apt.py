"""Debian packages, where the user may install them."""

from __future__ import annotations

import os
import shutil
import threading

from operations.setup.commands import Commands
from operations.setup.errors import SetupError

LOCK_TIMEOUT_S = 120
_one_at_a_time = threading.Lock()
_state = {"indexed": False}


def install(commands: Commands, *packages: str, purpose: str) -> None:
    """Install ``packages`` with apt. Raises ``SetupError`` with the command to type where that isn't allowed."""
    typed = f"sudo apt-get update && sudo apt-get install --no-install-recommends {' '.join(packages)}"
    if not may_install():
        raise SetupError(f"{purpose} needs {', '.join(packages)}, and only root may install packages.",
                         then=f"{typed}\nmake up")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ("-q", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_S}")
    what = f"{purpose} needs {', '.join(packages)}, which could not be installed"
    with _one_at_a_time:
        if not _state["indexed"]:
            commands.run(["apt-get", *options, "update"], log="apt", what=what, then=typed, environment=environment)
            _state["indexed"] = True
        commands.run(["apt-get", *options, "install", "--yes", "--no-install-recommends", *packages], log="apt",
                     what=what, then=typed, environment=environment)


def may_install() -> bool:
    """Whether this user can install packages without being asked anything."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None
