"""A drill does not outlive its playbook."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from operations.drills import parentage
from operations.setup.paths import ROOT

CHILD = """
import time
from operations.drills import parentage
above = parentage.playbook()
parentage.end_with(above)
print(above, flush=True)
time.sleep(60)
print("outlived it", flush=True)
"""


def test_it_ends_when_the_playbook_is_killed(tmp_path: Path) -> None:
    playbook = tmp_path / "ansible-playbook"
    playbook.write_text("import signal, subprocess, sys\n"
                        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)\n"
                        "print(child.pid, flush=True)\nchild.wait()\n")
    outer = subprocess.Popen([sys.executable, str(playbook), CHILD], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert outer.stdout
    outer.stdout.readline()
    assert int(outer.stdout.readline()) == outer.pid
    outer.send_signal(signal.SIGKILL)
    outer.wait(10)
    assert outer.stdout.read() == "", "ended by SIGTERM, which a drill turns into its undoing"


def test_by_hand_there_is_no_playbook_above() -> None:
    assert parentage.playbook() is None
