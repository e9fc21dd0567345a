"""`make bench-drill`: how quickly the platform recovers, run after run, and the same platform with Patroni's default
timings and no fencer beside it, in one table.

Every run is a drill (``operations.drills``) with its ledger: a single lost write fails the benchmark.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from operations.benchmarks import report
from operations.benchmarks.bench_stack import BenchStack
from operations.benchmarks.report import Figure
from operations.drills import report as drill_report
from operations.drills import run
from operations.drills.catalogue import BY_NAME
from operations.drills.errors import DrillError
from operations.drills.platform import Platform
from operations.drills.timeline import percentile
from operations.setup import stack as setup_stack

RUNS = int(os.environ.get("RUNS", "20"))
"""Of what the product promises a 95th percentile of."""
REPEATED = {"node-kill": RUNS, "process-crash": min(RUNS, 5), "switchover": min(RUNS, 5), "redis-master": min(RUNS, 5)}
BASELINE_RUNS = 3
ONCE = tuple(name for name in BY_NAME if name not in REPEATED)
BOUNDS = {"node-kill": 3.0, "process-crash": 3.0, "switchover": 2.0, "redis-master": 3.0}
GOALS = {"switchover": 1.0}
BASELINE = {"postgres": {"ttl_s": 30, "loop_wait_s": 10, "retry_timeout_s": 10}, "supervision": {"fencing": False}}
"""Patroni's own defaults."""


def figures_of(name: str, reports: Sequence[Mapping[str, Any]], bound: float | None, *, what: str = "") -> list[Figure]:
    """The figures of one drill's runs. Writes that never went on count as 1,000 s."""
    taken = [1000.0 if one["rto_seconds"] is None else float(one["rto_seconds"]) for one in reports]
    lost = sum(one["rpo_rows"] for one in reports)
    of = f"{name}{what}"
    made = [Figure.of(f"{of}: recovery, median", taken, "s", goal=GOALS.get(name) if not what else None)]
    if len(taken) >= 10:
        made.append(Figure(f"{of}: recovery, 95th percentile", percentile(taken, 0.95), "s", bound, None, taken))
    elif bound is not None:
        made.append(Figure(f"{of}: recovery, slowest", max(taken), "s", bound, None, taken))
    made.append(Figure.of(f"{of}: acknowledged writes lost of {sum(one['acknowledged'] for one in reports)}",
                          [float(lost)], "", bound=0))
    other = [check["name"] for one in reports for check in one["checks"]
             if not check["passed"] and " go on" not in check["name"]]
    return [*made, Figure.of(f"{of}: other demands not met", [float(len(other))], "", bound=0,
                             note=", ".join(sorted(set(other))))]


class Bench:
    """Drills on a stack of its own."""

    def __init__(self, stack: BenchStack, console: Console) -> None:
        self._stack, self._console = stack, console
        self._undone: list[str] = []

    def run(self) -> list[Figure]:
        self._stack.make("up")
        figures: list[Figure] = []
        for name in (*REPEATED, *ONCE):
            reports = self._drills(name, REPEATED.get(name, 1))
            if not reports:
                continue
            bound = BOUNDS.get(name) or BY_NAME[name].budget.under(run.timing(reports[0]["settings"])).recovery_s
            figures += figures_of(name, reports, bound)
        self._stack.set(BASELINE)
        self._stack.make("up")
        if reports := self._drills("node-kill", BASELINE_RUNS):
            figures += figures_of("node-kill", reports, None, what=" with Patroni's defaults and no fencer")
        return [*figures, Figure.of("drills that could not be done", [float(len(self._undone))], "", bound=0,
                                    note="; ".join(self._undone))]

    def _drills(self, name: str, count: int) -> list[dict[str, Any]]:
        outputs = setup_stack.select(self._stack.name, self._stack.environment).outputs()
        platform = Platform(self._stack.name, {key: output.value for key, output in outputs.items()})
        reports = []
        for number in range(count):
            try:
                found = run.drill(platform, BY_NAME[name], lambda _sentence: None)
            except DrillError as error:
                # The others' figures are worth an hour: this one is counted against the platform, and they go on.
                self._undone.append(f"{name} {number + 1}: {error}")
                self._console.print(f"  {self._undone[-1]}", highlight=False)
                continue
            drill_report.write(found)
            reports.append(found)
            self._console.print(f"  {name} {number + 1}/{count}: {drill_report.seconds(found['rto_seconds'])}, lost "
                                f"{found['rpo_rows']} of {found['acknowledged']}", highlight=False)
        return reports


def main() -> int:
    console = Console()
    with BenchStack() as stack:
        os.environ.update(stack.environment)
        figures = Bench(stack, console).run()
    return 0 if report.publish("drill", figures, console) else 1


if __name__ == "__main__":
    sys.exit(main())
