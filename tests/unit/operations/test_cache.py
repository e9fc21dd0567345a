"""Purge and warm-up as commands: every edge is told, one that fails is named, and the others do their part."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.targets.docker import engine
from operations.cache import __main__ as command
from operations.cache import edges
from operations.setup import engine_state

PURGED = {"examined": 4, "files": 2, "bytes": 2048, "removed": ["localhost/app/", "localhost/app/page.js"]}


@dataclass
class Member:
    name: str
    answer: dict[str, Any] | None

    @property
    def labels(self) -> dict[str, str]:
        return {"evenkeel.member": self.name, "evenkeel.workload": self.name.rpartition("-")[0]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, Any]]]:
    """(member, command, request) of all that was run; the second edge can't be asked."""
    seen: list[tuple[str, str, dict[str, Any]]] = []
    members = [Member("nginx-1", PURGED), Member("nginx-2", None), Member("haproxy-1", {})]

    def run(member: Member, line: list[str]) -> tuple[int, str]:
        seen.append((member.name, line[3], json.loads(line[4])))
        return (0, json.dumps(member.answer)) if member.answer else (126, "container is not running")

    monkeypatch.setattr(engine_state, "containers", lambda _stack: members)
    monkeypatch.setattr(engine, "run_inside", run)
    return seen


def test_every_edge_is_purged_and_one_that_is_not_is_named(
        asked: list[tuple[str, str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["purge", "URLS=/app/* /news"]) == 1
    assert {name for name, _, _ in asked} == {"nginx-1", "nginx-2"}
    assert all(request["patterns"] == ["/app/*", "/news"] and not request["dry_run"] for _, _, request in asked)
    said = capsys.readouterr().out
    assert "nginx-1: 2 of 4 answers purged: localhost/app/, localhost/app/page.js" in said
    assert "nginx-2: not purged: container is not running" in said


def test_a_dry_run_is_passed_on(asked: list[tuple[str, str, dict[str, Any]]]) -> None:
    command.main(["purge", "URLS=*", "DRY_RUN=1"])
    assert all(request["dry_run"] for _, _, request in asked)


def test_nothing_to_purge_and_paths_that_are_none_are_refused(
        asked: list[tuple[str, str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["purge", "URLS="]) == 1
    assert command.main(["warm", "URLS=app/"]) == 1
    assert command.main(["melt", "URLS=/"]) == 2
    said = capsys.readouterr().err
    assert "make purge URLS='*'" in said and "make warm URLS=" in said and "usage:" in said
    assert not asked


def test_a_stack_without_edges_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_state, "containers", lambda _stack: [])
    with pytest.raises(edges.CacheError, match="make status STACK=nowhere"):
        edges.purge("nowhere", ["*"])


def test_urls_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text("# the shop\n/a /b\n\n/c\n")
    assert command.wanted({"URLS": "/x", "FILE": str(file)}) == ["/x", "/a", "/b", "/c"]


def test_many_paths_go_in_batches_whose_results_are_added(asked: list[tuple[str, str, dict[str, Any]]]) -> None:
    edges.warm("test", "shop.example", [f"/{n}" for n in range(1200)])
    assert [len(request["paths"]) for name, _, request in asked if name == "nginx-1"] == [500, 500, 200]
    warmed = {"asked": 2, "kept": 1, "passed": ["/b"], "failed": {"/c": "HTTP 404"}, "statuses": {"200": 2}}
    assert edges.merge([warmed, {**warmed, "failed": {}, "statuses": {"200": 1, "404": 1}}]) == {
        "asked": 4, "kept": 2, "passed": ["/b", "/b"], "failed": {"/c": "HTTP 404"}, "statuses": {"200": 3, "404": 1}}
