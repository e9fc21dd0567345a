"""When a replica asks for its master's place, and when it leaves that to Redis."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from redis_member import resp, succession
from redis_member.settings import Member, Settings
from redis_member.succession import Followed, Succession, followed

UP, DOWN = "role:slave\r\nmaster_link_status:up\r\n", "role:slave\r\nmaster_link_status:down\r\n"
NODES = """\
m1 10.0.0.1:6379@16379,redis-1 master - 0 0 2 connected 0-5459
m2 10.0.0.2:6379@16379,redis-2 master - 0 0 3 connected 5460-16383
r1 10.0.0.4:6379@16379,redis-4 myself,slave m1 0 0 2 connected
"""
PROMOTED = NODES.replace("myself,slave m1", "myself,master -")
MOVED = NODES.replace("myself,slave m1", "myself,slave m2")
BROTHER = "r0 10.0.0.5:6379@16379,redis-5 slave m1 0 0 2 connected\n"


def test_whom_a_member_follows() -> None:
    assert followed(NODES, UP) == Followed("m1", "redis-1", 0)
    assert followed(NODES, DOWN) is None, "without its data there is nothing to go on with"
    assert followed(PROMOTED, "role:master\r\n") is None


def test_of_several_replicas_one_goes_first() -> None:
    assert followed(NODES + BROTHER, UP) == Followed("m1", "redis-1", 1)
    assert followed(NODES + BROTHER.replace("slave", "slave,fail"), UP) == Followed("m1", "redis-1", 0)
    assert followed(NODES + BROTHER.replace("m1", "m2"), UP) == Followed("m1", "redis-1", 0)


@contextmanager
def listening() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def test_what_an_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as server:
        port = server.getsockname()[1]
        assert succession.accepts("127.0.0.1", port), "it listens, and need not say more"
    assert succession.accepts("127.0.0.1", port) is False

    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    assert succession.accepts("127.0.0.1", port) is None


@pytest.mark.parametrize(("answers", "ended"), [
    ([False], True), ([True, True, False], True), ([True, None], False), ([None], False), ([True] * 1000, False)],
    ids=["refuses", "refuses-a-moment-later", "falls-silent", "silent", "lives"])
def test_only_a_refusal_says_that_a_server_has_ended(
        monkeypatch: pytest.MonkeyPatch, answers: list[bool | None], ended: bool) -> None:
    told = iter(answers)
    monkeypatch.setattr(succession, "accepts", lambda *_: next(told))
    monkeypatch.setattr(succession, "ENDING_S", 0.1)
    assert succession.has_ended("10.0.0.1", 6379) is ended


def test_a_connection_ends_or_is_silent() -> None:
    with listening() as server, socket.create_connection(server.getsockname()) as client:
        other, _ = server.accept()
        connection = resp.Connection.__new__(resp.Connection)
        connection._socket = client  # type: ignore[assignment]
        assert not connection.ends_within(0.05)
        other.close()
        assert connection.ends_within(1)


class Played:
    """Both connections of a replica: what the own server says, in order, and whether the master's ends."""

    def __init__(self, nodes: list[str], ends: bool) -> None:
        self.nodes, self.ends = nodes, ends
        self.asked: list[tuple[str | int, ...]] = []
        self.opened: list[str] = []
        self.address = "10.0.0.1"

    def open(self, host: str, *_: object) -> Played:
        self.opened.append(host)
        return self

    def call(self, *words: str | int) -> str:
        match words:
            case ("CLUSTER", "NODES"):
                return self.nodes.pop(0)
            case ("INFO", _):
                return UP
        self.asked.append(words)
        return "OK"

    def ends_within(self, _seconds: float) -> bool:
        return self.ends

    def close(self) -> None:
        pass


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setattr(Settings, "tls", lambda _: None)
    monkeypatch.setattr(succession, "LOOK_S", 0)
    return Settings("redis-4", (Member("redis-4", 4, "redis-4", "a"),), 3, 6379, "platform", 1, True, tmp_path)


@pytest.mark.parametrize(("played", "refused", "asks"), [
    (Played([NODES, NODES], ends=True), True, True),
    (Played([NODES, PROMOTED], ends=True), True, False),
    (Played([NODES, MOVED], ends=True), True, False),
    (Played([NODES, NODES], ends=True), False, False),
    (Played([NODES], ends=False), True, False),
    (Played([PROMOTED], ends=True), True, False)],
    ids=["ended", "succeeded-meanwhile", "follows-another-meanwhile", "accepts-again", "silent", "master"])
def test_it_asks_for_the_place_of_a_master_that_ended_and_of_no_other(
        monkeypatch: pytest.MonkeyPatch, settings: Settings, played: Played, refused: bool, asks: bool) -> None:
    monkeypatch.setattr(succession, "Connection", played.open)
    monkeypatch.setattr(succession, "has_ended", lambda *_: refused)
    monkeypatch.setattr(succession, "accepts", lambda *_: None)
    Succession(settings).step()
    assert played.asked == ([("CLUSTER", "FAILOVER", "FORCE")] if asks else [])


def test_it_watches_whom_it_follows_now(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    played = Played([NODES, NODES, MOVED], ends=False)
    monkeypatch.setattr(succession, "Connection", played.open)
    watch = Succession(settings)
    for _ in range(3):
        watch.step()
    assert played.opened == ["localhost", "redis-1", "redis-2"]
