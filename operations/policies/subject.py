"""What the rules look at: a platform as it would be, wherever that is known from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from components.settings import Settings, SettingsError
from components.settings.policies import Policies
from operations.changes.plan import Plan
from operations.setup.paths import ROOT


@dataclass(frozen=True)
class Subject:
    """One stack. ``before`` is what runs; None where only the declaration is known."""

    stack: str
    plan: Plan
    policies: Policies = field(default_factory=Policies)
    before: Plan | None = None
    secrets: frozenset[str] = frozenset()
    """Values that are known to be secret, to be found where they should not be."""


def policies_of(stack: str, root: Path = ROOT) -> Policies:
    """The policy settings in a stack's file. Raises ``SettingsError`` where the file can't be used."""
    return Settings.load(config_of(stack, root), stack=stack, where=f"stacks/Pulumi.{stack}.yaml").policies


def secrets_of(stack: str, root: Path = ROOT) -> list[str]:
    """The names of the secrets in a stack's file."""
    return [key.removeprefix("evenkeel:") for key, value in _all(stack, root).items()
            if isinstance(value, Mapping) and "secure" in value]


def config_of(stack: str, root: Path = ROOT) -> Mapping[str, object]:
    """What a stack's file says, without its secrets; nothing where there is no file."""
    return {key.removeprefix("evenkeel:"): value for key, value in _all(stack, root).items()
            if key.startswith("evenkeel:") and not (isinstance(value, Mapping) and "secure" in value)}


def _all(stack: str, root: Path) -> Mapping[str, object]:
    file = root / "stacks" / f"Pulumi.{stack}.yaml"
    try:
        read = yaml.safe_load(file.read_text()) if file.exists() else {}
    except yaml.YAMLError as error:
        raise SettingsError(f"stacks/{file.name}: yaml: {error}") from None
    return dict((read or {}).get("config") or {})
