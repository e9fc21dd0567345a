"""Crash loops: pauses double up to a limit, and a member that held out starts anew."""

from __future__ import annotations

from operations.supervisor.pauses import Tries


def test_pauses_double_up_to_the_limit() -> None:
    tries, pauses = Tries(), []
    for attempt in range(9):
        pauses.append(tries.pause_s(longest_s=60))
        tries = tries.after_start(now=float(attempt))
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert tries.pause_s(5) == 5 and tries.last_at == 8.0


def test_the_fourth_start_in_a_row_is_called_a_loop() -> None:
    assert [Tries(count).is_loop for count in range(5)] == [False, False, False, True, True]


def test_who_ran_long_enough_has_recovered() -> None:
    tries = Tries(5, 100.0)
    assert tries.after_death(died_at=129.0, started_at=100.0, steady_s=30) == tries
    assert tries.after_death(died_at=130.0, started_at=100.0, steady_s=30) == Tries()


def test_starts_that_failed_after_the_death_count() -> None:
    tries = Tries(2, 131.0)
    assert tries.after_death(died_at=130.0, started_at=100.0, steady_s=30) == tries


def test_a_loop_that_never_ends_overflows_nothing() -> None:
    assert Tries(10_000).pause_s(60) == 60
