"""The order of tasks, what runs side by side, and what a failure or an interruption stops."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable

import pytest

from operations.setup import tasks
from operations.setup.errors import SetupError
from operations.setup.progress import Progress
from operations.setup.tasks import Say, Task

Action = Callable[[Say], str | None]


class Journal:
    """Writes down when tasks begin and end."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def task(self, name: str, after: tuple[str, ...] = (), lane: str = "", takes_s: float = 0.01) -> Task:
        def action(_: Say) -> str:
            self.lines.append(f"+{name}")
            time.sleep(takes_s)
            self.lines.append(f"-{name}")
            return "done"
        return Task(name, action, after, lane)


def run(listed: list[Task], stop: Callable[[], None] = lambda: None) -> str:
    output = io.StringIO()
    tasks.run(listed, Progress(output), stop)
    return output.getvalue()


def failing(_: Say) -> str | None:
    raise SetupError("it broke")


def test_a_task_starts_when_everything_it_needs_has_ended() -> None:
    journal = Journal()
    run([journal.task("a"), journal.task("b"), journal.task("c", after=("a", "b"))])
    assert journal.lines.index("+c") > max(journal.lines.index("-a"), journal.lines.index("-b"))


def test_independent_tasks_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=5)
    meet: Action = lambda _: str(meeting.wait())  # noqa: E731 - passes only when both are there
    run([Task("a", meet), Task("b", meet)])


def test_tasks_of_one_lane_run_one_at_a_time() -> None:
    journal = Journal()
    run([journal.task(name, lane="compile") for name in "abc"])
    assert [line[0] for line in journal.lines] == ["+", "-"] * 3


def test_a_failure_is_raised_and_keeps_dependents_from_starting() -> None:
    journal = Journal()
    with pytest.raises(SetupError, match="it broke"):
        run([Task("a", failing), journal.task("b", after=("a",))])
    assert journal.lines == []


def test_a_failure_stops_what_is_running_before_it_is_raised() -> None:
    stopped, ended = threading.Event(), threading.Event()

    def patient(_: Say) -> str | None:
        assert stopped.wait(5)
        ended.set()
        return None

    with pytest.raises(SetupError):
        run([Task("patient", patient), Task("broken", failing)], stop=stopped.set)
    assert ended.is_set()


def test_an_interruption_stops_what_is_running() -> None:
    stopped = threading.Event()

    def interrupting(_: Say) -> str | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([Task("patient", lambda _: str(stopped.wait(5))), Task("interrupt", interrupting)], stop=stopped.set)
    assert stopped.is_set()


def test_a_task_that_needs_an_unknown_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="c is listed before what it needs: b"):
        run([Task("c", failing, after=("b",))])


def test_what_had_something_to_do_is_told_and_the_rest_is_silent() -> None:
    def busy(say: Say) -> str:
        say("fetching")
        return "holds 58 packages"

    told = run([Task("environment", busy), Task("engine", lambda _: None)])
    assert "environment: fetching" in told
    assert "environment: holds 58 packages (0.0 s)" in told
    assert "engine" not in told
