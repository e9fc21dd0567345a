"""``python -m operations.releases COMMAND [STACK=...] [NAME=VALUE ...]``, in the environment that ``python -m
operations.setup run`` makes, with ``ansible/`` on the path (the Makefile sees to both).

  status [TIMEOUT=s]      the release under way or the last one; with TIMEOUT waits for its end.
                          Exit status: 0 done, 1 rolled back, failed or frozen, 2 none, 3 under way
  watch                   the same, live
  list                    the releases of a stack
  pause, resume, promote, abort    asked of the release under way
  start, stop, receipt    the load across a release, for its playbook
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

from components.settings import SettingsError
from operations.releases import receipt, trial, view
from operations.releases.described import plan
from operations.setup.errors import SetupError
from operations.setup.paths import ROOT

INTERRUPTED = 130
Options = Mapping[str, str]


def start(options: Options) -> int:
    """Start the load of a release; says `started` or `runs`."""
    made = plan(options["STACK"], options["NAME"], int(options["RATE"]), int(options.get("SOCKETS", "0")),
                int(options.get("OWNER", "0")))
    print("started" if trial.start(options["NAME"], made) else "runs")
    return 0


def stop(options: Options) -> int:
    trial.stop(options["NAME"])
    return 0


def write_receipt(options: Options) -> int:
    """Write a release's receipt and print it."""
    folder = trial.folder(options["NAME"])
    events = trial.events(options["NAME"])
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


COMMANDS: Mapping[str, Callable[[Options], int]] = {
    "start": start, "stop": stop, "receipt": write_receipt, "status": view.status, "watch": view.watch,
    "list": view.history, **{verb: view.asking(verb) for verb in view.VERBS}}


def main(arguments: Sequence[str]) -> int:
    command, *rest = arguments or ["help"]
    if command == "load":
        return trial.keep(Path(rest[0]))
    if command not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    options = {"STACK": "local", **dict(part.split("=", 1) for part in rest if "=" in part and part[-1] != "=")}
    try:
        return COMMANDS[command](options)
    except (SetupError, SettingsError, StreamError, view.RefusedError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
