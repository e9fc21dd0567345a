"""Dashboards for Grafana: one for each hop and three besides, of the page's own figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.settings import Settings
from operations.dashboard import grafana, hops, plots
from operations.dashboard.figure import Limits


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.load({}, stack="shop", where="test")


@pytest.fixture(scope="module")
def made(settings: Settings) -> dict[str, dict[str, Any]]:
    return grafana.dashboards(settings)


def test_there_is_one_for_every_hop_and_three_besides(made: dict[str, dict[str, Any]]) -> None:
    assert made.keys() == {"overview", "release", "drill", *(hop.key for hop in hops.HOPS)}
    assert len({dashboard["uid"] for dashboard in made.values()}) == len(made)


def test_every_figure_and_plot_of_the_page_is_in_one(settings: Settings, made: dict[str, dict[str, Any]]) -> None:
    asked = {one for dashboard in made.values() for one in grafana.expressions(dashboard)}
    assert {figure.expression for figure in [*hops.figures(settings), *plots.by_colour(settings)]} <= asked
    assert {curve.expression for plot in plots.plots(settings) for curve in plot.curves} <= asked


def test_panels_have_names_of_their_own_and_do_not_cover_each_other(made: dict[str, dict[str, Any]]) -> None:
    for dashboard in made.values():
        panels = dashboard["panels"]
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
        assert len(places) == len(panels) == len({panel["id"] for panel in panels})
        assert len({panel["title"] for panel in panels}) == len(panels)
        for panel in panels:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert [target["refId"] for target in panel["targets"]] == sorted({
                target["refId"] for target in panel["targets"]})


@pytest.mark.parametrize(("limits", "steps"), [
    (Limits(70, 85), [("green", None), ("orange", 70), ("red", 85)]),
    (Limits(70), [("green", None), ("orange", 70)]),
    (Limits(80, 50, below=True), [("red", None), ("orange", 50), ("green", 80)]),
    (Limits(1, below=True), [("orange", None), ("green", 1)]),
    (None, [("text", None)]),
])
def test_limits_are_steps_upwards(limits: Limits | None, steps: list[tuple[str, float | None]]) -> None:
    assert [(step["color"], step["value"]) for step in grafana._thresholds(limits)["steps"]] == steps


def test_they_are_files_that_grafana_reads(settings: Settings, tmp_path: Path) -> None:
    files = grafana.write(settings, tmp_path / "grafana")
    assert {file.name for file in files} >= {"overview.json", "postgres.json"}
    assert all(json.loads(file.read_text())["schemaVersion"] == grafana.SCHEMA for file in files)
