"""When the leader key may be released: never before this Postgres is down in order, and only for a switchover. And who
may keep Postgres from stopping: whoever pauses clients, for some seconds."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.images.test_postgres_scripts import script

ME, OTHER = "postgres-1", "postgres-2"


@pytest.fixture
def handover(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = script("postgres-before-stop", monkeypatch)
    made.STOP_LIMIT_S = 0.1
    return made


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """A data directory, and a ``pg_controldata`` that says what the file ``state`` says."""
    program = tmp_path / "pg_controldata"
    program.write_text(f'#!/bin/sh\necho "pg_control version number: 1300"\n'
                       f'echo "Database cluster state:               $(cat {tmp_path}/state)"\n')
    program.chmod(0o755)
    (tmp_path / "state").write_text("in production")
    (tmp_path / "postmaster.pid").touch()
    return {"data": str(tmp_path), "controldata": str(program)}


def down(places: dict[str, str]) -> None:
    """Let Postgres have stopped in order."""
    Path(places["data"], "state").write_text("shut down")
    Path(places["data"], "postmaster.pid").unlink()


def test_a_postgres_is_down_only_when_it_shut_down_and_nobody_runs(
        handover: Any, places: dict[str, str], tmp_path: Path) -> None:
    for state, runs, expected in (("in production", True, False), ("shut down", True, False),
                                  ("in production", False, False), ("shutting down", False, False),
                                  ("shut down in recovery", False, False), ("shut down", False, True)):
        (tmp_path / "state").write_text(state)
        (tmp_path / "postmaster.pid").unlink(missing_ok=True)
        if runs:
            (tmp_path / "postmaster.pid").touch()
        assert handover.stopped(places["data"], places["controldata"]) is expected, (state, runs)


class Store:
    """An etcd in which a switchover away from ``asked`` was asked for, and ``leader`` leads."""

    def __init__(self, leader: str = ME, asked: str = ME) -> None:
        self._kept = {"leader": (leader, "7"), "failover": (json.dumps({"leader": asked}) if asked else "", "8")}
        self.released: list[tuple[str, str]] = []

    def read(self, name: str) -> tuple[str, str]:
        return self._kept[name]

    def release(self, leader: str, revision: str) -> bool:
        self.released.append((leader, revision))
        return True


def test_the_key_stays_while_it_runs(handover: Any, places: dict[str, str]) -> None:
    store = Store()
    assert "not stopped" in handover.hand_over(store, ME, "7", places) and store.released == []


def test_the_key_that_was_read_is_released_when_it_is_down(handover: Any, places: dict[str, str]) -> None:
    down(places)
    store = Store()
    assert handover.hand_over(store, ME, handover.asked_to_leave(store, ME), places) == "leader key released"
    assert store.released == [(ME, "7")]


@pytest.mark.parametrize("store", [Store(asked=""), Store(leader=OTHER), Store(asked=OTHER)])
def test_a_restart_or_the_end_of_a_replica_is_no_switchover(handover: Any, store: Store) -> None:
    assert handover.asked_to_leave(store, ME) == ""


# -- the pause --------------------------------------------------------------------------------------------------------


def test_where_nobody_pauses_clients_nobody_is_waited_for(handover: Any, tmp_path: Path) -> None:
    began = time.monotonic()
    handover.wait_for_word(str(tmp_path / "nobody"), 5)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(tmp_path / "left-over"))
    handover.wait_for_word(str(tmp_path / "left-over"), 5)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(("word_after_s", "limit_s", "waits_s"), [(0.3, 5, 0.3), (60, 0.3, 0.3)])
def test_postgres_stops_at_the_word_and_without_one_in_time(
        handover: Any, tmp_path: Path, word_after_s: float, limit_s: float, waits_s: float) -> None:
    place, over = str(tmp_path / "waiting"), threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(1)

        def pause() -> None:
            held, _ = listening.accept()
            over.wait(word_after_s)
            held.close()

        pausing = threading.Thread(target=pause)
        pausing.start()
        began = time.monotonic()
        handover.wait_for_word(place, limit_s)
        assert waits_s - 0.1 < time.monotonic() - began < waits_s + 1
        over.set()
        pausing.join()


def test_only_the_key_that_still_names_the_leader_in_that_revision_is_deleted(handover: Any) -> None:
    asked: dict[str, Any] = {}

    class Recording(handover.Etcd):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._folder = "/evenkeel/postgres/"

        def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            asked.update(body, path=path)
            return {}

    assert Recording().release(ME, "7") is False
    assert {condition["target"] for condition in asked["compare"]} == {"VALUE", "MOD"}
    assert {condition["key"] for condition in asked["compare"]} == {handover.b64("/evenkeel/postgres/leader")}
    assert asked["path"] == "/v3/kv/txn"


# -- the connection ---------------------------------------------------------------------------------------------------


class Connection:
    """A connection to an endpoint that answers so many requests and then breaks."""

    def __init__(self, answers: int) -> None:
        self.left, self.closed = answers, False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def etcd(handover: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    class Connecting(handover.Etcd):  # type: ignore[misc, name-defined]
        def __init__(self, *answers: int) -> None:
            self._folder, self._kept, self.made = "/", None, []
            self._endpoints = [f"https://etcd-{n}:2379" for n in range(1, len(answers) + 1)]
            self._answers = dict(zip(self._endpoints, answers, strict=True))

        def _to(self, endpoint: str) -> Connection:
            self.made.append(endpoint)
            return Connection(self._answers[endpoint])

        @staticmethod
        def _answer(connection: Connection, path: str, _body: dict[str, Any]) -> dict[str, Any]:
            connection.left -= 1
            if connection.left < 0:
                raise ConnectionResetError("gone")
            return {"path": path}

    return Connecting


def test_one_connection_does_for_all_questions(etcd: Any) -> None:
    store = etcd(9, 9, 9)
    for _ in range(3):
        store.ask("/x", {})
    kept = store._kept
    assert kept.left == 6 and not kept.closed


def test_a_broken_one_is_replaced_and_a_dead_member_passed_over(etcd: Any) -> None:
    store = etcd(0, 2)
    assert store.ask("/x", {}) == store.ask("/x", {}) == {"path": "/x"}
    store._answers = dict.fromkeys(store._endpoints, 5)
    assert store.ask("/x", {}) == {"path": "/x"}


def test_without_any_member_it_says_so(etcd: Any) -> None:
    with pytest.raises(OSError, match="etcd: gone"):
        etcd(0, 0).ask("/x", {})
