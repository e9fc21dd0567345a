"""Figures, alerts and traces of a running platform: ``make ask QUERY='up == 0'``, ``make alerts``, ``make alert-test``,
``make slo-report``, ``make trace``."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.settings import Settings, SettingsError
from components.settings.monitoring import Monitoring
from operations.monitoring import api, levels, traces, trial, waterfall
from operations.policies.subject import config_of
from operations.setup import logs
from operations.setup.errors import SetupError
from operations.setup.paths import ROOT

USAGE = ("make ask QUERY='up == 0' [STACK=local]; make alerts [STACK=local]; make alert-test [STACK=local]; "
         "make slo-report [DAYS=30] [STACK=local]; make trace [REQUEST=id | SINCE=1h SLOW=0.5 FAILED=yes LAST=20] "
         "[STACK=local]")
COLOURS = {"critical": "red", "warning": "yellow", "info": "blue"}
HIDDEN = frozenset({"stack", "job", "instance", "__name__"})
"""Labels that say nothing that the others don't."""


def ask(options: Mapping[str, str], console: Console) -> int:
    """Exit status 1 where the expression gives nothing."""
    if not options.get("QUERY"):
        console.print(USAGE, highlight=False)
        return 2
    rows = api.query(options["STACK"], options["QUERY"])
    for row in sorted(rows, key=lambda row: sorted(row["metric"].items())):
        name = row["metric"].get("__name__", "")
        labels = " ".join(f"{key}={value}" for key, value in sorted(row["metric"].items()) if key not in HIDDEN)
        console.print(f"{_short(row['value'][1]):>12}  {' '.join(part for part in (name, labels) if part)}",
                      highlight=False, markup=False)
    if not rows:
        console.print("nothing", highlight=False)
    return 0 if rows else 1


def alerts(options: Mapping[str, str], console: Console) -> int:
    """Exit status 1 while a critical alert fires."""
    found = api.alerts(options["STACK"])
    for alert in sorted(found, key=lambda one: (list(COLOURS).index(one["labels"]["severity"]), one["activeAt"])):
        labels, says = alert["labels"], alert["annotations"]
        since = alert["activeAt"][:19].replace("T", " ")
        console.print(f"[{COLOURS[labels['severity']]}]{labels['severity']}[/] {labels['alertname']}, "
                      f"{alert['state']} since {since} UTC: {escape(says.get('summary', ''))}\n"
                      f"    {escape(says.get('runbook', ''))}", highlight=False, soft_wrap=True)
    if not found:
        console.print("no alert fires or is pending", highlight=False)
    console.print(f"Prometheus and the alert managers, from this machine: {'  '.join(api.addresses(options['STACK']))}",
                  highlight=False, soft_wrap=True)
    return int(any(one["state"] == "firing" and one["labels"]["severity"] == "critical" for one in found))


def alert_test(options: Mapping[str, str], console: Console) -> int:
    """Exit status 1 where it did not arrive on every route, 2 where there is none."""
    name = options["STACK"]
    routes = _settings(name).routes
    if not routes:
        console.print(f"No route is configured: nobody is told of an alert. Next: `monitoring.routes` in "
                      f"stacks/Pulumi.{name}.yaml (docs/monitoring.md), then `make up`.", highlight=False)
        return 2
    outcomes = []
    for outcome in trial.run(name, routes, lambda text: console.print(text, highlight=False, markup=False)):
        outcomes.append(outcome)
        said = "[green]arrived[/]" if outcome.arrived else f"[red]did not arrive[/]: {escape(outcome.why)}"
        console.print(f"{outcome.route}: {said}", highlight=False)
    return int(not all(outcome.arrived for outcome in outcomes))


def slo_report(options: Mapping[str, str], console: Console) -> int:
    """Exit status 1 where a level was not kept."""
    name = options["STACK"]
    promised = _settings(name).service_levels
    days = options.get("DAYS", str(promised.window_days))
    if not days.isdigit() or not int(days):
        console.print(f"DAYS={days}: a whole number of days", highlight=False)
        return 2
    told = levels.report(name, promised.promised(), int(days))
    table = Table("level", "promised", "reached", "requests", "failed", "left of the budget")
    for row in told.levels:
        table.add_row(row.name, f"{row.promised:g} %", f"{row.reached:.3f} %", f"{row.requests:,}", f"{row.failed:,}",
                      f"[{'green' if row.kept else 'red'}]{row.left:.1f} %[/]")
    console.print(table)
    console.print(escape(levels.covered(told)), highlight=False)
    console.print(f"written: {levels.write(told).relative_to(ROOT)}", highlight=False)
    return int(not all(row.kept for row in told.levels))


def trace(options: Mapping[str, str], console: Console) -> int:
    """Exit status 1 where there is none."""
    jaeger = traces.keeper(options["STACK"])
    if request := options.get("REQUEST"):
        found = traces.of_request(jaeger, request)
        if found:
            for line in waterfall.picture(found):
                console.print(line, no_wrap=True, overflow="ellipsis")
            console.print(waterfall.verdict(found), highlight=False, markup=False)
            return 0
        share = _settings(options["STACK"]).traces.share
        console.print(f"No trace of {request} is kept: one comes within seconds of its request; {100 * share:g} % of "
                      "all are traced (`monitoring.traces.share`), besides those that failed or were slow. Next: "
                      f"make logs QUERY={request}", highlight=False, soft_wrap=True)
        return 1
    try:
        begin, least_s = logs.since(options.get("SINCE", "1h")), float(options.get("SLOW", "0"))
        last = int(options.get("LAST", "20"))
    except ValueError as error:
        console.print(str(error), highlight=False)
        return 2
    kept = traces.newest(jaeger, begin, datetime.now(UTC), least_s, failed=bool(options.get("FAILED")))
    if not kept:
        console.print("no trace of that time is kept", highlight=False)
        return 1
    for line in waterfall.listing(kept[:last]):
        console.print(line, no_wrap=True, overflow="ellipsis")
    console.print(f"the slowest of {len(kept)}{', the newest,' if len(kept) == traces.MOST else ''} traces. Next: "
                  f"make trace REQUEST={kept[0].id}", highlight=False, soft_wrap=True)
    return 0


COMMANDS: Mapping[str, Callable[[Mapping[str, str], Console], int]] = {
    "ask": ask, "alerts": alerts, "alert-test": alert_test, "slo-report": slo_report, "trace": trace}


def main(arguments: Sequence[str]) -> int:
    """The exit status; 2 for what can't be done."""
    command, *rest = arguments or [""]
    options = {"STACK": "local", **{name: value for name, _, value in (part.partition("=") for part in rest) if value}}
    console = Console()
    if command not in COMMANDS:
        console.print(USAGE, highlight=False)
        return 2
    try:
        return COMMANDS[command](options, console)
    except (SetupError, SettingsError) as error:
        console.print(str(error), highlight=False, markup=False)
        return 2


def _settings(stack: str) -> Monitoring:
    return Settings.load(config_of(stack), stack=stack, where=f"stacks/Pulumi.{stack}.yaml").monitoring


def _short(value: str) -> str:
    number = float(value)
    if not math.isfinite(number):
        return value
    return str(int(number)) if number.is_integer() else f"{number:.4g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
