"""Grafana dashboards, made of the figures that the page shows: ``make grafana`` writes them for whoever has a Grafana.

One for each hop of a request, an overview, one with both colours side by side, one of what a drill moves. A panel asks
what the page asks, with the limits that alerts have: they can't drift apart, and a test asks every query on a running
platform. The model of a dashboard is Grafana's (grafana.com/docs/grafana/latest/dashboards/build-dashboards/
view-dashboard-json-model, schema 39).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from components.alerts.health import HEALTH, TIER_HEALTH
from components.alerts.members import MEMBER_UP
from components.alerts.rule import ALL_IS_WELL
from components.pools import COLOURS
from components.settings import Settings, SettingsError
from operations.dashboard import hops, plots
from operations.dashboard.figure import Figure, Limits
from operations.policies.subject import config_of
from operations.setup.paths import ROOT

SCHEMA = 39
WIDTH, HEIGHT, ACROSS = 8, 7, 3
"""A panel's size in Grafana's grid, 24 wide, and how many stand side by side."""
UNITS = {"ms": "ms", "s": "s", "%": "percent", "MiB": "mbytes", "per s": "reqps", "": "short"}
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True)
class Query:
    """``legend`` is a text with ``{{label}}``, or empty for all labels."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A plot over time."""

    title: str
    unit: str
    queries: Sequence[Query]
    limits: Limits | None = None
    says: str = ""
    most: float | None = None


def dashboards(settings: Settings) -> dict[str, dict[str, Any]]:
    """Name of a file -> dashboard."""
    known = hops.figures(settings)
    made = {"overview": _dashboard("overview", "Evenkeel: overview", _overview(settings)),
            "release": _dashboard("release", "Evenkeel: both colours", _release(settings)),
            "drill": _dashboard("drill", "Evenkeel: what a drill moves", _drill(settings))}
    for hop in hops.HOPS:
        panels = [_of_figure(figure) for figure in known if figure.hop == hop.key]
        made[hop.key] = _dashboard(hop.key, f"Evenkeel: {hop.title}", panels)
    return made


