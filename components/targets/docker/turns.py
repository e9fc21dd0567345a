"""Taking a turn: the wait for the other members, then the drain."""

from __future__ import annotations

import shlex
import time
from typing import Any

import docker.errors
from docker.models.containers import Container

from components.targets.docker import engine, inputs, waiting


class TurnError(Exception):
    """A member can't be replaced now; says why, and that it goes on as it is."""


def take(props: dict[str, Any]) -> None:
    """Return when the member may be replaced. Nothing is done for one that is as wanted already (a run that was cut
    off, or an operation, replaced it)."""
    container = engine.find(props["container"])
    if container is None or container.labels.get(inputs.FINGERPRINT_LABEL) == props["fingerprint"]:
        return
    if props["others"]:
        try:
            waiting.until_ready(props["others"])
        except waiting.NotReadyError as error:
            raise TurnError(f"{props['member']} is not replaced, since it would leave too few: {error}") from None
        time.sleep(float(props["settleSeconds"]))
    if container.status == "running":
        for step in props["drain"]:
            where = _running(props["stack"], step["workload"]) if step["workload"] else [container]
            _drain(props["member"], step, where)


def _running(stack: str, workload: str) -> list[Container]:
    """Who doesn't run has no connections to move."""
    mine: dict[str, Any] = {"label": [f"evenkeel.stack={stack}", f"evenkeel.workload={workload}"], "status": "running"}
    return engine.client().containers.list(ignore_removed=True, filters=mine)


def _drain(member: str, step: dict[str, Any], containers: list[Container]) -> None:
    for container in containers:
        try:
            code, output = engine.run_inside(container, step["command"])
        except docker.errors.APIError as error:
            code, output = 1, str(error.explanation)
        if code != 0:
            raise TurnError(f"{member} is not replaced: its clients could not be led away: in {container.name}, "
                            f"`{shlex.join(step['command'])}` failed ({code}): {output}\n"
                            "Next: see `make status`, then run the same command again.")
