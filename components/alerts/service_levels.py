"""Whether what was promised will be kept: error budgets, and how quickly they are spent.

A level's budget is the share of requests that may fail it: 0.1 % at 99.9 %. Failures are recorded in units of it, so
that one alert judges all levels: 1 means that the budget lasts exactly as long as its window. Windows and rates are
those of "The Site Reliability Workbook" (Google, 2018), chapter 5, table 5-8: the long window says that it matters, the
short one that it still goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.alerts.edge import ANSWERED
from components.alerts.rule import CRITICAL, WARNING, Alert, Group, Record
from components.settings import Settings
from components.settings.service_levels import AVAILABILITY
from components.workload import Workload

TOTAL, SPENT = "evenkeel:level_requests:increase1m", "evenkeel:level_spent:increase1m"
"""Requests of a minute, and those of them that failed the level divided by its budget."""
EVERY_S = 60
"""Records of a minute make windows of days cheap: they are added up, no request is counted twice."""
PAGE = (("1h", "5m", 14.4), ("6h", "30m", 6.0))
TICKET = (("1d", "2h", 3.0), ("3d", "6h", 1.0))
LEAST = 100
"""Requests in an hour below which a share says nothing: of ten, one failed is a hundred times the budget."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """Where the application tells no histogram, or none with such a bucket, its levels are silent."""
    return Group("service-levels", list(_records(settings)), [
        Alert("BudgetBurning", severity, _burning(windows),
              '{{ $labels.level }}: its error budget is spent {{ $value | printf "%.1f" }} times as fast as it may be, '
              f"the limit is {windows[0][2]:g} within {windows[0][0]} or {windows[1][2]:g} within {windows[1][0]}",
              "error-budget", 0, {"tier": "edge"})
        for severity, windows in ((CRITICAL, PAGE), (WARNING, TICKET))], EVERY_S)


def bucket(series: str, *matchers: str) -> str:
    """``series``, a selector, narrowed by further matchers."""
    name, _, inside = series.strip().removesuffix("}").partition("{")
    return f"{name}{{{','.join([*filter(None, [inside.rstrip(',')]), *matchers])}}}"


def limit(seconds: float) -> str:
    """A bucket as clients write it: 1 is ``1`` in Go and Node.js, ``1.0`` in Python."""
    written = "|".join(dict.fromkeys((f"{seconds:g}", str(float(seconds))))).replace(".", "\\\\.")
    return f'le=~"{written}"'


def _records(settings: Settings) -> Iterator[Record]:
    levels, series = settings.monitoring.service_levels, settings.monitoring.answer_times
    answered = f"sum by (stack) (increase({ANSWERED}}}[1m]))"
    failed = f'sum by (stack) (increase({ANSWERED}, code="5xx"}}[1m]))'
    yield from _level(AVAILABILITY, answered, failed, levels.availability)
    for name, level in levels.latency.items():
        routes = f'route=~"({"|".join(path.rstrip("/") for path in level.paths)})(/.*)?"'
        every, quick = (f"sum by (stack) (increase({bucket(series, routes, matcher)}[1m]))"
                        for matcher in ('le="+Inf"', limit(level.within_ms / 1000)))
        yield from _level(name, every, f"{every} - {quick}", level.percent)


def _level(name: str, requests: str, failed: str, promised: float) -> Iterator[Record]:
    labels = {"level": name}
    yield Record(TOTAL, requests, labels)
    yield Record(SPENT, f"({failed}) / {budget(promised):g}", labels)


def budget(promised: float) -> float:
    """The share of requests that may fail: 0.001 at 99.9 %."""
    return round(1 - promised / 100, 9)


def _burning(windows: Sequence[tuple[str, str, float]]) -> str:
    def rate(window: str) -> str:
        return f"sum_over_time({SPENT}[{window}]) / sum_over_time({TOTAL}[{window}])"

    either = " or ".join(f"({rate(long)} > {times:g} and {rate(short)} > {times:g})" for long, short, times in windows)
    return f"({either}) and sum_over_time({TOTAL}[1h]) > {LEAST}"
