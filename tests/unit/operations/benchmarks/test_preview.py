"""Memory of a process and all that it started."""

from __future__ import annotations

import subprocess
import sys
import threading

from operations.benchmarks.preview import Memory, held

HOLDING = "import sys; block = bytearray(64 * 2**20); print('held', flush=True); sys.stdin.read()"
PARENT = (f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {HOLDING!r}], stdin=sys.stdin); "
          "child.wait()")


def test_what_a_child_holds_counts() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    assert held(process.pid) > 64 * 2**20
    process.communicate("")
    assert held(process.pid) == 0


def test_the_most_at_one_time_is_kept() -> None:
    seen, looked_at_all = [3, 5, 1], threading.Event()

    def look(_: int) -> int:
        if not seen:
            looked_at_all.set()
        return seen.pop() if seen else 0

    watch = Memory(0, look)
    assert looked_at_all.wait(10) and watch.ended() == 5
