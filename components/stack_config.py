"""The stack's raw configuration, as Pulumi hands it to the program."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi.runtime import config

SECRETS = ("app-secret-", "edge-certificate", "alert-")
"""Config keys that begin so are secrets of the user's, not settings."""


def own_secret(name: str) -> pulumi.Output[str]:
    """A secret that the user gave: ``pulumi config set --secret NAME``. Its absence is an error that says so."""
    return pulumi.Config().require_secret(name)


def read_config() -> dict[str, Any]:
    """Every key of the project's namespace. Objects, numbers and booleans arrive as JSON, text as it is."""
    namespace = f"{pulumi.get_project()}:"
    raw: dict[str, str] = dict(config.CONFIG.get())
    return {key.removeprefix(namespace): _value(text) for key, text in raw.items()
            if key.startswith(namespace) and not key.removeprefix(namespace).startswith(SECRETS)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
