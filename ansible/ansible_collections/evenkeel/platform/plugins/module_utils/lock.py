"""One operation at a time: what the lock says, and whether its holder is gone. Pure functions, but for ``holder``."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEY = "/evenkeel-operations/lock"
"""In etcd, which outlives every member: the lock belongs to the platform, not to the machine somebody types on."""
PROGRAMS = ("ansible-playbook", "ansible")
FRONT = [b"-m", b"operations.releases.back"]
"""`make rollback` begins before `ansible-playbook` has started, and becomes it."""
SHELLS = ("sh", "bash", "dash")


def holder(reason: str, process: int | None = None) -> dict[str, Any]:
    """A lock's content for the run that we belong to."""
    number = process or our_run()
    return {"who": getpass.getuser(), "host": socket.gethostname(), "process": number,
            "began": began(number) if number else "", "reason": reason,
            "since": datetime.now(UTC).strftime("%F %T UTC")}


def same_run(lock: Mapping[str, Any], mine: Mapping[str, Any]) -> bool:
    """Whether both were taken by one run."""
    return all(lock.get(key) == mine.get(key) for key in ("host", "process", "began"))


def stale(lock: Mapping[str, Any], host: str, began_now: str) -> bool:
    """Whether the holder is certainly gone: it was on this ``host``, and the process by its number is another now or
    none (``began_now``, see ``began``). A holder on another host is never certainly gone."""
    return bool(lock.get("host") == host and lock.get("process") and lock.get("began") != began_now)


def explain(lock: Mapping[str, Any], stack: str) -> str:
    """Who holds it and what to do."""
    return (f"another operation runs on the stack {stack}: {lock.get('reason')}, by {lock.get('who')} on "
            f"{lock.get('host')} (process {lock.get('process')}), since {lock.get('since')}. Nothing was changed.\n"
            f"Next: wait for its end. If you know that it is gone, release its lock: ansible localhost -m "
            f"evenkeel.platform.operation_lock -a 'stack={stack} state=absent force=true'")


def began(process: int | str) -> str:
    """When a process of this machine began, in the kernel's ticks since boot; "" when there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def typed() -> float:
    """When the command was typed that we belong to: the start of the `make` that runs `ansible-playbook`, or of the
    latter where somebody typed that; in seconds since 1970. 0 where that isn't known."""
    run = our_run() or 0
    above = _parent(run)
    if _program(above) in SHELLS:  # make starts a recipe by one
        above = _parent(above)
    found = above if _program(above) == "make" else run
    try:
        up_s = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - (up_s - int(began(found)) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError):
        return 0.0


def _program(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def our_run() -> int | None:
    """The process of the `ansible-playbook` that we belong to: a module's own lives for a task only."""
    process, found = os.getpid(), None
    while process > 1:
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:
            break
        if words[1:3] == FRONT or any(Path(word.decode(errors="replace")).name in PROGRAMS for word in words[:2]):
            found = process
        process = _parent(process)
    return found
