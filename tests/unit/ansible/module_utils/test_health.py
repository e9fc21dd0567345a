"""Who serves, as the gate sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import health
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Member

WORKER = Member("worker-1", "worker", "app", "a", "c", "id", True, {})
JOB = replace(WORKER, name="job-1", workload="job", running=False, labels={"evenkeel.schedule": "0 3 * * *"})


class Engine:
    """Members, and what their health commands answer."""

    def __init__(self, *members: Member, **answers: tuple[int, str]) -> None:
        self._members, self._answers = members, answers

    def members(self) -> list[Member]:
        return list(self._members)

    def health_of(self, _member: Member) -> tuple[str, ...]:
        return ("check",)

    def ask(self, member: Member, *_: str) -> tuple[int, str]:
        return self._answers.get(member.workload, (0, ""))


def judge(engine: Any, *expected: str, tolerated: tuple[str, ...] = (), tiers: tuple[str, ...] = ()) -> health.Verdict:
    return health.judge(engine, expected, tiers, tolerated)


def test_a_member_serves_when_its_health_command_says_so() -> None:
    assert judge(Engine(WORKER), "worker-1") == health.Verdict(("worker-1",), ())


def test_what_a_sick_member_says_is_passed_on() -> None:
    verdict = judge(Engine(WORKER, worker=(1, "curl: noise\nno database")), "worker-1")
    assert verdict == health.Verdict((), ("worker-1: its health check says: no database",))


def test_a_member_that_is_stopped_or_gone_is_missed_unless_it_is_tolerated() -> None:
    stopped = Engine(replace(WORKER, running=False))
    assert judge(stopped, "worker-1").problems == ("worker-1: its container does not run",)
    assert judge(Engine(WORKER), "worker-1", "worker-2").problems == ("worker-2 has no container",)
    assert judge(stopped, "worker-1", tolerated=("worker-1",)).problems == ()


def test_a_job_that_waits_for_its_time_is_well() -> None:
    assert judge(Engine(WORKER, JOB), "worker-1", "job-1").problems == ()


def test_other_tiers_are_left_alone() -> None:
    other = replace(WORKER, name="other-1", workload="other", tier="edge", running=False)
    assert judge(Engine(WORKER, other), "worker-1", tiers=("app",)).problems == ()
