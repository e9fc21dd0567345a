"""When the leader key may be released: never before this Postgres is down in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import patroni_agent


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


def test_a_postgres_is_down_only_when_it_shut_down_and_nobody_runs(places: dict[str, str], tmp_path: Path) -> None:
    for state, runs, expected in (("in production", True, False), ("shut down", True, False),
                                  ("in production", False, False), ("shutting down", False, False),
                                  ("shut down in recovery", False, False), ("shut down", False, True)):
        (tmp_path / "state").write_text(state)
        (tmp_path / "postmaster.pid").unlink(missing_ok=True)
        if runs:
            (tmp_path / "postmaster.pid").touch()
        assert patroni_agent.stopped(places["data"], places["controldata"]) is expected, (state, runs)


class Store:
    """An etcd that notes what was asked of it."""

    def __init__(self) -> None:
        self.released: list[tuple[str, str]] = []

    def release(self, leader: str, revision: str) -> bool:
        self.released.append((leader, revision))
        return True


def test_the_key_stays_while_it_runs(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patroni_agent, "STOP_LIMIT_S", 0.1)
    store: Any = Store()
    done: list[str] = []
    patroni_agent.release_when_stopped(store, "postgres-1", "7", places, done)
    assert store.released == [] and done == ["not stopped in time"]


def test_the_key_that_was_read_is_released_when_it_is_down(places: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("shut down")
    (tmp_path / "postmaster.pid").unlink()
    store: Any = Store()
    done: list[str] = []
    patroni_agent.release_when_stopped(store, "postgres-1", "7", places, done)
    assert store.released == [("postgres-1", "7")] and done == ["released"]


def test_only_the_key_that_still_names_the_leader_in_that_revision_is_deleted() -> None:
    asked: dict[str, Any] = {}

    class Recording(patroni_agent.Etcd):
        def __init__(self) -> None:
            """Needs no files."""

        def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            asked.update(body, path=path)
            return {}

    assert Recording().release("postgres-1", "7") is False
    assert {condition["target"] for condition in asked["compare"]} == {"VALUE", "MOD"}
    assert asked["path"] == "/v3/kv/txn"
