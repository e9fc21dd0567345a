"""The report on service levels, of what Prometheus would say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.monitoring import __main__ as commands
from operations.monitoring import api, levels

DAYS = 30
ANSWERS = {"count": {"availability": 14400}, "requests": {"availability": 1_000_000},
           "spent": {"availability": 400_000}}
"""Ten days of figures; 400 failed requests, in units of the thousandth that may fail."""


@pytest.fixture
def prometheus(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, float]]:
    known: dict[str, dict[str, float]] = {key: dict(values) for key, values in ANSWERS.items()}

    def query(_stack: str, expression: str) -> list[dict[str, Any]]:
        if "probe_success" in expression:
            return [{"metric": {"stack": "shop"}, "value": [0, "0.9999"]}]
        key = "count" if expression.startswith("count") else "spent" if levels.SPENT in expression else "requests"
        return [{"metric": {"level": level}, "value": [0, str(value)]} for level, value in known[key].items()]

    monkeypatch.setattr(api, "query", query)
    monkeypatch.setattr(api, "series", lambda *_: [{"metric": {"level": "availability"}, "values": [
        [1764028800, "300000"], [1764115200, "100000"]]}])
    return known


def test_what_was_kept_and_where_the_budget_went(prometheus: dict[str, dict[str, float]], tmp_path: Path) -> None:
    told = levels.report("shop", {"availability": 99.9, "answers": 99}, DAYS)
    level, = told.levels
    assert (level.requests, level.failed, level.kept) == (1_000_000, 400, True)
    assert (level.reached, level.left) == (pytest.approx(99.96), pytest.approx(60))
    assert level.days == {"2025-11-25": pytest.approx(30), "2025-11-26": pytest.approx(10)}
    assert told.covered_days == pytest.approx(10) and told.silent == ["answers"]
    page = levels.write(told, tmp_path).read_text()
    assert "| availability | 99.9 % | 99.960 % | 1,000,000 | 400 | 60.0 % |" in page
    assert "figures of 10.0 of them" in page and "retention_days" in page and "No figures of answers" in page
    assert "the day until 2025-11-25: 30.0 % of the budget" in page and "99.990 % of the probes" in page
    assert json.loads(next(tmp_path.glob("*.json")).read_text())["levels"][0]["failed"] == 400


def test_a_promise_that_was_not_kept_is_a_failure(prometheus: dict[str, dict[str, float]], tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(levels, "ROOT", tmp_path)
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    assert commands.main(["slo-report", "STACK=local"]) == 0
    prometheus["spent"]["availability"] = 1_500_000
    assert commands.main(["slo-report", "STACK=local"]) == 1
    assert "-50.0 %" in capsys.readouterr().out
    assert "**not kept**" in next(tmp_path.rglob("*.md")).read_text()


def test_days_are_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["slo-report", "DAYS=month"]) == 2
    assert "DAYS=month" in capsys.readouterr().out
