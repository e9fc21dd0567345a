"""What the stack's state holds of everything that rotates, read with the state's own passphrase."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import automation

from components.certificates import AUTHORITY
from components.generated import rotation
from components.generated.rotation import Phase

DYNAMIC = "pulumi-python:dynamic"
SECRET = "plaintext"  # noqa: S105 - the key under which an exported state has a secret's JSON


@dataclass(frozen=True)
class Held:
    """One password, or the authority (then the values are certificates, which are public)."""

    name: str
    phase: Phase
    slot: str
    in_use: str = field(repr=False)
    other: str = field(repr=False)

    @property
    def by_slot(self) -> dict[str, str]:
        """Every accepted value."""
        return rotation.by_slot(self.in_use, self.other, self.slot)


def read(stack: automation.Stack) -> dict[str, Held]:
    """By name; empty for a stack that was never up."""
    deployment: Mapping[str, Any] = stack.export_stack().deployment or {}
    found = {}
    for resource in deployment.get("resources", ()):
        outputs = {key: _plain(value) for key, value in (resource.get("outputs") or {}).items()
                   if not key.startswith("__")}
        name = resource["urn"].rpartition("::")[2]
        part = "certificate" if name == AUTHORITY else "value"
        if resource["type"].startswith(DYNAMIC) and part in outputs and (name == AUTHORITY or outputs["name"] == name):
            found[name] = Held(name, rotation.phase_of(outputs), rotation.slot_of(outputs), outputs[part],
                               outputs.get(rotation.other_part(part)) or "")
    return found


def _plain(value: Any) -> Any:
    return json.loads(value[SECRET]) if isinstance(value, dict) and SECRET in value else value
