"""``python -m operations.rotation [WHAT=...] [UNTIL=introduce|switch] [BACK=yes] [STACK=...]``, in the environment
that ``python -m operations.setup run`` makes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console

from components.generated.rotation import Step
from operations.rotation import plan, proofs, run
from operations.setup.deploy import DeployError

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 when every step was taken and proved."""
    options = {name: value for name, _, value in (part.partition("=") for part in arguments) if value}
    console = Console() if sys.stdout.isatty() else Console(soft_wrap=True)
    unknown = sorted(set(options) - {"WHAT", "UNTIL", "BACK", "STACK"})
    stack, until = options.get("STACK", "local"), options.get("UNTIL", Step.RETIRE.value)
    if unknown or until not in plan.ORDER or options.get("BACK") not in (None, "yes"):
        print("usage: make rotate [WHAT=all|redis|postgres|edge|ca|NAME,...] [UNTIL=introduce|switch] [BACK=yes] "
              "[STACK=local]", file=sys.stderr)
        return 2
    again = "".join(f" {name}={value}" for name, value in options.items())
    try:
        run.rotate(stack, options.get("WHAT", plan.ALL), console, until=Step(until), back=options.get("BACK") == "yes")
    except (DeployError, plan.PlanError, proofs.ProofError) as error:
        console.print(f"\n[bold red]Error:[/] stack {stack}, rotate:", highlight=False)
        print(error)
        if not isinstance(error, plan.PlanError):
            print(f"Everything serves with the values of the last finished step.\nNext: remove the cause, then `make "
                  f"rotate{again}` goes on; with BACK=yes it takes back what is unfinished.")
        return 1
    except KeyboardInterrupt:
        console.print(f"\nInterrupted. What is done is kept, old and new values are accepted; `make rotate{again}` "
                      "goes on from there.", highlight=False)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
