"""Tasks that run side by side as far as what they need allows."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from operations.setup.progress import Progress

Say = Callable[[str], None]
TICK_S = 1.0


class StoppedError(Exception):
    """Another task failed, or the run was interrupted, while this one was under way."""


@dataclass(frozen=True)
class Task:
    """A piece of work. ``action`` gets a function to say what it does and returns what came of it, in a few words; None
    when there was nothing to do. ``after``: the tasks it needs. ``lane``: tasks of one lane run one at a time."""

    name: str
    action: Callable[[Say], str | None]
    after: tuple[str, ...] = ()
    lane: str = ""


def run(tasks: Sequence[Task], progress: Progress, stop: Callable[[], None]) -> None:
    """Run every task. The first failure calls ``stop`` (which ends what the other tasks are running), keeps everything
    else from starting and is raised; so is an interruption."""
    _check(tasks)
    _Run(tasks, progress, stop).until_done()


def _check(tasks: Sequence[Task]) -> None:
    seen: set[str] = set()
    for task in tasks:
        missing = set(task.after) - seen
        if missing:
            raise ValueError(f"{task.name} is listed before what it needs: {', '.join(sorted(missing))}")
        seen.add(task.name)


class _Run:
    def __init__(self, tasks: Sequence[Task], progress: Progress, stop: Callable[[], None]) -> None:
        self._waiting = list(tasks)
        self._progress = progress
        self._stop = stop
        self._running: dict[str, tuple[Task, threading.Thread]] = {}
        self._done: set[str] = set()
        self._ended: queue.SimpleQueue[tuple[Task, str | None, BaseException | None]] = queue.SimpleQueue()

    def until_done(self) -> None:
        try:
            self._start_ready()
            while self._running:
                self._one_step()
        except BaseException:
            self._stop()
            for _, thread in self._running.values():
                thread.join()
            raise

    def _one_step(self) -> None:
        try:
            task, outcome, error = self._ended.get(timeout=TICK_S)
        except queue.Empty:
            self._progress.remind()
            return
        del self._running[task.name]
        if error is not None:
            self._progress.failed(task.name)
            raise error
        self._progress.finished(task.name, outcome)
        self._done.add(task.name)
        self._start_ready()

    def _start_ready(self) -> None:
        busy = {task.lane for task, _ in self._running.values() if task.lane}
        for task in list(self._waiting):
            if not self._done.issuperset(task.after) or task.lane in busy:
                continue
            if task.lane:
                busy.add(task.lane)
            self._waiting.remove(task)
            thread = threading.Thread(target=self._perform, args=(task,), name=task.name, daemon=True)
            self._running[task.name] = (task, thread)
            self._progress.started(task.name)
            thread.start()

    def _perform(self, task: Task) -> None:
        try:
            outcome = task.action(lambda what: self._progress.doing(task.name, what))
        except BaseException as error:  # handed to the thread that waits
            self._ended.put((task, None, error))
        else:
            self._ended.put((task, outcome, None))
