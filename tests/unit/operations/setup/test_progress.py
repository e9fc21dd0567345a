"""What a user without a terminal reads while a long run goes on."""

from __future__ import annotations

import io

import pytest

from operations.setup.progress import Progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_lines_carry_the_seconds_since_the_beginning(clock: Clock) -> None:
    output = io.StringIO()
    progress = Progress(output, clock)
    clock.now += 12.34
    progress.line("hello")
    assert output.getvalue() == "  12.3 s  hello\n"


def test_after_ten_silent_seconds_it_says_what_it_waits_for_and_for_how_long(clock: Clock) -> None:
    output = io.StringIO()
    progress = Progress(output, clock)
    progress.started("engine")
    progress.started("pulumi build")
    progress.doing("pulumi build", "compiling")
    clock.now += 9
    progress.remind()
    assert "waiting" not in output.getvalue()
    clock.now += 2
    progress.remind()
    assert "waiting for engine (11 s); pulumi build (11 s: compiling)" in output.getvalue()


def test_a_reminder_counts_as_speaking(clock: Clock) -> None:
    output = io.StringIO()
    progress = Progress(output, clock)
    progress.started("engine")
    for _ in range(12):
        clock.now += 1
        progress.remind()
    assert output.getvalue().count("waiting for") == 1


def test_what_ended_is_not_waited_for(clock: Clock) -> None:
    output = io.StringIO()
    progress = Progress(output, clock)
    progress.started("engine")
    progress.finished("engine", "Docker runs")
    clock.now += 30
    progress.remind()
    assert "waiting" not in output.getvalue()


def test_a_failure_says_how_long_it_took(clock: Clock) -> None:
    output = io.StringIO()
    progress = Progress(output, clock)
    progress.started("image redis")
    clock.now += 3
    progress.failed("image redis")
    assert "image redis: FAILED after 3.0 s" in output.getvalue()
