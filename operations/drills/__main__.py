"""``python -m operations.drills run DRILL=node-kill [STACK=local]``, ``list``, ``summary DRILLS=a,b``: what the
playbook drill.yml runs. Exit status 0 when the drill passed, 1 when it did not, 2 for a wrong command."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence

import docker.errors
import httpx
from rich.console import Console

from operations.drills import parentage, report, run
from operations.drills.catalogue import BY_NAME, DRILLS
from operations.drills.errors import DrillError
from operations.drills.platform import Platform
from operations.setup import holds, stack

INTERRUPTED = 130
USAGE = "usage: python -m operations.drills run DRILL=name [STACK=local] | list | summary [DRILLS=a,b]"


def main(arguments: Sequence[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that a fault is undone on the way out
    command = (arguments or [""])[0]
    options = dict(part.split("=", 1) for part in arguments[1:] if "=" in part)
    console = Console(soft_wrap=True)
    if command == "list":
        print(json.dumps([drill.name for drill in DRILLS]) if options.get("FORMAT") == "json" else
              "\n".join(f"{drill.name:15} {drill.what}" for drill in DRILLS))
        return 0
    if command == "summary":
        return _summary(options, console)
    if command != "run" or options.get("DRILL") not in BY_NAME:
        print(f"{USAGE}\ndrills: {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    if above := parentage.playbook():
        parentage.end_with(above)
    try:
        return _run(options["DRILL"], options.get("STACK") or "local", console)
    except (DrillError, holds.HoldError, docker.errors.DockerException, httpx.HTTPError) as error:
        print(f"Error: drill {options['DRILL']}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the fault was undone, the platform rights itself.", file=sys.stderr)
        return INTERRUPTED


def _run(name: str, stack_name: str, console: Console) -> int:
    outputs = {key: output.value for key, output in stack.select(stack_name, os.environ).outputs().items()}
    if "urls" not in outputs:
        raise DrillError(f"the stack {stack_name!r} has no platform yet. Next: make up STACK={stack_name}")

    def say(sentence: str) -> None:
        console.print(f"  {sentence}", highlight=False)

    found = run.drill(Platform(stack_name, outputs), BY_NAME[name], say)
    written = report.write(found)
    console.print(report.markdown(found), highlight=False, markup=False)
    console.print(f"report: {os.path.relpath(written)}", highlight=False)
    return 0 if found["passed"] else 1


def _summary(options: Mapping[str, str], console: Console) -> int:
    wanted = [name for name in (options.get("DRILLS") or "").split(",") if name] or list(BY_NAME)
    since = float(options.get("SINCE") or 0)
    reports = [known[-1] for name in wanted
               if (known := [one for one in report.earlier(name) if one["moments"]["began"] >= since])]
    if not reports:
        print("no drill has been run yet. Next: make drill", file=sys.stderr)
        return 1
    console.print(report.table(reports))
    missing = [name for name in wanted if name not in {found["drill"] for found in reports}]
    if missing:
        console.print(f"[red]not done:[/] {', '.join(missing)}", highlight=False)
    console.print(f"one page: {os.path.relpath(report.summarise(reports))}", highlight=False)
    return 0 if all(found["passed"] for found in reports) and not missing else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
