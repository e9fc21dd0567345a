"""``make audit``: the stack's audit log, and whether it is whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import audit
from rich.console import Console
from rich.table import Table

from operations.audit import record
from operations.setup.paths import ROOT

USAGE = "make audit [LAST=20] [FORMAT=text|json] [STACK=local]"
COLOURS = {audit.OK: "green", audit.FAILED: "red", audit.INTERRUPTED: "yellow"}
WIDTH = 160
"""Of a table that nobody sees on a screen."""
OPEN = "no end: at work, or killed"


def operations(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each operation with what became of it, in the order in which they began."""
    ends = {line["began"]: line for line in lines if line.get("event") == "ended"}
    return [{"number": line["number"], "at": line["at"], "who": f"{line['who']} on {line['host']}",
             "operation": line["operation"], "with": line["with"],
             "result": (end := ends.get(line["number"], {})).get("result", OPEN), "took_s": end.get("took_s"),
             "why": end.get("why", "")}
            for line in lines if line.get("event") == "began"]


def table(found: Sequence[Mapping[str, Any]], title: str) -> Table:
    """One row for each of ``operations``."""
    drawn = Table(title=title)
    for column in ("", "when (UTC)", "who", "what", "with", "result", "took"):
        drawn.add_column(column)
    for one in found:
        said = f"{one['result']}{': ' if one['why'] else ''}{one['why']}"
        drawn.add_row(str(one["number"]), one["at"][:19].replace("T", " "), one["who"], one["operation"],
                      " ".join(f"{key}={value}" for key, value in one["with"].items()), said,
                      "" if one["took_s"] is None else f"{one['took_s']:.1f} s", style=COLOURS.get(one["result"]))
    return drawn


def strangers(lines: Sequence[Mapping[str, Any]], kept: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Logs that the platform knows and that are not this one."""
    return [f"the platform knows of a log {name} with {one['number']} entries, the last of {str(one['at'])[:19]}, that "
            "is not here: another checkout's, or deleted" for name, one in kept.items() if name != audit.name(lines)]


def _end_known(lines: Sequence[Mapping[str, Any]], kept: Mapping[str, Any] | None) -> str:
    if kept is None:
        return "the platform can't be asked whether the end is there"
    return "the platform's own count agrees" if audit.name(lines) in kept else "the platform keeps no count of it yet"


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where the log is not whole."""
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH, soft_wrap=True)
    options = {key: value for key, _, value in (part.partition("=") for part in arguments) if value}
    stack, last, form = options.get("STACK", "local"), options.get("LAST", "20"), options.get("FORMAT", "text")
    if not last.isdigit() or form not in ("text", "json"):
        console.print(USAGE, highlight=False)
        return 2
    log = record.log_of(stack)
    lines, kept = log.read(), record.kept(stack)
    found = operations(lines)[-int(last):]
    wrong = audit.flaws(lines, (kept or {}).get(audit.name(lines)))
    others = strangers(lines, kept or {})
    if form == "json":
        print(json.dumps({"operations": found, "entries": len(lines), "flaws": wrong, "elsewhere": others}, indent=2))
        return int(bool(wrong))
    console.print(table(found, f"stack {stack}") if found else f"Nothing was done to {stack!r} from here yet.")
    for sentence in (*wrong, *others):
        console.print(sentence, style="red" if sentence in wrong else "yellow", highlight=False)
    if lines and not wrong:
        console.print(f"{len(lines)} entries, every seal holds; {_end_known(lines, kept)}: "
                      f"{log.path.relative_to(ROOT)}", highlight=False)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
