"""Why a container does not run, judged from what the engine says: recorded sequences of Docker 20.10."""

from __future__ import annotations

from typing import Any

import pytest

from operations.supervisor.container import Container
from operations.supervisor.events import Event, History
from operations.supervisor.verdict import Cause, Death, LeftAlone, Nothing, judge, stop_mark

SETTLE_S = 1.0
DIED_AT = 1000.0


def container(**changes: Any) -> Container:
    given: dict[str, Any] = {
        "id": "c1", "name": "evenkeel-test-web-blue-1", "member": "web-blue-1", "workload": "web-blue", "tier": "app",
        "status": "exited", "exit_code": 137, "oom_killed": False, "created_at": 100.0, "started_at": 500.0,
        "finished_at": DIED_AT, "restarts": True, "stop_signal": 15, "stop_grace_s": 30.0, "schedule": None}
    return Container(**{**given, **changes})


def history(*happened: tuple[float, str, dict[str, Any]]) -> History:
    """Events as (seconds relative to the death, action, what else)."""
    found = History(started_at=500.0)
    for at, action, more in happened:
        found = found.after(Event(DIED_AT + at, action, "c1", "evenkeel-test-web-blue-1", **more))
    return found


def killed(number: int, ago: float = 0.02) -> tuple[float, str, dict[str, Any]]:
    return -ago, "kill", {"signal": number}


def died(code: int) -> tuple[float, str, dict[str, Any]]:
    return 0.0, "die", {"exit_code": code}


STOP = (0.1, "stop", {})
OOM = (-0.01, "oom", {})


def judged(found: Container, seen: History, known_stop: str | None = None) -> Any:
    return judge(found, seen, known_stop, SETTLE_S)


def test_docker_kill_is_a_death() -> None:
    verdict = judged(container(), history(killed(9), died(137)))
    assert verdict == Death(Cause.KILL, 137, 9, DIED_AT, DIED_AT + SETTLE_S)


def test_docker_stop_is_left_alone_and_remembered() -> None:
    verdict = judged(container(exit_code=143), history(killed(15), died(143), STOP))
    assert isinstance(verdict, LeftAlone) and verdict.remember


def test_a_stop_that_ran_into_its_grace_is_left_alone() -> None:
    assert isinstance(judged(container(), history(killed(15, 30.0), killed(9), died(137), STOP)), LeftAlone)


def test_after_the_stop_signal_a_stop_is_waited_for_longer() -> None:
    """`docker kill --signal TERM` looks like the beginning of a stop."""
    verdict = judged(container(exit_code=0), history(killed(15), died(0)))
    assert verdict == Death(Cause.KILL, 0, 15, DIED_AT, DIED_AT + 3 * SETTLE_S)


def test_another_stop_signal_is_the_containers_own() -> None:
    nginx = container(stop_signal=3, exit_code=0)
    assert judged(nginx, history(killed(15), died(0))).settled_at == DIED_AT + SETTLE_S
    assert judged(nginx, history(killed(3), died(0))).settled_at == DIED_AT + 3 * SETTLE_S


def test_a_crash_after_a_signal_that_it_survived_is_ours_since_the_engine_gave_it_up() -> None:
    verdict = judged(container(exit_code=139), history(killed(28, 300.0), died(139)))
    assert (verdict.cause, verdict.signal) == (Cause.CRASH, None)


def test_out_of_memory() -> None:
    assert judged(container(), history(OOM, died(137))).cause is Cause.OOM
    assert judged(container(oom_killed=True), history(died(137))).cause is Cause.OOM


def test_a_child_that_ran_out_of_memory_is_not_what_ended_the_member() -> None:
    assert judged(container(oom_killed=True, exit_code=1), history(OOM, died(1))).cause is Cause.CRASH


def test_a_long_pause_of_the_engine_is_cut_short_after_five_seconds() -> None:
    verdict = judged(container(status="restarting"), history(died(1)))
    assert verdict.engine_waits and verdict.settled_at == DIED_AT + 5.0


@pytest.mark.parametrize("found", [
    container(status="running"), container(status="created"), container(status="paused"),
    container(status="removing"), container(restarts=False), container(schedule="* * * * *"),
], ids=["running", "created", "paused", "removing", "not-to-be-restarted", "scheduled"])
def test_none_of_our_business(found: Container) -> None:
    assert judged(found, history(killed(9), died(137))) == Nothing()


@pytest.mark.parametrize(("found", "cause"), [
    (container(oom_killed=True), Cause.OOM),
    (container(), Cause.KILL),
    (container(exit_code=139), Cause.CRASH),
], ids=["oom", "kill", "crash"])
def test_who_did_not_watch_brings_back_what_ended_badly(found: Container, cause: Cause) -> None:
    assert judged(found, History()) == Death(cause, found.exit_code, None, DIED_AT, DIED_AT + SETTLE_S)


@pytest.mark.parametrize("code", [0, 143])
def test_who_did_not_watch_leaves_alone_what_ended_in_an_orderly_way(code: int) -> None:
    verdict = judged(container(exit_code=code), History())
    assert isinstance(verdict, LeftAlone) and not verdict.remember and "docker start" in verdict.why


def test_who_did_not_watch_believes_who_did() -> None:
    found = container()
    assert isinstance(judged(found, History(), stop_mark(found)), LeftAlone)
    later = container(finished_at=DIED_AT + 60)
    assert isinstance(judged(later, History(), stop_mark(found)), Death), "another end of the same container"


def test_a_stop_before_a_start_that_was_never_heard_of_says_nothing() -> None:
    """Its event got lost: what is remembered is about an earlier end."""
    stale = history(killed(15), died(143), STOP)
    found = container(started_at=DIED_AT + 60, finished_at=DIED_AT + 120)
    assert judged(found, stale) == Death(Cause.KILL, 137, None, DIED_AT + 120, DIED_AT + 120 + SETTLE_S)


def test_a_start_begins_a_new_history() -> None:
    seen = history(killed(15), died(143), STOP, (5.0, "start", {}))
    assert seen == History(started_at=DIED_AT + 5.0)
