"""The commands that need the virtual environment: ``python -m operations.setup.cli COMMAND [NAME=VALUE ...]``.

``operations.setup`` (standard library only) prepares the machine and then becomes this.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.console import Console

from components.monitoring_logs import LOKI
from components.targets.docker.waiting import NotReadyError
from operations.audit import record
from operations.monitoring import health
from operations.setup import deploy, engine_state, graph, holds, logs, previews, stack, state_file, status, teardown
from operations.setup.errors import SetupError
from operations.setup.paths import ROOT, STATE

INTERRUPTED = 130


@dataclass(frozen=True)
class Call:
    """One command line: which stack, and the command's own ``NAME=VALUE`` arguments."""

    stack: str
    options: Mapping[str, str]
    console: Console

    def option(self, name: str) -> str | None:
        """Its value; None when it is absent or empty, as make passes what nobody set."""
        return self.options.get(name) or None


def up(call: Call) -> int:
    """Bring the stack up, then say where it is and what to try."""
    call.console.print(f"stack {call.stack}: pulumi up")
    result = deploy.deploy(call.stack, os.environ, call.console)
    changes = {name: count for name, count in (result.summary.resource_changes or {}).items() if name != "same"}
    summary = ", ".join(f"{count} {name}" for name, count in sorted(changes.items())) or "nothing changed"
    began = float(os.environ.get("EVENKEEL_BEGAN", time.time()))
    statuses = status.of(call.stack)
    call.console.print(status.table(statuses, f"stack {call.stack}"))
    urls = [str(url) for url in result.outputs["urls"].value]
    secure = [url for url in urls if url.startswith("https")]
    call.console.print(f"open          {'   '.join(secure)}", highlight=False)
    call.console.print(f"credentials   encrypted in {_relative(STATE)}/state with the passphrase in "
                       f"{_relative(STATE)}/passphrase (yours alone: keep a copy)", highlight=False)
    call.console.print(f"try           curl -k {secure[0]}{_example(call.stack)}", highlight=False, soft_wrap=True)
    if not any(one.member.startswith(f"{LOKI}-") for one in statuses):
        call.console.print("logs          the last 30 MB of each container; `monitoring.logs.enabled: true` in "
                           f"stacks/Pulumi.{call.stack}.yaml keeps them for days", highlight=False)
    call.console.print(f"then          make status, make logs TIER=postgres, make down{_suffix(call.stack)}",
                       highlight=False)
    _say_unfinished(call, result.outputs["rotation"].value)
    call.console.print(f"[bold]up: {summary}; {time.time() - began:.1f} s in all[/]", highlight=False)
    return 0


def _say_unfinished(call: Call, phases: Mapping[str, str]) -> None:
    if phases:
        names = ",".join(phases)
        call.console.print(f"unfinished    the rotation of {names}: `make rotate WHAT={names}{_suffix(call.stack)}` "
                           "goes on, with BACK=yes it is taken back", highlight=False)


def down(call: Call) -> int:
    """Stop it; ``DATA=delete`` deletes data and secrets, too."""
    data = call.option("DATA")
    if data not in (None, "keep", "delete"):
        call.console.print(f"DATA={data}: `keep` (the default) or `delete`")
        return 2
    began = time.monotonic()
    teardown.stop(call.stack, os.environ, call.console, delete_data=data == "delete")
    call.console.print(f"[bold]down: {time.monotonic() - began:.1f} s[/]", highlight=False)
    return 0


def show_status(call: Call) -> int:
    """Exit status 0 when every member serves."""
    if call.option("FORMAT") == "json":
        statuses = status.of(call.stack)
        print(json.dumps([member.as_json() for member in statuses], indent=2))
        return _all_serve(statuses)
    with ThreadPoolExecutor(max_workers=1) as pool:
        asked = pool.submit(health.line, call.stack)
        statuses = status.of(call.stack)
    if statuses:
        call.console.print(status.table(statuses, f"stack {call.stack}"))
        if said := asked.result():
            call.console.print(said, highlight=False, markup=False, soft_wrap=True)
        _show_holds(call)
    else:
        call.console.print(f"Nothing of the stack {call.stack!r} runs here. Next: `make up{_suffix(call.stack)}`.")
    return _all_serve(statuses)


def _all_serve(statuses: Sequence[status.MemberStatus]) -> int:
    return 0 if statuses and all(member.serves for member in statuses) else 1


def _show_holds(call: Call) -> None:
    try:
        for held in holds.current(call.stack):
            call.console.print(f"held: {held.name} for another {held.left_s:.0f} s ({held.why})", highlight=False)
    except holds.HoldError as error:
        call.console.print(f"holds are not known: {error}", highlight=False)


def hold(call: Call) -> int:
    """Keep the supervisors from bringing ``MEMBER`` back ``FOR`` a while (default 10m), and say ``WHY``."""
    name = call.option("MEMBER")
    if name is None:
        call.console.print("MEMBER= a member (redis-2), workload (redis), tier (postgres) or `all`; FOR=10m; WHY='...'")
        return 2
    seconds = holds.duration_s(call.option("FOR") or "10m")
    call.console.print(holds.hold(call.stack, name, seconds, call.option("WHY") or "no reason given"), highlight=False)
    return 0


