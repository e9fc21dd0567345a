"""Running a workload's steps: commands inside members, one step after the other."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker.errors
from docker.models.containers import Container

from components.targets.docker import engine


class StepError(Exception):
    """A step failed; says where, and what it said."""


def run(stack: str, container: Container, steps: list[dict[str, Any]]) -> None:
    """Run ``steps`` (``{workload, command}``), those without a workload in ``container``. One that fails ends the row
    with a ``StepError``."""
    for step in steps:
        _everywhere(running(stack, step["workload"]) if step["workload"] else [container], step["command"])


def running(stack: str, workload: str) -> list[Container]:
    """The members of a workload that run, by ordinal: who doesn't run has nothing to be told."""
    mine: dict[str, Any] = {"label": [f"evenkeel.stack={stack}", f"evenkeel.workload={workload}"], "status": "running"}
    found = engine.client().containers.list(ignore_removed=True, filters=mine)
    return sorted(found, key=lambda container: int(container.labels["evenkeel.member"].rpartition("-")[2]))


def described(steps: Any) -> list[dict[str, Any]]:
    """A workload's steps as a resource's inputs. (Pulumi drops what is None.)"""
    return [{"workload": step.workload or "", "command": list(step.command)} for step in steps]


def _everywhere(containers: list[Container], command: list[str]) -> None:
    if containers:
        with ThreadPoolExecutor(max_workers=len(containers)) as pool:
            list(pool.map(lambda container: _one(container, command), containers))


def _one(container: Container, command: list[str]) -> None:
    try:
        code, output = engine.run_inside(container, command)
    except docker.errors.APIError as error:
        code, output = 1, str(error.explanation)
    if code != 0:
        raise StepError(f"in {container.name}, `{shlex.join(command)}` failed ({code}): {output}")
