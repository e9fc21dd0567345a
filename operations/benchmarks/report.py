"""Figures with their bounds: printed as a table, written as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from operations.setup.paths import ROOT


@dataclass(frozen=True)
class Figure:
    """One measured figure. ``runs`` are the single values behind ``value`` (their median)."""

    name: str
    value: float
    unit: str
    bound: float | None
    goal: float | None
    runs: list[float]
    note: str = ""
    floor: float | None = None
    """A bound from below."""

    @classmethod
    def of(cls, name: str, runs: list[float], unit: str, *, bound: float | None = None, goal: float | None = None,
           note: str = "", floor: float | None = None) -> Figure:
        return cls(name, statistics.median(runs), unit, bound, goal, runs, note, floor)

    @property
    def passed(self) -> bool:
        """Within the bounds; a figure without any is a statement."""
        return (self.bound is None or self.value <= self.bound) and (self.floor is None or self.value >= self.floor)


def publish(name: str, figures: list[Figure], console: Console) -> bool:
    """Print and write the figures; whether all are within their bounds."""
    table = Table(title=f"{name}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", title_justify="left")
    for column in ("figure", "median", "spread", "goal", "bound", ""):
        table.add_column(column, justify="left" if column in ("figure", "") else "right")
    for figure in figures:
        spread = f"{min(figure.runs):.1f} - {max(figure.runs):.1f} ({len(figure.runs)})"
        verdict = "[green]ok[/]" if figure.passed else "[red]out of bounds[/]"
        table.add_row(figure.name, f"{figure.value:.2f} {figure.unit}", spread, _number(figure.goal),
                      _bounds(figure), f"{verdict} {figure.note}")
    console.print(table)
    directory = ROOT / "build" / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{name}.json"
    file.write_text(json.dumps({
        "name": name, "time": datetime.now(UTC).isoformat(), "cores": os.cpu_count(), "machine": platform.machine(),
        "figures": [{**asdict(figure), "passed": figure.passed} for figure in figures]}, indent=2))
    console.print(f"written to {file.relative_to(ROOT)}")
    return all(figure.passed for figure in figures)


def _bounds(figure: Figure) -> str:
    return f"≥ {_number(figure.floor)}" if figure.floor is not None else _number(figure.bound)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
