"""A drill ends with the playbook that runs it: Ansible's tasks outlive a playbook that is killed, and nothing should go
on breaking a platform whose lock nobody holds any more."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

PLAYBOOK = "ansible-playbook"
LOOK_S = 0.5


def playbook(process: int | None = None) -> int | None:
    """The outermost `ansible-playbook` above a process (ours); None where there is none."""
    found, current = None, process or os.getpid()
    while current > 1:
        try:
            words = Path(f"/proc/{current}/cmdline").read_bytes().split(b"\0")
            status = Path(f"/proc/{current}/stat").read_text()
        except OSError:
            break
        if any(Path(os.fsdecode(word)).name == PLAYBOOK for word in words[:2]):
            found = current
        current = int(status.rpartition(")")[2].split()[1])
    return found


def end_with(process: int) -> None:
    """SIGTERM for ourselves as soon as that process is gone."""
    def watch() -> None:
        while Path(f"/proc/{process}").exists():
            time.sleep(LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parentage").start()
