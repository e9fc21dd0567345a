"""``python -m operations.releases.load COMMAND STACK=... NAME=...``: the load across a release, for its playbook.

  start RATE=... [SOCKETS=...] [OWNER=...]    waits for a line, starts it, says `started` or `runs`
  end                                         ends it, says `ended`, waits for a line, writes the receipt and prints it
  keep FOLDER                                 the process that keeps k6

They wait for a line on standard input: the playbook counts meanwhile, and need not wait for imports afterwards. Apart
from the commands for people, and with few imports: a release starts it three times.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from operations.releases import receipt, trial
from operations.setup.errors import SetupError
from operations.setup.paths import ROOT

Options = Mapping[str, str]


def start(options: Options) -> int:
    """Start the load that the stack's file describes."""
    from components.settings import SettingsError
    from operations.releases.described import plan

    try:
        made = plan(options["STACK"], options["NAME"], int(options["RATE"]), int(options.get("SOCKETS", "0")),
                    int(options.get("OWNER", "0")))
    except SettingsError as error:
        print(error)
        return 1
    _wait()
    print("started" if trial.start(options["NAME"], made) else "runs")
    return 0


def end(options: Options) -> int:
    """End the load, then write the release's receipt and print it."""
    trial.stop(options["NAME"])
    print("ended", flush=True)
    folder = trial.folder(options["NAME"])
    events = trial.events(options["NAME"])
    _wait()
    if events is None:
        print(f"{folder.relative_to(ROOT)}: no load ran")
        return 1
    release, before, after = (json.loads((folder / f"{name}.json").read_text()) if (folder / f"{name}.json").exists()
                              else {} for name in ("release", "before", "after"))
    told = receipt.made(release, events, before, after)
    told["words"] = [*receipt.words(told), f"receipt: {folder.relative_to(ROOT)}/receipt.md"]
    receipt.write(folder, told)
    print(json.dumps(told))
    return 0


def _wait() -> None:
    """Until the playbook says to go on. Raises ``SetupError`` when it is gone."""
    if not sys.stdin.readline():
        raise SetupError("Nobody said to go on.", then="run the same command again")


COMMANDS: Mapping[str, Callable[[Options], int]] = {"start": start, "end": end}


def main(arguments: Sequence[str]) -> int:
    command, *rest = arguments or ["help"]
    if command == "keep":
        return trial.keep(Path(rest[0]))
    if command not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[command](dict(part.split("=", 1) for part in rest))
    except SetupError as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
