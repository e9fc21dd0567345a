"""What is seen of a platform at one moment: every figure of the page, asked in one go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.alerts.members import MEMBER_UP
from components.alerts.service_levels import SPENT, TOTAL
from components.settings import Settings
from operations.dashboard import hops, plots
from operations.dashboard.figure import Figure, Plot, Row
from operations.monitoring import api, health, levels

RETURNS = "max by (member) (increase(evenkeel_member_returns_total[10m])) >= 0.5"
ROLES = " or ".join((
    "max by (member, role) (redis_instance_info)",
    "max by (member, role) (last_over_time(redis_instance_info[10m])) unless on (member) redis_instance_info",
    'label_replace(max by (member) (last_over_time(patroni_primary[10m])) == 1, "role", "primary", "", "")'))
"""What members are, and of those that are gone what they were."""
RECENTLY = "1h"


@dataclass(frozen=True)
class Member:
    """``role`` is what it was when it last told."""

    name: str
    tier: str
    workload: str
    domain: str
    colour: str
    up: bool
    role: str = ""
    returned: bool = False
    """It ended within ten minutes and was brought back."""


@dataclass(frozen=True)
class Budget:
    """A service level, and how many times as fast as it may be its budget was spent within the last hour; None where
    there were no requests."""

    level: levels.Level
    spent_as_fast: float | None


@dataclass(frozen=True)
class Line:
    """A curve of a plot: (seconds since 1970, value), gaps left out."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Sight:
    """``at``: seconds since 1970. ``refused``: figure -> why Prometheus could not compute it."""

    stack: str
    at: float
    health: health.Health
    members: Sequence[Member]
    figures: Mapping[str, Sequence[Row]]
    budgets: Sequence[Budget]
    window_days: int
    lines: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What the page of these settings asks."""

    settings: Settings

    @property
    def figures(self) -> list[Figure]:
        return [*hops.figures(self.settings), *plots.by_colour(self.settings)]

    @property
    def plots(self) -> list[Plot]:
        return plots.plots(self.settings)

    def see(self, line: api.Line, stack: str, at: float) -> Sight:
        """Ask. Raises ``SetupError`` where Prometheus does not answer."""
        promised = self.settings.monitoring.service_levels
        window = f"[{promised.window_days}d]"
        questions = {f"figure {figure.key}": api.now(figure.expression) for figure in self.figures}
        end = at - at % plots.STEP_S
        questions |= {f"plot {plot.key} {curve.name}": api.between(curve.expression, end - plots.HOUR_S, end,
                                                                   plots.STEP_S)
                      for plot in self.plots for curve in plot.curves}
        questions |= {"members": api.now(MEMBER_UP), "returns": api.now(RETURNS), "roles": api.now(ROLES)}
        questions |= {f"{name} {span}": api.now(f"sum_over_time({record}{span})") for span in (window, f"[{RECENTLY}]")
                      for name, record in (("total", TOTAL), ("spent", SPENT))}
        answers = line.several([*health.QUESTIONS, *questions.values()])
        count = len(health.QUESTIONS)
        told = dict(zip(questions, answers[count:], strict=True))
        return Sight(
            stack, at, health.of(*answers[:count]), _members(told["members"], told["roles"], told["returns"]),
            {figure.key: rows(told[f"figure {figure.key}"]) for figure in self.figures},
            _budgets(promised.promised(), *(_by_level(told[f"{name} {span}"]) for span in (window, f"[{RECENTLY}]")
                                            for name in ("total", "spent"))),
            promised.window_days,
            {plot.key: [_line(curve.name, curve.colour, told[f"plot {plot.key} {curve.name}"])
                        for curve in plot.curves] for plot in self.plots},
            {name: one.why for name, one in told.items() if one.why})


def rows(told: api.Told) -> list[Row]:
    """What a figure came to, the highest first; without what is no number (nothing was divided by nothing)."""
    found = [Row(row["metric"], float(row["value"][1])) for row in told.rows]
    return sorted((row for row in found if math.isfinite(row.value)), key=lambda row: -row.value)


def _members(told: api.Told, roles: api.Told, returns: api.Told) -> list[Member]:
    role: dict[str, str] = {}
    for row in roles.rows:
        name = row["metric"]["member"]
        # Of one that changed its role before it was gone, both are told.
        role[name] = row["metric"]["role"] if role.get(name) != "master" else "master"
    back = {row["metric"]["member"] for row in returns.rows}
    found = [Member(labels["member"], labels["tier"], labels["workload"], labels.get("domain", ""),
                    labels.get("colour", ""), float(row["value"][1]) > 0, role.get(labels["member"], ""),
                    labels["member"] in back)
             for row in told.rows if "member" in (labels := row["metric"])]
    return sorted(found, key=lambda one: (one.workload, int(one.name.rpartition("-")[2]) if one.name[-1].isdigit()
                                          else 0, one.name))


def _budgets(promised: Mapping[str, float], total: Mapping[str, float], spent: Mapping[str, float],
             total_lately: Mapping[str, float], spent_lately: Mapping[str, float]) -> list[Budget]:
    return [Budget(levels.level(name, percent, total[name], spent.get(name, 0)),
                   spent_lately.get(name, 0) / total_lately[name] if total_lately.get(name) else None)
            for name, percent in promised.items() if total.get(name)]


def _by_level(told: api.Told) -> dict[str, float]:
    return {row["metric"]["level"]: float(row["value"][1]) for row in told.rows}


def _line(name: str, colour: str, told: api.Told) -> Line:
    points = [(float(at), float(value)) for at, value in told.rows[0]["values"]] if told.rows else []
    return Line(name, colour, [(at, value) for at, value in points if math.isfinite(value)])
