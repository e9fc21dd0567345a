"""The fencer: no key is released without proof, and whatever happens between proof and release does no harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations.supervisor import fencer as module
from operations.supervisor.container import Container
from operations.supervisor.engine import EngineError, GoneError
from operations.supervisor.etcd import Key
from operations.supervisor.events import Event
from operations.supervisor.fencer import Fencer
from operations.supervisor.pair import Role
from operations.supervisor.proof import Dead, NotProved, prove
from operations.supervisor.report import Report
from operations.supervisor.settings import Fencing
from tests.unit.operations.supervisor.test_verdict import container

LEADER, NAMES = "/evenkeel/postgres/leader", {f"postgres-{n}": f"evenkeel-test-postgres-{n}" for n in (1, 2, 3)}


def node(**changes: Any) -> Container:
    given = {"name": NAMES["postgres-1"], "member": "postgres-1", "workload": "postgres", "tier": "postgres"}
    return container(**{**given, **changes})


class Platform:
    """etcd with one key and an engine with one container; ``between`` happens after the proof, before the deletion."""

    def __init__(self, found: Container | None, holder: str | None = "postgres-1") -> None:
        self.found = found
        self.revision = 7
        self.key = Key(holder, "7", "lease-1") if holder else None
        self.left_s = 19.0
        self.calls: list[str] = []
        self.engine_fails = self.etcd_fails = False
        self.between: Callable[[], None] = lambda: None

    def take(self, holder: str) -> None:
        self.revision += 1
        self.key = Key(holder, str(self.revision), "lease-2")

    # -- what the fencer sees of both ---------------------------------------------------------------------------------

    def read(self, key: str) -> Key | None:
        self.calls.append("read")
        if self.etcd_fails:
            raise TimeoutError("no quorum")
        assert key == LEADER
        return self.key

    def inspect(self, name: str) -> Container | None:
        self.calls.append("inspect")
        if self.engine_fails:
            raise EngineError("no proxy answers")
        if self.found is None:
            raise GoneError(name)
        return self.found

    def delete_if(self, key: str, as_read: Key) -> bool:
        self.between()
        assert key == LEADER
        self.calls.append("delete")
        if self.etcd_fails:
            raise TimeoutError("no quorum")
        if self.key is None or (self.key.revision, self.key.value) != (as_read.revision, as_read.value):
            return False
        self.key = None
        return True

    def life(self, lease: str) -> tuple[float, float]:
        return self.left_s, 20.0


class Watcher:
    """One of the pair."""

    def __init__(self, platform: Platform, role: Role, capsys: pytest.CaptureFixture[str]) -> None:
        self.is_now = role
        self._capsys = capsys
        self.fencer = Fencer(Fencing(LEADER, NAMES), lambda: platform, lambda: platform,  # type: ignore[arg-type, return-value]
                             lambda: self.is_now, Report("supervisor-1"))

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]


@pytest.fixture
def watch(capsys: pytest.CaptureFixture[str]) -> Callable[..., Watcher]:
    return lambda platform, role=Role.LEADER: Watcher(platform, role, capsys)


def test_the_key_of_a_dead_node_is_released_with_its_proof_in_the_log(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node())
    one = watch(platform)
    assert one.fencer.round() and platform.key is None
    line, = one.said()
    assert [line[key] for key in ("action", "member", "container", "revision")] == ["released", "postgres-1", "c1", "7"]
    assert (line["started_at"], line["died_at"], line["exit_code"]) == (500.0, 1000.0, 137)


def test_the_key_is_read_before_its_holder_is_looked_at(watch: Callable[..., Watcher]) -> None:
    """The other way round the key might already be that of the node's next life."""
    platform = Platform(node())
    watch(platform).fencer.round()
    assert platform.calls == ["read", "inspect", "delete"]


@pytest.mark.parametrize("status", ["running", "paused", "created", "removing"])
def test_a_node_that_may_live_keeps_its_key(watch: Callable[..., Watcher], status: str) -> None:
    platform = Platform(node(status=status))
    assert not watch(platform).fencer.round()
    assert "delete" not in platform.calls


@pytest.mark.parametrize(("status", "word"), [("paused", "is paused"), ("running", "runs")])
def test_a_silent_node_is_spoken_of_once_and_nothing_is_done(watch: Callable[..., Watcher], status: str,
                                                             word: str) -> None:
    """Frozen, or cut off: etcd hears nothing of it, and that proves nothing."""
    platform = Platform(node(status=status))
    one = watch(platform)
    platform.left_s = 9.0
    for _ in range(3):
        assert not one.fencer.round()
    line, = one.said()
    assert (line["action"], line["level"]) == ("not released", "warning")
    assert word in line["msg"] and "unreachable is not dead" in line["msg"] and "expires in 9 s" in line["msg"]
    assert platform.key is not None
    platform.left_s = 19.0
    one.fencer.round()
    platform.left_s = 9.0
    one.fencer.round()
    assert len(one.said()) == 1, "the next silence is news"


