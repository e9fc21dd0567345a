"""`make status` says the score below its table, and is the same without it. Engine and Prometheus are made up."""

from __future__ import annotations

import json

import pytest

from operations.monitoring import health
from operations.setup import cli, holds, status
from operations.setup.status import MemberStatus

MEMBER = MemberStatus("redis-1", "redis", "a", "healthy", "master", "7.0.15", 7.0, "")


@pytest.fixture(autouse=True)
def platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "of", lambda _stack: [MEMBER])
    monkeypatch.setattr(holds, "current", lambda _stack: [])


@pytest.mark.parametrize("said", ["health 96 of 100: redis-2 (redis, domain b) is down", ""])
def test_the_score_is_a_line_of_its_own(said: str, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(health, "line", lambda _stack: said)
    assert cli.main(["status", "STACK=shop"]) == 0
    below = capsys.readouterr().out.rpartition("┘")[2].split("\n")
    assert [line for line in below if line] == ([said] if said else [])


def test_for_programs_nothing_changes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(health, "line", lambda _stack: pytest.fail("nobody asked for it"))
    assert cli.main(["status", "FORMAT=json"]) == 0
    assert [one["member"] for one in json.loads(capsys.readouterr().out)] == ["redis-1"]
