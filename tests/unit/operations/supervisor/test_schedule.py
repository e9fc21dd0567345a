"""When a member with a schedule is due. 2026-11-21 00:00 UTC is a Saturday."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from operations.supervisor.container import NEVER, Container
from operations.supervisor.schedule import Due, ScheduleError, due, next_after
from tests.unit.operations.supervisor.test_verdict import container

GRACE_S = 60


def at(clock: str) -> float:
    return datetime.fromisoformat(f"2026-11-21T{clock}+00:00").astimezone(UTC).timestamp()


def job(**changes: Any) -> Container:
    given: dict[str, Any] = {"schedule": "*/5 * * * *", "restarts": False, "status": "created", "started_at": NEVER,
                             "finished_at": NEVER, "created_at": at("12:01:00")}
    return container(**{**given, **changes})


def asked(found: Container, clock: str, handled_at: float = 0.0) -> Due | None:
    return due(found, handled_at, at(clock), GRACE_S)


def test_utc() -> None:
    assert next_after("30 3 * * *", at("12:00:00")) == at("03:30:00") + 86400
    assert next_after("0 4 * * MON-FRI", at("12:00:00")) == at("04:00:00") + 2 * 86400


def test_it_is_due_at_its_minute_and_not_before() -> None:
    assert asked(job(), "12:04:59") is None
    assert asked(job(), "12:05:00") == Due(at("12:05:00"), True)


def test_it_runs_once_per_time() -> None:
    ran = job(status="exited", started_at=at("12:05:00.400"), finished_at=at("12:05:02"))
    assert asked(ran, "12:05:30") is None
    assert asked(ran, "12:10:01") == Due(at("12:10:00"), True)


def test_what_was_made_after_its_time_waits_for_the_next() -> None:
    assert asked(job(created_at=at("12:05:10")), "12:05:20") is None


def test_a_run_that_nobody_started_is_made_up_for_within_the_grace() -> None:
    assert asked(job(), "12:05:50") == Due(at("12:05:00"), True)


def test_later_it_is_left_out_and_said() -> None:
    missed = asked(job(), "12:08:00")
    assert missed is not None and not missed.run and "missed" in missed.why
    assert asked(job(), "12:08:00", handled_at=missed.at) is None


def test_of_many_that_were_missed_one_is_made_up() -> None:
    assert asked(job(created_at=at("03:00:00")), "12:05:20") == Due(at("12:05:00"), True)


def test_while_the_last_run_goes_on_the_next_is_left_out() -> None:
    running = job(status="running", started_at=at("12:05:00.4"))
    skipped = asked(running, "12:10:00")
    assert skipped is not None and not skipped.run and "still goes on" in skipped.why
    assert asked(running, "12:10:05", handled_at=skipped.at) is None


@pytest.mark.parametrize("wrong", ["", "* * *", "61 * * * *", "0 0 30 2 *", "@reboot"])
def test_no_cron_expression(wrong: str) -> None:
    with pytest.raises(ScheduleError):
        next_after(wrong, 0.0)