def test_without_the_engine_nothing_is_done_and_one_alert_says_so(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node())
    platform.engine_fails = True
    one = watch(platform)
    assert not one.fencer.round() and not one.fencer.round()
    line, = one.said()
    assert (line["level"], line["member"]) == ("error", "postgres-1") and "the engine can't be asked" in line["msg"]
    assert platform.key is not None
    platform.engine_fails = False
    assert one.fencer.round(), "as soon as it can be asked again"


def test_a_container_that_is_gone_or_of_another_member_proves_nothing(watch: Callable[..., Watcher]) -> None:
    for found in (None, node(member="postgres-2")):
        platform = Platform(found)
        assert not watch(platform).fencer.round() and "delete" not in platform.calls


def test_a_holder_that_is_no_member_of_this_platform_is_left_alone(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node(), holder="postgres-9")
    assert not watch(platform).fencer.round() and platform.calls == ["read"]


def test_a_node_that_is_back_before_it_is_looked_at_keeps_its_key(watch: Callable[..., Watcher]) -> None:
    """The engine restarts what crashed within 0.1 s; the node then gives its key up by itself."""
    platform = Platform(node())
    one = watch(platform)
    one.fencer.hear(Event(1000.0, "die", "c1", NAMES["postgres-1"], {"evenkeel.member": "postgres-1"}))
    platform.found = node(status="running", started_at=1000.1)
    assert not one.fencer.round() and platform.key is not None


def test_a_node_that_is_back_and_took_its_key_anew_between_proof_and_release_keeps_it(
        watch: Callable[..., Watcher]) -> None:
    platform = Platform(node(status="restarting"))
    platform.between = lambda: platform.take("postgres-1")
    one = watch(platform)
    assert not one.fencer.round()
    assert platform.key is not None and one.said() == []


def test_a_node_that_is_back_between_proof_and_release_without_having_touched_its_key_loses_it(
        watch: Callable[..., Watcher]) -> None:
    """What is deleted was written by its former life; the new one takes a key as everybody does."""
    platform = Platform(node(status="restarting"))

    def back() -> None:
        platform.found = node(status="running", started_at=1000.1)

    platform.between = back
    assert watch(platform).fencer.round() and platform.key is None


def test_whoever_took_over_between_proof_and_release_keeps_the_key(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node())
    platform.between = lambda: platform.take("postgres-2")
    assert not watch(platform).fencer.round()
    assert platform.key == Key("postgres-2", "8", "lease-2")


def test_who_stands_by_completes_what_the_leading_one_left_undone(watch: Callable[..., Watcher],
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """The leading fencer died between its proof and the deletion."""
    platform = Platform(node())
    standby = watch(platform, Role.STANDBY)
    assert not standby.fencer.round(), "the other one goes first"
    monkeypatch.setattr(module, "PARTNER_FIRST_S", 0.0)
    assert standby.fencer.round() and platform.key is None


def test_of_two_fencers_with_the_same_proof_one_releases_and_one_speaks(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node())
    first, second = watch(platform), watch(platform)
    platform.between = lambda: (setattr(platform, "between", lambda: None), second.fencer.round())[0]
    assert not first.fencer.round(), "the second one came in between"
    assert [line["action"] for line in first.said()] == ["released"]
    assert platform.calls.count("delete") == 2


def test_without_etcd_nothing_is_done_and_it_is_said_once(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node())
    platform.etcd_fails = True
    one = watch(platform)
    assert not one.fencer.round() and not one.fencer.round()
    assert len(one.said()) == 1 and "inspect" not in platform.calls


def test_before_a_dead_leader_is_started_its_key_is_released(watch: Callable[..., Watcher]) -> None:
    platform = Platform(node())
    one = watch(platform, Role.STANDBY)
    one.fencer.release("postgres-2")
    assert platform.key is not None, "not its key"
    one.fencer.release("redis-1")
    one.fencer.release("postgres-1")
    assert platform.key is None
    platform.etcd_fails = True
    one.fencer.release("postgres-1")  # it may start: without etcd nobody leads


def test_what_can_be_proved() -> None:
    assert prove("postgres-1", node()) == Dead("c1", 500.0, 1000.0, 137)
    assert prove("postgres-1", node(status="restarting")) == Dead("c1", 500.0, 1000.0, 137)
    for unclear in (node(status="running"), node(status="paused"), node(started_at=2000.0), node(started_at=0.0), None,
                    replace(node(), member="postgres-3")):
        assert isinstance(prove("postgres-1", unclear), NotProved)
