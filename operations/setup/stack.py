"""One Pulumi stack of this checkout: select or create it, and put right what an interrupted run left."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi import automation

from operations.setup import state_file
from operations.setup.paths import ROOT

LOCK_TIMEOUT_S, LOCK_STEP_S = 600, 0.5
SALT = re.compile(r"^encryptionsalt: .*\n", re.MULTILINE)
RETIRED = frozenset({"postgres-replication", "postgres-rewind", "postgres-monitoring"})
"""Passwords that stacks of earlier versions have."""
CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"


def select(name: str, environment: Mapping[str, str]) -> automation.Stack:
    """The stack, created (with an empty state) when there is none yet. ``environment`` is what ``prepare`` returned."""
    backend = environment["PULUMI_BACKEND_URL"]
    if state_file.find(name, backend):
        return automation.Stack.select(name, KnownWorkspace(work_dir=str(ROOT), env_vars=dict(environment)))
    if state_file.versions(name, backend) == []:
        forget_salt(name)
    options = automation.LocalWorkspaceOptions(work_dir=str(ROOT), env_vars=dict(environment))
    return automation.create_or_select_stack(stack_name=name, work_dir=str(ROOT), opts=options)


class KnownWorkspace(automation.LocalWorkspace):
    """Of a stack that is there: Pulumi need not be asked first whether it is. Every command of ours names its stack."""

    def select_stack(self, stack_name: str) -> None:
        """It is there."""


def forget_salt(name: str) -> None:
    """Remove Pulumi's salt from the stack's file: it belongs to a passphrase and to secrets that aren't here (deleted,
    or a colleague's). It stays when the file holds secrets of its own (`secure:`)."""
    file = ROOT / "stacks" / f"Pulumi.{name}.yaml"
    text = file.read_text() if file.exists() else ""
    if SALT.search(text) and "secure:" not in text:
        file.write_text(SALT.sub("", text))


def exists(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the backend knows the stack. Of a backend of files only this stack's are looked at: Pulumi reads those of
    all stacks to list them, and fails on one that another run is just writing."""
    files = state_file.versions(name, environment.get("PULUMI_BACKEND_URL", ""))
    if files is not None:
        return any(file.name in (f"{name}.json", f"{name}.json.gz") for file in files)
    workspace = automation.LocalWorkspace(work_dir=str(ROOT), env_vars=dict(environment))
    return any(summary.name == name for summary in workspace.list_stacks())


@dataclass(frozen=True)
class Recorded:
    """What the state says the engine holds: container name -> id, network ids, and how many operations were cut off;
    ``retired``: the URNs of protected passwords that an earlier version made."""

    containers: Mapping[str, str]
    networks: frozenset[str]
    pending: int
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Container name -> what it was declared with."""
    retired: tuple[str, ...] = ()
    has_secrets: bool = False
    """Whether the platform's passwords were made, hence perhaps data that only they open."""


def recorded(stack: automation.Stack) -> Recorded:
    """Read from the state, without its secrets."""
    file = state_file.find(stack.name, stack.workspace.env_vars.get("PULUMI_BACKEND_URL", ""))
    return recorded_in((state_file.deployment(file) if file else stack.export_stack().deployment) or {})


def recorded_in(deployment: Mapping[str, Any]) -> Recorded:
    """The same from a state that was read already."""
    made = [resource for resource in deployment.get("resources", ()) if resource.get("outputs")]
    containers = {resource["outputs"]["name"]: resource["id"] for resource in made if resource["type"] == CONTAINER}
    networks = frozenset(resource["id"] for resource in made if resource["type"] == NETWORK)
    inputs = {resource["outputs"]["name"]: resource["inputs"] for resource in made if resource["type"] == CONTAINER}
    limits = [resource for resource in made if resource["urn"].endswith("::limits")]
    cores: Mapping[str, Any] = limits[0]["inputs"]["members"] if limits else {}
    inputs = {name: {**given, "cpus": cores.get(given["hostname"], given)["cpus"]} for name, given in inputs.items()}
    retired = tuple(resource["urn"] for resource in deployment.get("resources", ())
                    if resource["urn"].rpartition("::")[2] in RETIRED and resource.get("protect"))
    has_secrets = any(resource.get("protect") for resource in made)
    return Recorded(containers, networks, len(deployment.get("pending_operations") or ()), inputs, retired, has_secrets)


def release_retired(stack: automation.Stack, state: Recorded, say: Callable[[str], None]) -> None:
    """Passwords that this version makes no more lose their protection, so that the next update takes them out of the
    state instead of being refused; they open nothing any more."""
    for urn in state.retired:
        stack.workspace.pulumi_command.run(["state", "unprotect", "--yes", "--stack", stack.name, urn], str(ROOT),
                                           dict(stack.workspace.env_vars))
        say(f"{urn.rpartition('::')[2]} is needed no more: a certificate proves what this password did")


def wait_for_others(stack: automation.Stack, backend: str, say: Callable[[str], None]) -> None:
    """Return when no other run of this machine holds the stack.

    A run that lives is waited for (killing `make` leaves its `pulumi` at work); the lock of one that died is released.
    The lock of another machine is left alone: Pulumi's own message explains it. Raises ``TimeoutError``.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    told = False
    while pids := _holders(state_file.locks(stack.name, backend)):
        living = [pid for pid in pids if _is_alive(pid)]
        if not living:
            stack.cancel()
            say(f"the lock of an interrupted run (process {pids[0]}, gone) was released")
            return
        if not told:
            say(f"another run holds the stack (process {living[0]}): waiting for its end")
            told = True
        if time.monotonic() > deadline:
            raise TimeoutError(f"another run (process {living[0]}) has held the stack for {LOCK_TIMEOUT_S} s.\nNext: "
                               f"see what it does with `ps -fp {living[0]}`, then run the same command again.")
        time.sleep(LOCK_STEP_S)


def _holders(locks: list[Path]) -> list[int]:
    """Process ids behind the locks that were taken on this machine."""
    held = []
    for file in locks:
        try:
            lock = json.loads(file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            continue  # released, or being written, at this moment
        if lock.get("hostname") == socket.gethostname():
            held.append(int(lock["pid"]))
    return held


def _is_alive(pid: int) -> bool:
    """A process that ended and was not yet waited for counts as gone."""
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
