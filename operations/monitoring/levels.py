"""``make slo-report``: what was promised, what was kept, what is left of the error budgets, on which days they went.

Counts are those that the alert `BudgetBurning` judges (``components/alerts/service_levels.py``), so both agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.alerts.service_levels import EVERY_S, SPENT, TOTAL, budget
from operations.monitoring import api
from operations.setup.paths import ROOT

DAY_S = 86400
DOOR = 'max by (stack) (probe_success{exporter="blackbox"})'


@dataclass(frozen=True)
class Level:
    """One promise and what became of it. Shares in percent; ``left`` is what is left of the budget, below 0 when more
    was spent; ``days`` maps the UTC date at which 24 hours ended to the share of the whole budget that they spent."""

    name: str
    promised: float
    requests: int
    failed: int
    reached: float
    left: float
    days: Mapping[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        return self.left >= 0


@dataclass(frozen=True)
class Report:
    """``covered_days``: of ``window_days``, for how long there are figures. ``door_open``: percent of the probes that
    an edge served, None where nobody probed. ``silent``: levels that there are no figures of."""

    stack: str
    written: str
    window_days: int
    covered_days: float
    door_open: float | None
    levels: Sequence[Level]
    silent: Sequence[str]


def report(stack: str, promised: Mapping[str, float], days: int) -> Report:
    """Ask Prometheus. Raises ``SetupError`` where it can't be asked."""
    window = f"[{days}d]"
    requests = _by_level(stack, f"sum_over_time({TOTAL}{window})")
    spent = _by_level(stack, f"sum_over_time({SPENT}{window})")
    minutes = _by_level(stack, f"count_over_time({TOTAL}{window})")
    each = {row["metric"]["level"]: row["values"]
            for row in api.series(stack, f"sum_over_time({SPENT}[1d])[{days}d:1d]")}
    door = api.query(stack, f"avg_over_time({DOOR}[{days}d:1m])")
    levels = [level(name, percent, requests[name], spent.get(name, 0), each.get(name, ()))
              for name, percent in promised.items() if requests.get(name)]
    return Report(stack, datetime.now(UTC).isoformat(timespec="seconds"), days,
                  max(minutes.values(), default=0) * EVERY_S / DAY_S,
                  100 * float(door[0]["value"][1]) if door else None, levels,
                  [name for name in promised if not requests.get(name)])


def write(told: Report, folder: Path | None = None) -> Path:
    """JSON, and beside it the same as a page; returns the page."""
    folder = folder or ROOT / "build" / "slo" / told.stack
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{told.written[:10]}.md"
    page.with_suffix(".json").write_text(json.dumps(asdict(told), indent=2) + "\n")
    page.write_text(markdown(told))
    return page


def markdown(told: Report) -> str:
    """The report as a page."""
    lines = [f"# Service levels of `{told.stack}`", "", f"Written {told.written}. {covered(told)}", ""]
    if told.levels:
        lines += ["| level | promised | reached | requests | failed | left of the budget |",
                  "|---|---|---|---|---|---|"]
        lines += [f"| {row.name} | {row.promised:g} % | {row.reached:.3f} % | {row.requests:,} | {row.failed:,} | "
                  f"{row.left:.1f} %{'' if row.kept else ' **not kept**'} |" for row in told.levels]
    for row in told.levels:
        worst = sorted(row.days.items(), key=lambda item: -item[1])[:5]
        lines += ["", f"## {row.name}", ""]
        lines += [f"- the day until {day}: {share:.1f} % of the budget" for day, share in worst if share >= 0.05] or [
            "No day spent anything worth telling."]
    return "\n".join(lines) + "\n"


def covered(told: Report) -> str:
    """What the figures stand for, in sentences."""
    said = [f"Window: {told.window_days} days; there are figures of {told.covered_days:.1f} of them."]
    if told.covered_days < told.window_days - 1:
        said.append("Older ones are gone or never were: `monitoring.prometheus.retention_days` and `retention_gib`.")
    if told.door_open is not None:
        said.append(f"An edge served {told.door_open:.3f} % of the probes through the front door.")
    if told.silent:
        said.append(f"No figures of {', '.join(told.silent)}: nobody asked, or the application tells no histogram with "
                    "that bucket.")
    return " ".join(said)


def level(name: str, promised: float, requests: float, spent: float, each: Sequence[Sequence[Any]] = ()) -> Level:
    """``spent``: failed requests in units of the budget; ``each``: (time, spent) of every day."""
    failed = spent * budget(promised)
    return Level(name, promised, round(requests), round(failed), 100 * (1 - failed / requests),
                 100 * (1 - spent / requests),
                 {datetime.fromtimestamp(float(at), UTC).date().isoformat(): 100 * float(value) / requests
                  for at, value in each})


def _by_level(stack: str, expression: str) -> dict[str, float]:
    return {row["metric"]["level"]: float(row["value"][1]) for row in api.query(stack, expression)}
