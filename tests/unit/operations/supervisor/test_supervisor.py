"""The loop on an engine of its own making: what it does to whom, and what it says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.supervisor import supervisor as loop
from operations.supervisor.container import Container
from operations.supervisor.engine import EngineError, GoneError, Listed
from operations.supervisor.events import Event
from operations.supervisor.holds import Hold
from operations.supervisor.pair import Role, View
from operations.supervisor.pauses import Tries
from operations.supervisor.report import Report
from operations.supervisor.rescue import Rescue
from operations.supervisor.settings import Settings
from operations.supervisor.supervisor import Supervisor
from operations.supervisor.verdict import Cause, Death
from tests.unit.operations.supervisor.test_verdict import container

LABELS = {"evenkeel.member": "web-blue-1", "evenkeel.tier": "app"}


class Now(Executor):
    """Runs what it is given at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        fn(*args, **kwargs)
        return Future()


class Engine:
    """Holds one container."""

    def __init__(self, found: Container) -> None:
        self.found = found
        self.listed = found
        self.asked: list[str] = []
        self.fails = ""

    def containers(self) -> list[Listed]:
        one = self.listed
        return [Listed(one.id, one.name, one.status, True, one.schedule), Listed("h", "helper", "created", False, None)]

    def inspect(self, name: str) -> Container:
        if name != self.found.name:
            raise GoneError(name)
        return self.found

    def act(self, name: str, verb: str) -> bool:
        self.asked.append(f"{verb} {name}")
        if self.fails:
            raise EngineError(self.fails)
        if self.found.status == "running":
            return False
        self.found = self.listed = replace(self.found, status="running", started_at=time.time())
        return True


class Pair:
    def __init__(self) -> None:
        self.is_now = Role.LEADER
        self.view = View(leader="supervisor-1")
        self.noted: dict[str, str] = {}

    def role(self) -> Role:
        return self.is_now

    def note_stop(self, name: str, mark: str) -> None:
        self.noted[name] = mark


class Scene:
    """A supervisor, what it watches, and what it said."""

    def __init__(self, rank: int, capsys: pytest.CaptureFixture[str], **changes: Any) -> None:
        self.began = time.time()
        ended = self.began - 2
        self.engine = Engine(container(**{"started_at": ended - 500, "finished_at": ended, **changes}))
        self.pair = Pair()
        self._capsys = capsys
        settings = Settings("supervisor-1", rank, (), (), settle_s=1.0, lease_s=4, steady_s=30, longest_pause_s=60,
                            schedule_grace_s=60)
        say = Report("supervisor-1")
        rescue = Rescue(lambda: self.engine, self.pair, self._holds, 60, say)  # type: ignore[arg-type, return-value]
        self.supervisor = Supervisor(settings, self.engine, self.pair, rescue,  # type: ignore[arg-type]
                                     pool=Now(), say=say)

    def _holds(self) -> dict[str, Hold]:
        return self.pair.view.holds

    def hear(self, *actions: str, at: float | None = None, **more: Any) -> None:
        for action in actions:
            self.supervisor.heard.put(Event(self.engine.found.finished_at if at is None else at, action, "c1",
                                            self.engine.found.name, LABELS, **more))

    def turn(self, later_s: float = 0.0) -> list[dict[str, Any]]:
        """One round; what it said but for its role."""
        self.supervisor.turn(time.time() + later_s)
        lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return [line for line in lines if line["action"] != "role"]