def unhold(call: Call) -> int:
    """End a hold before its time."""
    name = call.option("MEMBER")
    if name is None:
        call.console.print("MEMBER= what is held; `make status` lists it")
        return 2
    call.console.print(holds.unhold(call.stack, name), highlight=False)
    return 0


def show_logs(call: Call) -> int:
    """What members said since ``SINCE`` (default 10m), of ``TIER``, with ``QUERY`` in it; where Loki keeps it,
    ``QUERY`` may be a pipeline of LogQL, and members that are gone are heard, too."""
    try:
        begin = logs.since(call.option("SINCE") or "10m")
    except ValueError as error:
        call.console.print(str(error))
        return 2
    for stamp, member, line in logs.lines(call.stack, call.option("TIER"), begin, call.option("QUERY")):
        print(f"{stamp[11:23]} {member:14} {line}")
    return 0


def draw(call: Call) -> int:
    """Print the picture, and for the stack `local` put it into README.md."""
    outputs = stack.select(call.stack, os.environ).outputs()
    if "members" not in outputs:
        call.console.print(f"The stack {call.stack!r} has no members yet. Next: `make up{_suffix(call.stack)}`.")
        return 1
    picture = graph.mermaid(outputs["members"].value, outputs["urls"].value)
    print(picture, end="")
    if call.stack == "local":
        graph.write_into(ROOT / "README.md", picture)
    return 0


def preview(call: Call) -> int:
    """What an `up` would do to whom, by which rule, at what cost, and the diff, as ``FORMAT`` text, markdown or json.
    Exit status 1 where it would be refused, or a mandatory rule is broken."""
    form = call.option("FORMAT") or "text"
    if form not in previews.FORMATS:
        call.console.print(f"FORMAT={form}: one of {', '.join(previews.FORMATS)}", highlight=False)
        return 2
    return previews.show(call.stack, os.environ, form)


def repair(call: Call) -> int:
    """What comes before a deployment, without one: free the stack, start what is stopped, remove what no state knows.
    For playbooks that run Pulumi themselves."""
    told: list[str] = []
    selected = deploy.select_free(call.stack, os.environ, told.append)
    refresh = engine_state.repair(call.stack, stack.recorded(selected), told.append)
    state_file.prune(call.stack, os.environ["PULUMI_BACKEND_URL"])
    if call.option("FORMAT") == "json":
        print(json.dumps({"said": told, "refresh": refresh}))
    else:
        for sentence in told:
            call.console.print(sentence, highlight=False)
    return 0


def docs(call: Call) -> int:
    """Write docs/settings.md, the rules in docs/previews.md and the alerts in docs/monitoring.md anew."""
    from components.settings.documentation import markdown
    from operations.monitoring import documentation as alerts
    from operations.previews import documentation as rules

    (ROOT / "docs" / "settings.md").write_text(markdown())
    rules.write()
    alerts.write()
    call.console.print("written: docs/settings.md, docs/previews.md, docs/monitoring.md")
    return 0


COMMANDS: Mapping[str, Callable[[Call], int]] = {
    "up": up, "down": down, "status": show_status, "logs": show_logs, "graph": draw, "preview": preview, "docs": docs,
    "hold": hold, "unhold": unhold, "repair": repair,
}
NOTED = frozenset({"up", "down", "hold", "unhold"})
"""Which change a platform; `repair` is part of a playbook, which is noted as a whole."""


def main(arguments: Sequence[str]) -> int:
    command, *rest = arguments
    options = dict(part.split("=", 1) for part in rest if "=" in part)
    console = Console(soft_wrap=True) if not sys.stdout.isatty() else Console()
    call = Call(options.pop("STACK", "") or "local", options, console)
    try:
        if command not in NOTED:
            return COMMANDS[command](call)
        return record.recorded(record.log_of(call.stack), call.stack, command, call.options,
                               lambda: COMMANDS[command](call))
    except (deploy.DeployError, holds.HoldError, NotReadyError, SetupError) as error:
        console.print(f"\n[bold red]Error:[/] stack {call.stack}, {command}:", highlight=False)
        print(error)
        return 1
    except KeyboardInterrupt:
        console.print(f"\nInterrupted. What is done is kept; `make {command}{_suffix(call.stack)}` goes on from there.")
        return INTERRUPTED


def _example(name: str) -> str:
    """The rest of a command that shows the application at work; of one that we don't know, its front page."""
    if engine_state.runs(name, "orders"):
        return "/api/orders -H 'Content-Type: application/json' -d '{\"item\":\"anchor\",\"quantity\":1}'"
    return "/"


def _suffix(name: str) -> str:
    return "" if name == "local" else f" STACK={name}"


def _relative(path: os.PathLike[str]) -> str:
    return os.path.relpath(path, ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
