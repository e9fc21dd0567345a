"""A stack's state in a file backend, read as it lies there: Pulumi takes a third of a second for a question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEME = "file://"


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
