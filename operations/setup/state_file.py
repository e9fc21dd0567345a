"""A stack's state in a file backend, read as it lies there: Pulumi takes a third of a second for a question."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEME = "file://"
BACKUPS = 20
"""How many are kept of a stack's state as it was before an update, a megabyte and a half each: Pulumi keeps all."""


def versions(name: str, backend: str) -> list[Path] | None:
    """The stack's files (plain or compressed, and the backup of a deleted one); None where the backend has no files."""
    if not backend.startswith(SCHEME):
        return None
    folder = Path(backend.removeprefix(SCHEME)) / ".pulumi" / "stacks" / "evenkeel"
    return sorted(folder.glob(f"{name}.json*"))


def find(name: str, backend: str) -> Path | None:
    """The file of a stack that is there; None when it isn't, or must be asked for otherwise."""
    return next((file for file in versions(name, backend) or () if file.name == f"{name}.json"), None)


def deployment(file: Path) -> Mapping[str, Any]:
    """What was deployed last, secrets encrypted; empty before the first time."""
    found: Mapping[str, Any] = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    return found


def prune(name: str, backend: str) -> None:
    """Keep the newest ``BACKUPS`` of the stack's state."""
    for folder in _beside(name, backend, "backups"):
        for file in sorted(folder.glob(f"{name}.*.json*"), key=_moment)[:-2 * BACKUPS]:
            file.unlink(missing_ok=True)  # each has a file of attributes beside it


def forget(name: str, backend: str) -> None:
    """Remove what Pulumi keeps of a stack that is gone: earlier states, with its secrets in them."""
    for folder in _beside(name, backend, "backups", "history"):
        shutil.rmtree(folder, ignore_errors=True)


def _beside(name: str, backend: str, *kinds: str) -> list[Path]:
    if not backend.startswith(SCHEME):
        return []
    return [Path(backend.removeprefix(SCHEME)) / ".pulumi" / kind / "evenkeel" / name for kind in kinds]


def _moment(file: Path) -> str:
    """Nanoseconds since 1970, which are in its name."""
    return file.name.partition(".json")[0].rpartition(".")[2]
