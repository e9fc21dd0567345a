"""``python -m operations.releases COMMAND [STACK=...] [NAME=VALUE ...]``, in the environment that ``python -m
operations.setup run`` makes, with ``ansible/`` on the path (the Makefile sees to both).

  status [TIMEOUT=s]      the release under way or the last one; with TIMEOUT waits for its end.
                          Exit status: 0 done, 1 rolled back, failed or frozen, 2 none, 3 under way
  watch                   the same, live
  list                    the releases of a stack
  pause, resume, promote, abort    asked of the release under way
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

from operations.releases import view

INTERRUPTED = 130
Options = Mapping[str, str]


COMMANDS: Mapping[str, Callable[[Options], int]] = {
    "status": view.status, "watch": view.watch,
    "list": view.history, **{verb: view.asking(verb) for verb in view.VERBS}}


def main(arguments: Sequence[str]) -> int:
    command, *rest = arguments or ["help"]
    if command not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    options = {"STACK": "local", **dict(part.split("=", 1) for part in rest if "=" in part and part[-1] != "=")}
    try:
        return COMMANDS[command](options)
    except (StreamError, view.RefusedError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
