"""`make alert-test`: what it concludes from Alertmanager's counters. Only Alertmanager's answers are made up."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.settings.routes import Route
from components.targets.docker import engine
from operations.monitoring import __main__ as commands
from operations.monitoring import api, trial
from operations.setup.errors import SetupError

HOOK = Route.model_validate({"kind": "webhook", "url": "http://hook.example"})
BEAT = Route.model_validate({"kind": "heartbeat", "url": "http://hook.example/beat"})
FIGURES = """# TYPE alertmanager_notification_requests_total counter
alertmanager_notification_requests_total{{integration="email"}} 9
alertmanager_notification_requests_total{{integration="webhook"}} {sent}
alertmanager_notification_requests_failed_total{{integration="webhook"}} {failed}
"""


class Manager:
    """An alert manager of which the counters of the one that tries are known at each look."""

    name = "shop-alertmanager-1"

    def __init__(self, *counts: tuple[int, int], refuses: str = "", log: str = "", at_work: str = "routes") -> None:
        self._counts, self._refuses, self._log, self._at_work = list(counts), refuses, log, at_work
        self.posted: list[dict[str, Any]] = []
        self.tries = 0

    def ask(self, _manager: object, port: int, path: str, *options: str) -> str:
        if path == "/api/v2/status":
            return json.dumps({"config": {"original": "routes" if port == trial.PORT else self._at_work}})
        assert port == trial.PORT and self.tries == 1, "the one at work is not disturbed"
        if path == "/-/ready":
            return "OK"
        if path == "/metrics":
            sent, failed = self._counts.pop(0) if len(self._counts) > 1 else self._counts[0]
            return FIGURES.format(sent=sent, failed=failed)
        self.posted += json.loads(options[options.index("--data") + 1])
        return self._refuses

    def exec_run(self, _command: list[str], detach: bool) -> None:
        assert detach
        self.tries += 1

    def run_inside(self, _manager: object, command: list[str]) -> tuple[int, str]:
        self.tries -= command[0] == "sh"
        return 0, self._log


def tried(manager: Manager, monkeypatch: pytest.MonkeyPatch, route: Route = HOOK) -> trial.Outcome:
    monkeypatch.setattr(api, "alertmanagers", lambda _stack: [manager])
    monkeypatch.setattr(api, "ask", manager.ask)
    monkeypatch.setattr(engine, "run_inside", manager.run_inside)
    monkeypatch.setattr(trial, "STEP_S", 0)
    monkeypatch.setattr(trial, "PATIENCE_S", 0.05)
    try:
        return next(trial.run("shop", {"hook": route}, lambda _text: None))
    finally:
        gc.collect()
        assert manager.tries == 0, "what was started is ended"


def test_it_arrived_when_neither_attempt_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager((0, 0), (1, 0), (1, 0), (1, 0), (2, 0))
    assert tried(manager, monkeypatch) == trial.Outcome("hook", True)
    begun, over = manager.posted
    assert begun["labels"] == over["labels"] and over["endsAt"] < begun["endsAt"]


def test_a_heartbeat_is_counted_as_the_webhook_that_it_is_and_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager((1, 0))
    assert tried(manager, monkeypatch, BEAT).arrived and len(manager.posted) == 1


def test_an_attempt_that_failed_is_told_in_alertmanagers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    log = ('ts=1 level=warn msg="Notify attempt failed, will retry later" '
           'err="Post \\"<redacted>\\": dial tcp: connection refused"\n')
    outcome = tried(Manager((0, 0), (1, 1), log=log), monkeypatch)
    assert not outcome.arrived and outcome.why == 'Post "<redacted>": dial tcp: connection refused'


def test_an_attempt_whose_failure_is_counted_a_moment_later_is_no_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tried(Manager((1, 0), (1, 1)), monkeypatch).arrived


def test_an_end_that_is_not_told_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = tried(Manager((1, 0)), monkeypatch)
    assert not outcome.arrived and "not that it is over: nothing was sent" in outcome.why


def test_nothing_sent_is_no_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = tried(Manager((0, 0)), monkeypatch)
    assert not outcome.arrived and "nothing was sent" in outcome.why


def test_a_refused_alert_is_no_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = tried(Manager((0, 0), refuses='{"code":601,"message":"invalid"}'), monkeypatch)
    assert not outcome.arrived and "invalid" in outcome.why


def test_other_routes_at_work_than_in_the_file_are_no_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="shop-alertmanager-1 works with other routes"):
        tried(Manager((2, 0), at_work="former routes"), monkeypatch)


def test_the_alert_names_its_route_and_ends_by_itself() -> None:
    now = datetime(2026, 11, 26, 10, tzinfo=UTC)
    made = trial.alert("shop", "hook", HOOK, now, now + timedelta(minutes=1))
    assert made["labels"] == {"alertname": "AlertTest", "stack": "shop", "tier": "monitoring", "severity": "warning",
                              "test_route": "hook", "run": "20261126T100000"}
    assert made["endsAt"] == "2026-11-26T10:01:00+00:00"


def test_a_first_message_has_no_counter_before_it() -> None:
    assert trial.counts("", "webhook") == (0, 0)


def test_without_a_route_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["alert-test", "STACK=no-such-stack"]) == 2
    assert "monitoring.routes" in capsys.readouterr().out
