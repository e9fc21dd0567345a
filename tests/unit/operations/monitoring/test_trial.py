"""`make alert-test`: what it concludes from Alertmanager's counters. Only Alertmanager's answers are made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from components.settings.routes import Route
from operations.monitoring import __main__ as commands
from operations.monitoring import api, trial

HOOK = Route.model_validate({"kind": "webhook", "url": "http://hook.example"})
FIGURES = """# TYPE alertmanager_notification_requests_total counter
alertmanager_notification_requests_total{{integration="email"}} 9
alertmanager_notification_requests_total{{integration="webhook"}} {sent}
alertmanager_notification_requests_failed_total{{integration="webhook"}} {failed}
"""


class Manager:
    """An alert manager of which the counters are known at each look."""

    def __init__(self, *counts: tuple[int, int], refuses: str = "", log: str = "") -> None:
        self._counts, self._refuses, self._log = list(counts), refuses, log
        self.posted: list[dict[str, Any]] = []

    def ask(self, _manager: object, _port: int, path: str, *options: str) -> str:
        if path == "/metrics":
            sent, failed = self._counts.pop(0) if len(self._counts) > 1 else self._counts[0]
            return FIGURES.format(sent=sent, failed=failed)
        self.posted += json.loads(options[options.index("--data") + 1])
        return self._refuses

    def logs(self, **_options: Any) -> bytes:
        return self._log.encode()


def tried(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> trial.Outcome:
    monkeypatch.setattr(api, "alertmanagers", lambda _stack: [manager])
    monkeypatch.setattr(api, "ask", manager.ask)
    monkeypatch.setattr(trial, "STEP_S", 0)
    monkeypatch.setattr(trial, "PATIENCE_S", 0.05)
    return next(trial.run("shop", {"hook": HOOK}, lambda _text: None))


def test_it_arrived_when_an_attempt_did_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(Manager((3, 1), (3, 1), (4, 1)), monkeypatch) == trial.Outcome("hook", True)


def test_an_attempt_that_failed_is_told_in_alertmanagers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    log = ('ts=1 level=warn msg="Notify attempt failed, will retry later" '
           'err="Post \\"<redacted>\\": dial tcp: connection refused"\n')
    outcome = tried(Manager((3, 1), (4, 2), log=log), monkeypatch)
    assert not outcome.arrived and outcome.why == 'Post "<redacted>": dial tcp: connection refused'


def test_nothing_sent_is_no_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = tried(Manager((3, 1)), monkeypatch)
    assert not outcome.arrived and "nothing was sent" in outcome.why


def test_a_refused_alert_is_no_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = tried(Manager((0, 0), refuses='{"code":601,"message":"invalid"}'), monkeypatch)
    assert not outcome.arrived and "invalid" in outcome.why


def test_the_alert_names_its_route_and_ends_by_itself() -> None:
    now = datetime(2026, 11, 26, 10, tzinfo=UTC)
    made = trial.alert("shop", "hook", HOOK, now)
    assert made["labels"] == {"alertname": "AlertTest", "stack": "shop", "tier": "monitoring", "severity": "warning",
                              "test_route": "hook", "run": "20261126T100000"}
    assert made["endsAt"] == "2026-11-26T10:01:00+00:00"


def test_a_first_message_has_no_counter_before_it() -> None:
    assert trial.counts("", "webhook") == (0, 0)


def test_without_a_route_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["alert-test", "STACK=no-such-stack"]) == 2
    assert "monitoring.routes" in capsys.readouterr().out
