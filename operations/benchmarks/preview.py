"""`make bench-preview`: from a ready environment to the comment, of a platform that runs and of a changed setting.

Ready means: tools, images and the virtual environment are there. Time and memory are measured from outside; the
engine's part is the `pulumi preview` with the policy pack alone, typed by hand.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from operations.benchmarks import report
from operations.benchmarks.bench_stack import BenchStack
from operations.benchmarks.report import Figure
from operations.setup.paths import ROOT

RUNS = 5
LOOK_EVERY_S = 0.05
MIB = 2**20
CHANGE = {"app": {"colours": {"blue": {"workers": 3}}}}
PACK = "operations/policies/pack.py"


def main() -> int:
    console = Console()
    with BenchStack() as stack:
        stack.make("up")
        stack.set(CHANGE)
        figures = Bench(stack, console).run()
    return 0 if report.publish("preview", figures, console) else 1


class Bench:
    """One stack, one change, previewed several times."""

    def __init__(self, stack: BenchStack, console: Console) -> None:
        self._stack, self._console = stack, console

    def run(self) -> list[Figure]:
        command = ["make", "-s", "preview", f"STACK={self._stack.name}", "FORMAT=markdown"]
        engine = ["pulumi", "preview", "--non-interactive", "--stack", self._stack.name, "--policy-pack", PACK]
        comments, whole, memory, alone = set(), [], [], []
        for _ in range(RUNS):
            said, took, most = self._measured("preview", command)
            comments.add(said)
            whole.append(took)
            memory.append(most / MIB)
            alone.append(self._measured("its engine alone", engine)[1])
        return [
            Figure.of("from a ready environment to the comment", whole, "s", bound=15),
            Figure.of("the engine's part of it", alone, "s", bound=8),
            Figure.of("memory of all its processes, the most at one time", memory, "MiB", bound=500),
            Figure.of("different comments of the same input", [float(len(comments))], "", bound=1),
        ]

    def _measured(self, what: str, command: list[str]) -> tuple[str, float, int]:
        """Output, seconds, and the most memory of the process and all that it started, in bytes."""
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=self._stack.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        watch = Memory(process.pid)
        said = process.communicate()[0]
        took = time.monotonic() - began
        most = watch.ended()
        if process.returncode != 0:
            raise RuntimeError(f"`{' '.join(command)}` failed ({process.returncode}):\n{said}")
        self._console.print(f"  {took:6.2f} s, {most / MIB:4.0f} MiB  {what}")
        return said, took, most


class Memory:
    """Looks every ``LOOK_EVERY_S`` what a process and its descendants hold; shared pages count once (PSS)."""

    def __init__(self, root: int, looked: Callable[[int], int] | None = None) -> None:
        self._root, self._look = root, looked or held
        self._most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self._most = max(self._most, self._look(self._root))

    def ended(self) -> int:
        """The most that was seen, bytes."""
        self._stop.set()
        self._thread.join()
        return self._most


def held(root: int) -> int:
    """Proportional memory of a process and all its descendants, bytes."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (parent := _parent(folder)) is not None:
            parents.setdefault(parent, []).append(int(folder.name))
    family, total = [root], 0
    while family:
        pid = family.pop()
        family += parents.get(pid, ())
        total += _pss(pid)
    return total


def _parent(folder: Path) -> int | None:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # It ended meanwhile.


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main())
