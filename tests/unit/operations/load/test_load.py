"""What `make load` says, and which command lines it takes."""

from __future__ import annotations

import pytest

from operations.benchmarks.load import Failure, Outcome, read
from operations.load import __main__ as load


def outcome(**changes: object) -> Outcome:
    given = {"requests": 600, "rate": 50.0, "median_ms": 8.0, "p95_ms": 15.25, "p99_ms": 31.0, "not_sent": 0,
             "other_edge": 0, "failures": (), "acknowledged": {}, **changes}
    return Outcome(**given)  # type: ignore[arg-type]


def test_nothing_failed_is_the_first_thing_said() -> None:
    assert load.report(outcome())[0] == "0 of 600 requests failed"
    assert len(load.report(outcome())) == 2


def test_failures_are_shown_with_their_time_and_the_rest_is_counted() -> None:
    lines = load.report(outcome(failures=tuple(Failure(1000.0 + n, f"read 503 {n}") for n in range(25))))
    assert lines[0] == "25 of 600 requests failed" and lines[1].endswith("read 503 0")
    assert lines[1 + load.SHOWN] == "  and 5 more"


def test_what_is_no_failure_and_yet_worth_a_word_is_said() -> None:
    acknowledged = {"a": 1.0, "b": 3.5, "c": 4.0}
    said = "\n".join(load.report(outcome(other_edge=3, not_sent=2, acknowledged=acknowledged)))
    assert "3 orders acknowledged, at most 2.5 s apart" in said
    assert "3 went to the other edge" in said and "2 were due and not sent" in said


def test_requests_that_the_end_of_the_load_called_off_are_no_failures() -> None:
    lines = ["ack 1-2 3500", "failed 1000 place 0 1000 context canceled", "failed 4000 read 0 1000 context canceled",
             "failed 4001 read 503 1503 no worker"]
    failures, acknowledged, called_off = read(lines, told_to_end=4.0)
    assert failures == [Failure(1.0, "place 0 1000 context canceled"), Failure(4.001, "read 503 1503 no worker")]
    assert acknowledged == {"1-2": 3.5} and called_off == 1


@pytest.mark.parametrize("argument", ["RATE=0", "RATE=many", "RATE=20000", "FOR=2h", "FOR=soon"])
def test_a_load_out_of_bounds_is_refused_before_anything_is_sent(
        argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert load.main([argument]) == 2
    said = capsys.readouterr().out
    assert argument.partition("=")[2] in said and "make load [RATE=" in said
