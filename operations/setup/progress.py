"""What a long run says while it runs: plain lines with the seconds since it began, with or without a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

REMIND_EVERY_S = 10.0


class Progress:
    """Lines about tasks that run side by side. Safe to call from any thread."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stdout
        self._clock = clock
        self._began = clock()
        self._spoke = self._began
        self._running: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Print a line that belongs to no task."""
        with self._lock:
            self._print(text)

    def started(self, task: str) -> None:
        """Count a task as running. Nothing is printed: what has nothing to do, says nothing."""
        with self._lock:
            self._running[task] = (self._clock(), "")

    def doing(self, task: str, what: str) -> None:
        """A task says what it does now; remembered for the reminders."""
        with self._lock:
            since, _ = self._running.get(task, (self._clock(), ""))
            self._running[task] = (since, what)
            self._print(f"{task}: {what}")

    def finished(self, task: str, outcome: str | None) -> None:
        """A task ended well; ``outcome`` None: there was nothing to do."""
        with self._lock:
            since, _ = self._running.pop(task, (self._clock(), ""))
            if outcome is not None:
                self._print(f"{task}: {outcome} ({self._clock() - since:.1f} s)")

    def failed(self, task: str) -> None:
        with self._lock:
            since, _ = self._running.pop(task, (self._clock(), ""))
            self._print(f"{task}: FAILED after {self._clock() - since:.1f} s")

    def remind(self) -> None:
        """After a silence of ``REMIND_EVERY_S``: what is still waited for."""
        with self._lock:
            now = self._clock()
            if now - self._spoke < REMIND_EVERY_S or not self._running:
                return
            parts = [f"{task} ({now - since:.0f} s{': ' + what if what else ''})"
                     for task, (since, what) in self._running.items()]
            self._print("waiting for " + "; ".join(parts))

    def total(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    def _print(self, text: str) -> None:
        self._spoke = self._clock()
        print(f"{self._spoke - self._began:6.1f} s  {text}", file=self._stream, flush=True)
