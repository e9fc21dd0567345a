"""The line of `make status`: a score with its reasons, and never an error. Only Prometheus' answers are made up."""

from __future__ import annotations

from collections.abc import Sequence

import docker.errors
import pytest

from operations.monitoring import api, health
from operations.setup.errors import SetupError
from tests.support.sights import LOST_MASTER, SLOW_QUERY, MadeUp


def said(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(api, "several", lambda _stack, questions, _patience: made_up.several(questions))
    return health.line("shop")


def test_where_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(MadeUp(), monkeypatch) == "health 100 of 100: every member is up, no alert fires"


def test_reasons_are_members_that_are_down_and_alerts_that_fire_the_worst_first(
        monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(LOST_MASTER, monkeypatch) == (
        "health 96 of 100: requests are answered with 5xx: 8.1 %, the limit is 5 %; redis-2 (redis, domain b) is down")
    assert said(SLOW_QUERY, monkeypatch).startswith("health 81 of 100: 95 % of the requests")


def test_many_reasons_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    line = said(MadeUp(down=[f"redis-{n}" for n in range(1, 7)], score=50), monkeypatch)
    assert line.count("is down") == 4 and line.endswith("; and 2 more")


def test_before_a_first_score_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "several", lambda *_arguments: [api.Told({"result": []})] * 3 + [api.Told({"alerts": []})])
    assert "not known yet" in health.line("shop")


def alerting(monkeypatch: pytest.MonkeyPatch, name: str, severity: str, summary: str) -> str:
    """What is said where the score was 100 a moment ago, and this alert fires."""
    alert = {"state": "firing", "labels": {"alertname": name, "severity": severity, "tier": "monitoring"},
             "annotations": {"summary": summary}}
    score = api.Told({"result": [{"metric": {}, "value": [0, "100"]}]})
    monkeypatch.setattr(api, "several", lambda *_arguments: [score, api.Told({"result": []}), api.Told({"result": []}),
                                                             api.Told({"alerts": [alert]})])
    return health.line("shop")


def test_where_no_figure_is_kept_the_last_score_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert alerting(monkeypatch, "FiguresNotKept", "critical", "no figure was kept") == (
        "health is not known: no figure was kept")


def test_a_heartbeat_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert alerting(monkeypatch, "Watching", "none", "figures come in") == (
        "health 100 of 100: every member is up, no alert fires")


@pytest.mark.parametrize(("error", "line"), [
    (api.NotThereError("No prometheus of the stack 'shop' runs"), ""),
    (SetupError("prometheus-1 does not answer"), "health is not known: prometheus-1 does not answer"),
    (docker.errors.NotFound("no such container"), "health is not known: no such container")])
def test_without_prometheus_it_is_no_failure(error: Exception, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def several(_stack: str, _questions: Sequence[api.Question], patience_s: float) -> list[api.Told]:
        assert patience_s <= 2
        raise error

    monkeypatch.setattr(api, "several", several)
    assert health.line("shop") == line
