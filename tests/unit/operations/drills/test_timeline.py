"""Times of a drill: what counts as recovery, and what proves two writers."""

from __future__ import annotations

import pytest

from operations.drills.timeline import WriterAck, gaps, longest_gap, percentile, phases, recovery_s, two_writers

STEADY = [number / 10 for number in range(100)]
"""A success every 0.1 s for 10 s."""


def test_recovery_is_from_the_fault_to_the_end_of_the_longest_gap() -> None:
    times = [at for at in STEADY if not 5.0 < at < 7.3]
    assert recovery_s(times, 5.05, 10.0) == pytest.approx(2.25)


def test_what_nobody_notices_costs_no_more_than_its_gap() -> None:
    assert recovery_s(STEADY, 5.05, 10.0) == pytest.approx(0.1)


def test_writes_that_never_go_on_have_no_recovery() -> None:
    assert recovery_s([1.0, 2.0], 5.0, 10.0) is None
    assert recovery_s([1.0, 2.0, 5.1], 5.0, 10.0) is None, "one that was in flight is no recovery"
    assert longest_gap([], 5.0) is None


def test_a_late_answer_to_an_early_write_does_not_hide_the_gap() -> None:
    """One write in flight may be acknowledged just after the fault."""
    times = [*[at for at in STEADY if at <= 5.0], 5.1, *[at for at in STEADY if at >= 8.0]]
    assert recovery_s(times, 5.05, 10.0) == pytest.approx(2.95)


def test_a_gap_long_after_the_fault_counts_by_itself() -> None:
    """Writes had gone on for seconds: nobody waited since the fault."""
    times = [at for at in STEADY if not 5.0 < at < 5.8]
    assert recovery_s(times, 1.05, 10.0) == pytest.approx(0.8)


def test_gaps_are_told_one_by_one() -> None:
    found = gaps([1.0, 2.0, 2.1, 4.0], 0.0)
    assert [(gap.began, gap.ended) for gap in found] == [(0.0, 1.0), (1.0, 2.0), (2.1, 4.0)]


def test_phases_follow_each_other_and_leave_out_what_nobody_saw() -> None:
    found = phases(10.0, [("detect", 10.2), ("prove", None), ("elect", 11.0), ("route", 10.9), ("first write", 12.0)])
    assert [(phase.name, round(phase.length, 3)) for phase in found] == [
        ("detect", 0.2), ("elect", 0.8), ("route", 0.0), ("first write", 1.0)]
    assert sum(phase.length for phase in found) == pytest.approx(2.0)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentiles(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value
    assert percentile([], share) == 0


def ack(member: str, timeline: int, began: float) -> WriterAck:
    return WriterAck(member, timeline, began, began + 0.01)


def test_one_writer_after_the_other_is_one_writer() -> None:
    assert two_writers([ack("postgres-1", 1, 1.0), ack("postgres-1", 1, 2.0), ack("postgres-2", 2, 3.0)]) == []


def test_a_commit_on_the_old_timeline_after_one_on_the_new_is_two_writers() -> None:
    found = two_writers([ack("postgres-1", 1, 1.0), ack("postgres-2", 2, 3.0), ack("postgres-1", 1, 3.5)])
    assert len(found) == 1
    assert found[0].startswith("postgres-1 acknowledged a commit on timeline 1 that began 0.49 s after")


def test_two_members_on_one_timeline_are_two_writers() -> None:
    assert two_writers([ack("postgres-1", 1, 1.0), ack("postgres-2", 1, 2.0)]) == [
        "postgres-1 and postgres-2 both acknowledged commits on timeline 1"]
