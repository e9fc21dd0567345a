"""Entry point of the Makefile: ``python3 -m operations.setup COMMAND [NAME=VALUE ...]``.

Everything imported here needs nothing but Python's standard library: it runs before there is a virtual environment.
What needs more is handed over to ``operations.setup.cli``, inside that environment.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Collection, Mapping, Sequence

from operations.setup import engine, env, environment, preparation
from operations.setup.errors import SetupError
from operations.setup.images import ON_DEMAND
from operations.setup.paths import ROOT
from operations.setup.programs import BY_IMAGE
from operations.setup.progress import Progress

BEGAN = "EVENKEEL_BEGAN"
"""Tells the second half when the first began (seconds since 1970), for the total."""
INTERRUPTED = 130
TESTING = ("prepare-tests", "prepare-log-tests")
BESIDES: Mapping[str, Collection[str]] = {"prepare-drills": ON_DEMAND, "prepare-log-tests": tuple(BY_IMAGE)}
"""Command -> images that it needs besides the stack's, or the usual ones."""
USAGE = """usage: python3 -m operations.setup COMMAND

  prepare             tools, virtual environment, engine, the images that a stack needs [STACK=local]
  prepare-tests       the same with the usual images, and with what tests and linters need
  prepare-ansible     the same as prepare, with Ansible
  prepare-drills      the same as prepare-ansible, with what drills break things with
  prepare-log-tests   the same as prepare-tests, with what keeps logs and traces
  tools               tools and virtual environment
  images              engine and the usual images
  load-tools          k6, which makes load for measurements
  lint-tools          the virtual environment with what linters need
  review-tools        the virtual environment alone, for runs that compare declarations and post comments
  env                 print the environment that `pulumi` needs, for a shell [STACK=local]
  stop-engine         end the Docker engine, if this checkout started it by hand
  run COMMAND ...     run a command in that environment
  up, down, status, logs, hold, graph, preview ...   see `make`
"""


def main(arguments: Sequence[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C: what we started lives in sessions of its own and would outlive us. Under nohup it stays ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    try:
        return _command(arguments[0], arguments[1:])
    except SetupError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What is finished is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED


def _command(command: str, arguments: Sequence[str]) -> int:
    progress = Progress()
    began = time.time()
    if command in ("prepare", *TESTING, "prepare-ansible", "prepare-drills", "tools"):
        preparation.prepare(progress, images=command != "tools", development=command in TESTING,
                            ansible=command in ("prepare-ansible", "prepare-drills", *TESTING),
                            stack=None if command in (*TESTING, "tools") else _stack(arguments),
                            also=BESIDES.get(command, ()))
        progress.line(f"ready, {progress.total():.1f} s in all")
    elif command == "images":
        preparation.prepare_images(progress)
    elif command == "load-tools":
        preparation.prepare_load(progress)
    elif command in ("lint-tools", "review-tools"):
        preparation.prepare_environment(progress, development=command == "lint-tools")
    elif command == "stop-engine":
        progress.line(engine.stop())
    elif command == "env":
        print(env.exports({**env.pulumi_environment(), "PULUMI_STACK": _stack(arguments)}), end="")
    elif command == "run":
        _become([*arguments], env.pulumi_environment())
    else:
        made = preparation.prepare(progress, stack=_stack(arguments)) if command == "up" else env.pulumi_environment()
        _become([str(environment.PYTHON), "-m", "operations.setup.cli", command, *arguments],
                {**made, BEGAN: f"{began:.3f}"})
    return 0


def _stack(arguments: Sequence[str]) -> str:
    named = [argument.removeprefix("STACK=") for argument in arguments if argument.startswith("STACK=")]
    return (named[-1] if named else "") or "local"


def _become(command: Sequence[str], more: dict[str, str]) -> None:
    """Replace this process by ``command``; signals and exit status are its own from here."""
    sys.stdout.flush()
    # A shell's background job ignores SIGINT, and so would Pulumi's plugins, which Pulumi ends by it: it would wait 5 s
    # for them at the end of every command.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    merged = {**os.environ, **more}
    try:
        os.chdir(ROOT)
        os.execvpe(command[0], list(command), merged)  # noqa: S606 - no shell is what is wanted
    except FileNotFoundError:
        raise SetupError(f"There is no program {command[0]!r} in .venv or on PATH.", then="make tools") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
