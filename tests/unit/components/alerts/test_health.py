"""The health score, computed by the real promtool from figures as members tell them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.alerts import groups
from components.rendering import render_text
from components.settings import Settings, SettingsError
from tests.support.alert_cases import DOWN, P1, R1, R2, STACK, STEP_S, UP, X1, both, of
from tests.support.checkers import judged
from tests.support.mocks import declare

CONFIG: Mapping[str, Any] = {"app": {"image": "base", "pools": {"web": {"workers": 2}}}}
MACHINE = of("node_memory_MemTotal_bytes", X1, "100x100")
WELL = {**both("redis_up", UP, UP, (R1, R2)), **of("pg_up", P1, UP), **MACHINE}
UNCOVERED = of("redis_cluster_slots_ok", R1, "16384x3 10923x20")


@dataclass(frozen=True)
class Case:
    """Figures, and what the tiers' scores and all of it come to at ``at_s``; by default weights redis 2, postgres 3,
    machine 1 count here."""

    told: Mapping[str, str]
    tiers: Mapping[str, float]
    health: float
    at_s: int = 60


CASES = {
    "all is well": Case(WELL, {"machine": 100, "postgres": 100, "redis": 100}, 100),
    "one of two members is down, and the alert about it costs nothing more": Case(
        {**WELL, **of("redis_up", R2, DOWN)}, {"machine": 100, "postgres": 100, "redis": 50}, 83),
    "what is down as a whole is worth nothing": Case(
        {**WELL, **both("redis_up", DOWN, DOWN, (R1, R2))}, {"machine": 100, "postgres": 100, "redis": 0}, 67),
    "a critical alert costs half of its tier": Case(
        {**WELL, **UNCOVERED}, {"machine": 100, "postgres": 100, "redis": 50}, 83),
    "what is only pending costs nothing": Case(
        {**WELL, **UNCOVERED}, {"machine": 100, "postgres": 100, "redis": 100}, 100, at_s=20),
    "a warning costs a fifth": Case(
        {**{key: values.replace("x23", "x100") for key, values in WELL.items()},
         **of("node_memory_MemAvailable_bytes", X1, "15x100")},
        {"machine": 80, "postgres": 100, "redis": 100}, 97, at_s=400),
    "who tells nothing does not count": Case(of("pg_up", P1, UP), {"postgres": 100}, 100),
}


def promtool_test(case: Case) -> dict[str, Any]:
    sample = {"eval_time": f"{case.at_s}s"}
    return {
        "interval": f"{STEP_S}s",
        "input_series": [{"series": key, "values": values} for key, values in case.told.items()],
        "promql_expr_test": [
            {**sample, "expr": "evenkeel:tier_health", "exp_samples": [
                {"labels": f'evenkeel:tier_health{{stack="shop", tier="{tier}"}}', "value": value}
                for tier, value in case.tiers.items()]},
            {**sample, "expr": "round(evenkeel:health)", "exp_samples": [
                {"labels": f'{{stack="{STACK["stack"]}"}}', "value": case.health}]}]}


def written(folder: Path, config: Mapping[str, Any], *cases: Case) -> None:
    """All rules of a platform, and promtool's tests of them."""
    _, platform = declare(config)
    rules = groups(platform.settings, platform.context.declared)
    (folder / "rules.yml").write_text(render_text("prometheus/rules.yml.j2", {"groups": rules}))
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": f"{STEP_S}s",
             "tests": [promtool_test(case) for case in cases]}
    (folder / "health.test.json").write_text(json.dumps(tests))


def test_the_score_follows_members_and_alerts(tmp_path: Path) -> None:
    written(tmp_path, CONFIG, *CASES.values())
    assert "SUCCESS" in judged("prometheus", ["promtool", "test", "rules", "health.test.json"], tmp_path)


def test_a_wrong_score_would_be_noticed(tmp_path: Path) -> None:
    well = CASES["all is well"]
    written(tmp_path, CONFIG, Case({**well.told, **of("redis_up", R2, DOWN)}, well.tiers, well.health))
    with pytest.raises(AssertionError, match="FAILED"):
        judged("prometheus", ["promtool", "test", "rules", "health.test.json"], tmp_path)


def test_weights_are_the_settings(tmp_path: Path) -> None:
    """Redis counts as much as Postgres, the machine not at all."""
    weights = {"redis": 3, "machine": 0}
    written(tmp_path, {**CONFIG, "monitoring": {"health": {"weights": weights}}},
            Case({**WELL, **of("redis_up", R2, DOWN)}, {"machine": 100, "postgres": 100, "redis": 50}, 75))
    assert "SUCCESS" in judged("prometheus", ["promtool", "test", "rules", "health.test.json"], tmp_path)


@pytest.mark.parametrize(("weights", "said"), [
    ({"edge": -1}, "greater than or equal to 0"),
    ({"cache": 1}, "cache"),
    (dict.fromkeys(("edge", "app", "postgres", "redis", "machine", "supervision", "monitoring"), 0),
     "nothing would count"),
])
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load({"monitoring": {"health": {"weights": weights}}}, stack="test", where="test")
