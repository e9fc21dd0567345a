"""Waiting for members to serve, with the reason when one does not.

Health commands are run by us rather than read from the engine: the engine runs the first one only after a whole
interval, which would cost every start that long.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker.errors

from components.targets.docker import engine

STEP_S = 0.5
LOG_LINES = 20
RESTARTS_ALLOWED = 5
"""A member that the engine had to restart more often than this during its start will not come up."""


class NotReadyError(Exception):
    """Some members do not serve; names each with its health output and last log lines."""


def until_ready(members: list[dict[str, Any]]) -> None:
    """Return when every member's health command succeeds; raise ``NotReadyError`` otherwise. Times in seconds."""
    if not members:
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        problems = [problem for problem in pool.map(_wait, members) if problem]
    if problems:
        names = ", ".join(name for name, _ in problems)
        details = "\n".join(detail for _, detail in problems)
        raise NotReadyError(f"{len(problems)} of {len(members)} members do not serve: {names}\n{details}\n"
                       "Everything else keeps running. Next: correct the cause, then run `make up` (or `pulumi up`) "
                       "again; `make logs` shows more.")


def _tell(member: str) -> None:
    """For whoever watches (`make up`): the member serves."""
    file = os.environ.get("EVENKEEL_READY_FILE")
    if file:
        with open(file, "a") as handle:
            handle.write(f"{member}\n")


def _wait(member: dict[str, Any]) -> tuple[str, str] | None:
    deadline = time.monotonic() + float(member["startSeconds"])
    reason = "it was never seen running"
    while True:
        container = engine.find(member["container"])
        if container is None:
            reason = "its container does not exist"
        elif container.status != "running":
            state = container.attrs["State"]
            reason = f"its container is {container.status}, exit code {state.get('ExitCode')} {state.get('Error', '')}"
        else:
            try:
                code, output = engine.run_inside(container, member["health"]) if member["health"] else (0, "")
            except docker.errors.APIError as error:
                code, output = 1, str(error.explanation)
            if code == 0:
                _tell(member["member"])
                return None
            reason = f"its health check `{' '.join(member['health'])}` says: {output or f'exit code {code}'}"
        gave_up = container is not None and container.attrs.get("RestartCount", 0) > RESTARTS_ALLOWED
        if gave_up or time.monotonic() > deadline:
            waited = "kept crashing" if gave_up else f"not ready after {member['startSeconds']:.0f} s"
            log = container.logs(tail=LOG_LINES).decode(errors="replace").rstrip() if container else ""
            indented = "\n".join(f"    {line}" for line in log.splitlines())
            return member["member"], f"  {member['member']}: {waited}: {reason}\n  its last log lines:\n{indented}"
        time.sleep(STEP_S)
