"""The stack's raw configuration, as Pulumi hands it to the program."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi.runtime import config

SECRET_PREFIX = "app-secret-"  # noqa: S105 - the name of a key
"""Config keys with this prefix are the application's own secrets, not settings."""


def read_config() -> dict[str, Any]:
    """Every key of the project's namespace. Objects, numbers and booleans arrive as JSON, text as it is."""
    namespace = f"{pulumi.get_project()}:"
    raw: dict[str, str] = dict(config.CONFIG.get())
    return {key.removeprefix(namespace): _value(text) for key, text in raw.items()
            if key.startswith(namespace) and not key.startswith(namespace + SECRET_PREFIX)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
