"""Healing: a playbook answers an alert, seldom enough, and what cannot be known is not acted upon."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import audit

from components.settings import Settings, SettingsError
from components.settings.healing import Hook
from operations.healing import due
from operations.healing.__main__ import Healer, check
from operations.healing.due import Answer, Firing, Past
from operations.setup.errors import SetupError

NOW = 1_800_000_000.0
HOOK = Hook(alert="RedisMemoryFull", playbook="ansible/playbooks/redis_scale.yml", labels={"tier": "redis"},
            extra={"masters": "4"})
FULL = Firing("RedisMemoryFull", "warning", NOW - 120, {"tier": "redis", "member": "redis-1"}, "redis-1 is full")


def told(firing: Firing, state: str = "firing") -> dict[str, Any]:
    """As Prometheus tells it."""
    at = datetime.fromtimestamp(firing.since, UTC)
    return {"state": state, "activeAt": f"{at:%Y-%m-%dT%H:%M:%S}.123456789Z", "annotations": {"summary": firing.says},
            "labels": {"alertname": firing.name, "severity": firing.severity, **firing.labels}}


def why(hook: Hook = HOOK, alerts: Sequence[Firing] = (FULL,), runs: Sequence[Past] = ()) -> list[str]:
    return [answer.why for answer in due.answers({"grow": hook}, alerts, runs, NOW)]


def test_an_alert_that_has_fired_for_long_enough_is_answered() -> None:
    assert due.answers({"grow": HOOK}, [FULL], [], NOW) == [Answer("grow", FULL)]


@pytest.mark.parametrize("other", [
    Firing("RedisMemoryFull", "info", NOW - 120, FULL.labels), Firing("MemoryFull", "warning", NOW - 120, FULL.labels),
    Firing("RedisMemoryFull", "warning", NOW - 120, {"tier": "app"})], ids=["severity", "name", "label"])
def test_another_alert_is_not(other: Firing) -> None:
    assert why(alerts=[other]) == []


def test_one_that_has_just_begun_is_waited_for() -> None:
    assert why(alerts=[Firing(FULL.name, FULL.severity, NOW - 20, FULL.labels)]) == [
        "it has been firing for 20 s, 60 s are asked for"]


def test_there_is_a_pause_between_two_runs_from_the_end_of_the_first() -> None:
    assert why(runs=[Past("grow", NOW - 2000, NOW - 100)]) == [
        "it ran 100 s ago, 600 s are to be between two runs"]
    assert why(runs=[Past("grow", NOW - 300, None)]) == ["it ran 300 s ago, 600 s are to be between two runs"]
    assert why(runs=[Past("grow", NOW - 2000, NOW - 700)]) == [""]
    assert why(runs=[Past("other", NOW - 10, NOW - 5)]) == [""]


def test_after_so_many_runs_a_day_people_have_to_look() -> None:
    runs = [Past("grow", NOW - hours * 3600, NOW - hours * 3600 + 5) for hours in (3, 9, 20)]
    assert why(runs=runs) == ["it ran 3 times within 24 hours, 3 are allowed: somebody has to look"]
    assert why(runs=[*runs[:2], Past("grow", NOW - 25 * 3600, NOW - 25 * 3600 + 5)]) == [""]


def test_what_fires_is_read_as_prometheus_tells_it() -> None:
    found = due.firing([told(FULL), told(FULL, "pending")])
    assert len(found) == 1 and found[0].since == pytest.approx(FULL.since, abs=0.2)
    assert found[0].labels["member"] == "redis-1" and found[0].says == "redis-1 is full"


def test_the_playbook_is_told_everything_and_no_shell_reads_it() -> None:
    odd = Firing(FULL.name, FULL.severity, FULL.since, {"member": "$(reboot) '"})
    program, playbook, flag, variables = due.command("shop", "grow", HOOK, odd)
    assert (program, playbook, flag) == ("ansible-playbook", "ansible/playbooks/redis_scale.yml", "-e")
    assert json.loads(variables) == {"stack": "shop", "healing": "grow", "masters": "4", "alert": {
        "name": "RedisMemoryFull", "severity": "warning", "says": "", "labels": {"member": "$(reboot) '"}}}


# -- the loop ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[Healer, list[str], list[Sequence[str]]]]:
    def made(status: int = 0, **further: Any) -> tuple[Healer, list[str], list[Sequence[str]]]:
        said: list[str] = []
        ran: list[Sequence[str]] = []

        def run(command: Sequence[str]) -> int:
            ran.append(command)
            return status

        def note(log: audit.Log, stack: str, operation: str, options: Mapping[str, str],
                 act: Callable[[], int]) -> int:
            began = log.begin(stack, operation, options)
            result = act()
            log.end(began, audit.OK if result == 0 else audit.FAILED)
            return result

        now = datetime.now(UTC).timestamp()
        firing = Firing(FULL.name, FULL.severity, now - 500, FULL.labels, FULL.says)
        given = {"note": note, "alerts": lambda _stack: [told(firing)], "run": run, **further}
        return Healer("shop", {"grow": HOOK}, said.append, audit.Log(tmp_path / "shop.jsonl"), **given), said, ran
    return made


def moments(count: int, apart: float) -> list[float]:
    now = datetime.now(UTC).timestamp()
    return [now + number * apart for number in range(count)]


@pytest.mark.parametrize("status", [0, 2])
def test_it_runs_once_and_then_waits_whatever_became_of_it(make: Any, status: int) -> None:
    healer, said, ran = make(status)
    for now in moments(5, 10):
        healer.look(now)
    assert len(ran) == 1
    assert said[1] == "grow: ansible/playbooks/redis_scale.yml " + ("is done" if status == 0 else
                                                                    "failed with status 2")
    assert [sentence for sentence in said if "not now" in sentence] == said[2:] and len(said) == 3, "said once"


def test_one_that_is_started_anew_knows_what_ran(make: Any) -> None:
    first, _, ran = make()
    first.look(moments(1, 0)[0])
    again, said, ran_again = make()
    again.look(moments(2, 30)[1])
    assert len(ran) == 1 and ran_again == [] and "600 s are to be between two runs" in said[0]


def test_a_log_that_can_not_be_written_does_not_make_it_run_more_often(make: Any) -> None:
    healer, _, ran = make(note=lambda _log, _stack, _operation, _options, act: act())
    for now in moments(5, 10):
        healer.look(now)
    assert len(ran) == 1


def test_while_nobody_says_what_fires_nothing_is_done(make: Any) -> None:
    def silent(_stack: str) -> list[dict[str, Any]]:
        raise SetupError("prometheus-1 does not answer")

    healer, _, ran = make(alerts=silent)
    with pytest.raises(SetupError):
        healer.look(NOW)
    assert ran == []


def test_a_playbook_that_is_not_there_is_told_before_anything_begins() -> None:
    check({"grow": HOOK})
    with pytest.raises(SetupError, match=r"there is no mine/none\.yml"):
        check({"grow": Hook(alert="X", playbook="mine/none.yml")})


@pytest.mark.parametrize(("hook", "words"), [
    ({"alert": "X", "playbook": "../other.yml"}, "below the top of the checkout"),
    ({"alert": "X", "playbook": "/etc/x.yml"}, "below the top of the checkout"),
    ({"alert": "X", "playbook": "a.yml", "extra": {"stack": "b"}}, "'stack' is told"),
    ({"alert": "X", "playbook": "a.yml", "pause_s": 5}, "greater than or equal to 60"),
])
def test_a_wrong_hook_is_refused(hook: Mapping[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.load({"monitoring": {"healing": {"grow": hook}}}, stack="shop", where="test")