@pytest.fixture
def scene(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    monkeypatch.setattr(loop, "STATUS", tmp_path / "status")
    return lambda rank=0, **changes: Scene(rank, capsys, **changes)


def test_nobody_is_judged_before_what_a_broken_stream_missed_was_replayed(scene: Callable[..., Scene]) -> None:
    """The proxy that events came through was killed: without its kill it would have been started without a cause."""
    at = scene()
    at.supervisor.hearing.ends()
    assert at.turn() == []
    at.supervisor.hearing.begins(time.time())
    assert at.turn() == []
    at.hear("kill", signal=9)
    at.hear("die", exit_code=137)
    assert [(line["action"], line["signal"]) for line in at.turn(later_s=0.5)] == [("started", 9)]


def test_without_any_stream_a_member_waits_three_seconds_and_not_longer(scene: Callable[..., Scene]) -> None:
    at = scene(exit_code=137)
    at.supervisor.hearing.ends()
    assert at.turn() == []
    assert [(line["action"], line["cause"]) for line in at.turn(later_s=1.1)] == [("started", "kill")]


def test_a_killed_member_is_started_and_one_line_says_so(scene: Callable[..., Scene]) -> None:
    at = scene()
    at.hear("kill", signal=9)
    at.hear("die", exit_code=137)
    said = at.turn()
    assert at.engine.asked == ["start evenkeel-test-web-blue-1"]
    assert len(said) == 1
    assert {key: said[0][key] for key in ("action", "member", "tier", "cause", "exit_code", "signal", "actor")} == {
        "action": "started", "member": "web-blue-1", "tier": "app", "cause": "kill", "exit_code": 137, "signal": 9,
        "actor": "supervisor-1"}
    assert 2 <= said[0]["down_s"] < 4
    at.hear("start", at=time.time())
    assert at.turn() == [], "its own start is no news"
    assert len(at.engine.asked) == 1


def test_before_it_is_started_its_leader_key_is_released(scene: Callable[..., Scene]) -> None:
    at = scene()
    rescue = Rescue(lambda: at.engine, at.pair, dict, 60, Report("supervisor-1"),  # type: ignore[arg-type, return-value]
                    release=lambda member: at.engine.asked.append(f"release {member}"))
    rescue.bring_back(at.engine.found, Death(Cause.KILL, 137, 9, 0.0, 0.0), Tries())
    assert at.engine.asked == ["release web-blue-1", "start evenkeel-test-web-blue-1"]


def test_a_stopped_member_is_left_alone_and_said_once(scene: Callable[..., Scene]) -> None:
    at = scene(exit_code=143)
    at.hear("kill", signal=15)
    at.hear("die", exit_code=143)
    at.hear("stop")
    assert [line["action"] for line in (*at.turn(), *at.turn(60))] == ["left alone"]
    assert at.engine.asked == [] and list(at.pair.noted) == ["evenkeel-test-web-blue-1"]


def test_the_standby_watches_only(scene: Callable[..., Scene]) -> None:
    at = scene(rank=1)
    at.pair.is_now = Role.STANDBY
    at.hear("die", exit_code=137)
    assert at.turn(600) == [] and at.engine.asked == []
    at.pair.is_now = Role.LEADER
    at.turn()
    assert len(at.engine.asked) == 1


def test_without_etcd_the_second_in_rank_acts_three_seconds_later(scene: Callable[..., Scene]) -> None:
    at = scene(rank=1)
    at.pair.is_now = Role.ALONE
    at.hear("die", exit_code=137)
    at.turn()
    assert at.engine.asked == []
    at.turn(2.5)
    assert len(at.engine.asked) == 1


def test_before_it_has_settled_nothing_is_done(scene: Callable[..., Scene]) -> None:
    at = scene(finished_at=time.time())
    at.hear("die", exit_code=137)
    at.turn()
    assert at.engine.asked == []


def test_a_held_member_stays_down_until_the_hold_ends(scene: Callable[..., Scene]) -> None:
    at = scene()
    at.pair.view = View(holds={"app": Hold(time.time() + 300, "a drill")})
    at.hear("die", exit_code=137)
    said = at.turn()
    assert [line["action"] for line in said] == ["hold", "held"] and "a drill" in said[1]["msg"]
    assert at.turn() == [] and at.engine.asked == []
    at.pair.view = View()
    assert [line["action"] for line in at.turn()] == ["unhold", "started"]


def test_what_was_replaced_meanwhile_is_not_touched(scene: Callable[..., Scene]) -> None:
    at = scene()
    at.hear("die", exit_code=137)
    at.engine.found = replace(at.engine.found, id="c2", status="created")
    assert at.turn() == [] and at.engine.asked == []
    at.engine.found = replace(at.engine.found, name="gone")
    assert at.turn() == [] and at.engine.asked == []


def test_a_start_that_fails_is_said_and_tried_again_after_growing_pauses(scene: Callable[..., Scene]) -> None:
    at = scene()
    at.engine.fails = "no space left on device (500)"
    at.hear("die", exit_code=137)
    said = at.turn()
    assert said[0]["action"] == "failed" and "no space left" in said[0]["msg"]
    at.turn()
    assert len(at.engine.asked) == 1, "the pause before the second try is one second"
    at.turn(1.1)
    assert len(at.engine.asked) == 2


def test_a_crash_loop_is_slowed_down_and_called_so(scene: Callable[..., Scene]) -> None:
    at = scene()
    said: list[dict[str, Any]] = []
    for _ in range(4):
        ended = time.time()
        at.engine.found = at.engine.listed = replace(at.engine.found, status="exited", finished_at=ended)
        at.hear("kill", at=ended, signal=9)
        at.hear("die", at=ended, exit_code=137)
        said += at.turn(20)
    assert [line["level"] for line in said] == ["info", "info", "info", "warning"]
    assert "crash loop: start 4 in a row" in said[3]["msg"] and "8 s" in said[3]["msg"]


def test_a_long_pause_of_the_engine_is_cut_short(scene: Callable[..., Scene]) -> None:
    at = scene(status="restarting", finished_at=time.time() - 5.5, exit_code=1)
    at.hear("die", exit_code=1)
    said = at.turn()
    assert at.engine.asked == ["restart evenkeel-test-web-blue-1"] and said[0]["cause"] == "crash"


def test_what_the_engine_brought_back_is_said(scene: Callable[..., Scene]) -> None:
    at = scene(status="running")
    at.hear("die", at=at.began + 1, exit_code=139)
    at.hear("start", at=at.began + 1.5)
    said = at.turn()
    assert [(line["action"], line["actor"], line["cause"], line["down_s"]) for line in said] == [
        ("returned", "engine", "crash", 0.5)]


def test_what_happened_before_it_came_is_no_news(scene: Callable[..., Scene]) -> None:
    at = scene(status="running")
    at.hear("die", at=at.began - 10, exit_code=139)
    at.hear("start", at=at.began - 9)
    assert at.turn() == []


def test_a_scheduled_member_is_started_when_due_and_its_end_is_said(scene: Callable[..., Scene]) -> None:
    at = scene(schedule="* * * * *", restarts=False, status="created", created_at=time.time() - 120, started_at=0.0,
               finished_at=0.0)
    assert [line["action"] for line in at.turn()] == ["run"]
    assert at.engine.asked == ["start evenkeel-test-web-blue-1"]
    assert at.turn() == []
    for action, moment, more in (("start", 1.0, {}), ("die", 3.5, {"exit_code": 2})):
        labels = {**LABELS, "evenkeel.schedule": "* * * * *"}
        at.supervisor.heard.put(Event(at.began + moment, action, "c1", "x", labels, **more))
    said = at.turn()
    assert [(line["action"], line["exit_code"], line["ran_s"], line["level"]) for line in said] == [
        ("ended", 2, 2.5, "error")]


def test_a_schedule_nobody_can_read_is_said_once(scene: Callable[..., Scene]) -> None:
    at = scene(schedule="every day", restarts=False, status="created")
    assert [line["action"] for line in (*at.turn(), *at.turn(3600))] == ["failed"]


def test_the_status_is_for_the_health_check(scene: Callable[..., Scene]) -> None:
    scene().turn()
    role, looked = loop.STATUS.read_text().split()
    assert role == "leader" and abs(int(looked) - time.time()) < 5
