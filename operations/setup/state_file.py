"""A stack's state in a file backend, read as it lies there: Pulumi takes a third of a second for a question."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEME = "file://"
ATTRIBUTES = ".attrs"
"""Beside each of Pulumi's files lies one with its attributes."""
BACKUPS = 20
"""How many are kept of a stack's state as it was before an update, a megabyte and a half each: Pulumi keeps all."""


def versions(name: str, backend: str) -> list[Path] | None:
    """The stack's files (plain or compressed, and the backup of a deleted one); None where the backend has no files."""
    folder = _folder("stacks", backend)
    return None if folder is None else sorted(folder.glob(f"{name}.json*"))


def find(name: str, backend: str) -> Path | None:
    """The file of a stack that is there; None when it isn't, or must be asked for otherwise."""
    return next((file for file in versions(name, backend) or () if file.name == f"{name}.json"), None)


def deployment(file: Path) -> Mapping[str, Any]:
    """What was deployed last, secrets encrypted; empty before the first time."""
    found: Mapping[str, Any] = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    return found


def prune(name: str, backend: str) -> None:
    """Keep the newest ``BACKUPS`` of the stack's state."""
    if folder := _folder("backups", backend):
        states = sorted(file for file in (folder / name).glob(f"{name}.*.json*") if file.suffix != ATTRIBUTES)
        for file in states[:-BACKUPS]:  # their names hold the moment, in nanoseconds since 1970
            file.unlink(missing_ok=True)
            file.with_name(file.name + ATTRIBUTES).unlink(missing_ok=True)


def forget(name: str, backend: str) -> None:
    """Remove what Pulumi keeps of a stack that is gone: earlier states, with its secrets in them."""
    for kind in ("backups", "history"):
        if folder := _folder(kind, backend):
            shutil.rmtree(folder / name, ignore_errors=True)


def locks(name: str, backend: str) -> list[Path]:
    """Those that runs hold on the stack now, oldest name first; none where the backend has no files."""
    folder = _folder("locks/organization", backend)
    return [] if folder is None else sorted((folder / name).glob("*.json"))


def _folder(kind: str, backend: str) -> Path | None:
    """Where the backend keeps files of that kind of this project's stacks; None where it has no files."""
    if not backend.startswith(SCHEME):
        return None
    return Path(backend.removeprefix(SCHEME)) / ".pulumi" / kind / "evenkeel"