def expressions(dashboard: Mapping[str, Any]) -> list[str]:
    """Every query of a dashboard."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def _overview(settings: Settings) -> list[Panel]:
    return [
        Panel("Health", "", [Query(HEALTH, "all"), Query(TIER_HEALTH, "{{tier}}")], Limits(80, 50, below=True),
              "0 to 100: the share of members that are up, less what alerts take", most=100),
        *(Panel(plot.title, plot.unit, [Query(curve.expression, curve.name) for curve in plot.curves], plot.limits)
          for plot in plots.plots(settings)),
        Panel("Members that are up", "", [Query(f"sum by (tier) ({MEMBER_UP})", "{{tier}}")]),
        Panel("Alerts that fire", "", [Query(
            f'count by (alertname, severity) (ALERTS{{alertstate="firing", severity!="{ALL_IS_WELL}"}}) or '
            "0 * count(up)", "{{alertname}} {{severity}}")]),
    ]


def _release(settings: Settings) -> list[Panel]:
    """In every panel a curve of each colour, in that colour; what single workers do, side by side."""
    return [
        *(_of_figure(figure) for figure in plots.by_colour(settings)),
        *(Panel(f"{colour}: requests in flight", "", [Query(
            f'sum by (member) ({{__name__=~"(.+_)?http_requests_in_flight", colour="{colour}"}}) or 0 * count(up)',
            "{{member}}")]) for colour in COLOURS),
    ]


def _drill(settings: Settings) -> list[Panel]:
    """Whether users noticed, and who took over from whom."""
    shown = {figure.key: figure for figure in hops.figures(settings)}
    return [
        *(Panel(plot.title, plot.unit, [Query(curve.expression, curve.name) for curve in plot.curves], plot.limits)
          for plot in plots.plots(settings)),
        Panel("Members that are down", "", [Query(f"({MEMBER_UP} == 0) + 1 or 0 * count(up)", "{{member}}")]),
        Panel("Who is primary", "", [Query("max by (member) (patroni_primary)", "{{member}}")], most=1),
        Panel("Who is a master of Redis", "", [Query(
            'max by (member) (redis_instance_info{role="master"})', "{{member}}")], most=1),
        *(_of_figure(shown[key]) for key in ("door", "waiting", "lag", "slots") if key in shown),
        Panel("Members brought back", "", [Query(
            "max by (member) (increase(evenkeel_member_returns_total[1m]))", "{{member}}")]),
    ]


def _of_figure(figure: Figure) -> Panel:
    return Panel(figure.name[:1].upper() + figure.name[1:], figure.unit,
                 [Query(figure.expression, " ".join(f"{{{{{label}}}}}" for label in figure.who))], figure.limits,
                 figure.means)


def _dashboard(name: str, title: str, panels: Sequence[Panel]) -> dict[str, Any]:
    return {
        "uid": f"evenkeel-{name}", "title": title, "tags": ["evenkeel"], "schemaVersion": SCHEMA, "version": 1,
        "editable": True, "refresh": "5s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
        "links": [{"title": "Evenkeel", "type": "dashboards", "tags": ["evenkeel"], "asDropdown": True,
                   "includeVars": True, "keepTime": True}],
        "templating": {"list": [{"name": "source", "label": "Prometheus", "type": "datasource",
                                 "query": "prometheus"}]},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": number + 1, "type": "timeseries", "title": panel.title, "description": panel.says, "datasource": SOURCE,
        "gridPos": {"x": number % ACROSS * WIDTH, "y": number // ACROSS * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "targets": [{"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query.expression,
                     "legendFormat": query.legend or "__auto"} for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": {
            "unit": UNITS[panel.unit], "min": 0, **({"max": panel.most} if panel.most is not None else {}),
            "thresholds": _thresholds(panel.limits),
            "custom": {"lineWidth": 1, "fillOpacity": 8,
                       "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"}}},
            "overrides": [_fixed(name) for name in COLOURS]},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }


def _thresholds(limits: Limits | None) -> dict[str, Any]:
    """Grafana's steps go upwards, each from its value on; the first has none."""
    if limits is None:
        return {"mode": "absolute", "steps": [{"color": "text", "value": None}]}
    passed = [("orange", limits.warning)] + ([("red", limits.critical)] if limits.critical is not None else [])
    if not limits.below:
        return {"mode": "absolute", "steps": [{"color": "green", "value": None},
                                              *({"color": colour, "value": at} for colour, at in passed)]}
    upwards = passed[::-1]
    colours = [*(colour for colour, _ in upwards), "green"]
    return {"mode": "absolute", "steps": [{"color": colour, "value": at} for colour, at in zip(
        colours, [None, *(at for _, at in upwards)], strict=True)]}


def _fixed(colour: str) -> dict[str, Any]:
    """A colour's own curve has that colour."""
    return {"matcher": {"id": "byName", "options": colour},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}]}


def write(settings: Settings, folder: Path) -> list[Path]:
    """One file for each dashboard."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, dashboard in dashboards(settings).items():
        file = folder / f"{name}.json"
        file.write_text(json.dumps(dashboard, indent=1) + "\n")
        written.append(file)
    return written


def main(arguments: Sequence[str]) -> int:
    """``make grafana``."""
    options = {"STACK": "local", **dict(part.split("=", 1) for part in arguments if "=" in part and part[-1] != "=")}
    stack, console = options["STACK"], Console()
    try:
        settings = Settings.load(config_of(stack), stack=stack, where=f"stacks/Pulumi.{stack}.yaml")
    except SettingsError as error:
        console.print(str(error), highlight=False, markup=False)
        return 2
    files = write(settings, ROOT / "build" / "grafana" / stack)
    console.print(f"written: {', '.join(str(file.relative_to(ROOT)) for file in files)}", highlight=False)
    console.print("Grafana: Dashboards, New, Import; its Prometheus is the first address that `make alerts` ends with",
                  highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
