"""Carrying out a workload's convergence."""

from __future__ import annotations

from typing import Any

from components.targets.docker import steps


class ConvergenceError(Exception):
    """Members have their files, but not all that these ask for is in force; says why."""


def converge(props: dict[str, Any]) -> None:
    """Run the steps from the first member that runs. While none runs nothing is to do: who starts reads its files."""
    members = steps.running(props["stack"], props["workload"])
    if not members:
        return
    try:
        steps.run(props["stack"], members[0], props["steps"])
    except steps.StepError as error:
        raise ConvergenceError(f"{props['workload']}: the new settings are in place, but not all of them are in force: "
                               f"{error}\nEverything keeps running. Next: correct the cause (`make status`, `make "
                               "logs`), then run the same command again: it goes on from there.") from None
