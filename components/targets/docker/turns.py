"""Taking a turn: the wait for the other members, then the drain."""

from __future__ import annotations

import time
from typing import Any

import docker.errors
from docker.models.containers import Container

from components.targets.docker import engine, inputs, steps, waiting


class TurnError(Exception):
    """A member can't be replaced now; says why, and that it goes on as it is."""


def take(props: dict[str, Any]) -> None:
    """Return when the member may be replaced. Nothing is done for one that is as wanted already (a run that was cut
    off, or an operation, replaced it)."""
    container = engine.find(props["container"])
    if container is None or container.labels.get(inputs.FINGERPRINT_LABEL) == props["fingerprint"]:
        return
    if not _serves(container, props["health"]):
        return  # nobody loses anything by its going, and another container may be what it needs
    if props["others"]:
        try:
            waiting.until_ready(props["others"])
        except waiting.NotReadyError as error:
            raise TurnError(f"{props['member']} is not replaced, since it would leave too few: {error}") from None
        time.sleep(float(props["settleSeconds"]))
    try:
        steps.run(props["stack"], container, props["drain"])
    except steps.StepError as error:
        raise TurnError(f"{props['member']} is not replaced, since its clients could not be led away: {error}\n"
                        "Next: see `make status`, then run the same command again.") from None


def _serves(container: Container, health: list[str]) -> bool:
    if container.status != "running":
        return False
    try:
        return not health or engine.run_inside(container, health)[0] == 0
    except docker.errors.APIError:
        return False
