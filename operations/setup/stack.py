"""One Pulumi stack of this checkout: select or create it, and put right what an interrupted run left."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation

from operations.setup.paths import ROOT

SALT = re.compile(r"^encryptionsalt: .*\n", re.MULTILINE)
CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"


def select(name: str, environment: Mapping[str, str]) -> automation.Stack:
    """The stack, created (with an empty state) when there is none yet. ``environment`` is what ``prepare`` returned."""
    if _is_new(name, environment["PULUMI_BACKEND_URL"]):
        forget_salt(name)
    options = automation.LocalWorkspaceOptions(work_dir=str(ROOT), env_vars=dict(environment))
    return automation.create_or_select_stack(stack_name=name, work_dir=str(ROOT), opts=options)


def _is_new(name: str, backend: str) -> bool:
    """True when a file backend has never heard of the stack. Other backends are asked by Pulumi itself."""
    if not backend.startswith("file://"):
        return False
    folder = Path(backend.removeprefix("file://")) / ".pulumi" / "stacks" / "evenkeel"
    return not any(folder.glob(f"{name}.json*"))


def forget_salt(name: str) -> None:
    """Remove Pulumi's salt from the stack's file: it belongs to a passphrase and to secrets that aren't here (deleted,
    or a colleague's). It stays when the file holds secrets of its own (`secure:`)."""
    file = ROOT / "stacks" / f"Pulumi.{name}.yaml"
    text = file.read_text() if file.exists() else ""
    if SALT.search(text) and "secure:" not in text:
        file.write_text(SALT.sub("", text))


def exists(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the backend knows the stack."""
    options = automation.LocalWorkspaceOptions(work_dir=str(ROOT), env_vars=dict(environment))
    workspace = automation.LocalWorkspace(work_dir=str(ROOT), env_vars=options.env_vars)
    return any(summary.name == name for summary in workspace.list_stacks())


@dataclass(frozen=True)
class Recorded:
    """What the state says the engine holds: container name -> id, network ids, and how many operations were cut off."""

    containers: Mapping[str, str]
    networks: frozenset[str]
    pending: int


def recorded(stack: automation.Stack) -> Recorded:
    """Read from the state, without its secrets."""
    deployment: Mapping[str, Any] = stack.export_stack().deployment or {}
    made = [resource for resource in deployment.get("resources", ()) if resource.get("outputs")]
    containers = {resource["outputs"]["name"]: resource["id"] for resource in made if resource["type"] == CONTAINER}
    networks = frozenset(resource["id"] for resource in made if resource["type"] == NETWORK)
    return Recorded(containers, networks, len(deployment.get("pending_operations") or ()))


def release_stale_lock(stack: automation.Stack, backend: str) -> str | None:
    """Remove the lock of a run that died on this machine; a sentence that says so, or None.

    A lock of a living process, or of another machine, is left alone: Pulumi's own message explains it.
    """
    locks = Path(backend.removeprefix("file://")) / ".pulumi" / "locks"
    for file in sorted(locks.glob(f"organization/evenkeel/{stack.name}/*.json")):
        holder = json.loads(file.read_text())
        if holder.get("hostname") == socket.gethostname() and not _is_alive(int(holder["pid"])):
            stack.cancel()
            return f"the lock of an interrupted run (process {holder['pid']}, gone) was released"
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
