"""`make ask` and `make alerts`: what they print, and their exit status. The API is the only thing made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.monitoring import __main__ as commands
from operations.monitoring import api
from operations.setup.errors import SetupError


class Prometheus:
    """Its container, as far as a message names it."""

    name = "evenkeel-local-prometheus-1"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bodies with which Prometheus answers, in turn."""
    bodies: list[str] = []
    monkeypatch.setattr(api, "prometheus", lambda _stack: Prometheus())
    monkeypatch.setattr(api, "addresses", lambda _stack: ["http://172.16.0.2:9090"])
    monkeypatch.setattr(api, "ask", lambda *_arguments: bodies.pop(0))
    return bodies


def answer(**data: Any) -> str:
    return json.dumps({"status": "success", "data": data})


def test_values_are_shown_with_what_tells_them_apart(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said.append(answer(resultType="vector", result=[
        {"metric": {"__name__": "up", "member": "redis-2", "stack": "x", "job": "redis"}, "value": [0, "0"]},
        {"metric": {"__name__": "up", "member": "redis-1", "stack": "x", "job": "redis"}, "value": [0, "0.25"]}]))
    assert commands.main(["ask", "QUERY=up"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["0.25", "up", "member=redis-1"], ["0", "up", "member=redis-2"]]


def test_nothing_is_said_to_be_nothing(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said.append(answer(resultType="vector", result=[]))
    assert commands.main(["ask", "QUERY=up == 0"]) == 1
    assert capsys.readouterr().out == "nothing\n"


def test_what_prometheus_refuses_is_told_in_its_words(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said.append(json.dumps({"status": "error", "error": "parse error: unclosed left parenthesis"}))
    assert commands.main(["ask", "QUERY=rate("]) == 2
    assert "unclosed left parenthesis" in capsys.readouterr().out


def test_one_that_still_reads_what_it_knew_is_named(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said.append("Service Unavailable")
    assert commands.main(["ask", "QUERY=up"]) == 2
    assert "prometheus-1 is not ready" in capsys.readouterr().out


@pytest.mark.parametrize(("severity", "state", "status"), [
    ("critical", "firing", 1), ("critical", "pending", 0), ("warning", "firing", 0)])
def test_a_critical_alert_that_fires_is_a_failure(severity: str, state: str, status: int, said: list[str],
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    said.append(answer(alerts=[{
        "labels": {"alertname": "NoPrimary", "severity": severity}, "state": state,
        "activeAt": "2026-11-26T10:00:00.123Z",
        "annotations": {"summary": "no primary", "runbook": "docs/runbooks/no-primary.md"}}]))
    assert commands.main(["alerts"]) == status
    out = capsys.readouterr().out
    assert "NoPrimary" in out and "http://172.16.0.2:9090" in out


def test_a_stack_without_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.engine_state, "containers", lambda _stack: [])
    with pytest.raises(SetupError) as raised:
        api.prometheus("shop")
    assert "monitoring.enabled" in str(raised.value) and "make up STACK=shop" in str(raised.value)
