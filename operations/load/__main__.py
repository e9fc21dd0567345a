"""`make load`: requests at a constant rate through every edge, and what became of each.

An open loop (k6): a request is sent when it is due, however long the others take. Ctrl-C ends it early, with the report
of what was asked until then.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from rich.console import Console

from operations.benchmarks.load import LONGEST_S, Load, Outcome
from operations.setup import engine_state, holds, stack
from operations.setup.errors import SetupError

RATE, FOR = "50", "60s"
SHOWN = 20
STEP_S = 0.2
USAGE = "make load [RATE=50 FOR=60s PATHS='/ /news' STACK=local]"


class UsageError(Exception):
    """The command line says something that can't be done."""


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where a request failed. Without PATHS the example is asked to place and to read orders."""
    options = {name: value for name, _, value in (part.partition("=") for part in arguments) if value}
    console = Console(soft_wrap=True)
    try:
        name, rate, seconds = options.get("STACK", "local"), _rate(options), _seconds(options)
        paths = options.get("PATHS", "").split() or ([] if engine_state.runs(name, "orders") else ["/"])
        urls = _urls(name)
    except (UsageError, SetupError) as error:
        console.print(f"{error}\n{USAGE}", highlight=False, markup=False)
        return 2
    what = f"GET {' '.join(paths)}" if paths else "orders placed and read"
    console.print(f"{rate:g} requests/s for {seconds} s through {' and '.join(urls)}: {what}. Ctrl-C ends it.",
                  highlight=False)
    stopped: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    with Load(urls, rate=rate, seconds=seconds, paths=paths) as load:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not stopped and load.running:
            time.sleep(STEP_S)
        if not stopped and load.running:
            load.finish()
    for line in report(load.outcome):
        console.print(line, highlight=False, markup=False)
    return 1 if load.outcome.failures else 0


def report(outcome: Outcome) -> list[str]:
    """What clients saw, the failures first."""
    lines = [f"{len(outcome.failures)} of {outcome.requests} requests failed"]
    lines += [f"  {time.strftime('%T', time.localtime(failure.at))}  {failure.what}"
              for failure in outcome.failures[:SHOWN]]
    if len(outcome.failures) > SHOWN:
        lines.append(f"  and {len(outcome.failures) - SHOWN} more")
    lines.append(f"answered in {outcome.median_ms:.1f} ms (median), {outcome.p95_ms:.1f} ms (95 %), "
                 f"{outcome.p99_ms:.1f} ms (99 %)")
    if outcome.acknowledged:
        lines.append(f"{len(outcome.acknowledged)} orders acknowledged, "
                     f"at most {outcome.longest_pause_s():.1f} s apart")
    if outcome.other_edge:
        lines.append(f"{outcome.other_edge} went to the other edge, since one refused the connection")
    if outcome.not_sent:
        lines.append(f"{outcome.not_sent} were due and not sent: too many were under way")
    return lines


def _rate(options: Mapping[str, str]) -> float:
    try:
        rate = float(options.get("RATE", RATE))
    except ValueError:
        rate = 0
    if not 1 <= rate <= 10_000:
        raise UsageError(f"RATE={options.get('RATE')}: requests a second, 1 to 10000")
    return rate


def _seconds(options: Mapping[str, str]) -> int:
    try:
        seconds = holds.duration_s(options.get("FOR", FOR))
    except holds.HoldError as error:
        raise UsageError(str(error)) from None
    if seconds > LONGEST_S:
        raise UsageError(f"FOR={options['FOR']}: an hour at most")
    return seconds


def _urls(name: str) -> list[str]:
    outputs = stack.select(name, os.environ).outputs() if stack.exists(name, os.environ) else {}
    if "urls" not in outputs:
        raise UsageError(f"The stack {name!r} does not run. Next: make up STACK={name}")
    return [str(url) for url in outputs["urls"].value if str(url).startswith("https")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
