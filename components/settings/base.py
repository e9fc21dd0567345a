"""What every settings model shares: strictness, and one way to declare a knob."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A group of settings. Unknown keys are errors, values don't change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def knob(default: Any = ..., meaning: str = "", *, unit: str | None = None, **constraints: Any) -> Any:
    """Declare a setting: its default (``...``: required; a callable: made anew), its meaning in a sentence, its unit.

    ``constraints`` are pydantic's (``ge``, ``le``, ``pattern`` ...). ``docs/settings.md`` is generated from these.
    """
    extra: Any = {"unit": unit} if unit else None
    if callable(default) and default is not ...:
        return Field(default_factory=default, description=meaning, json_schema_extra=extra, **constraints)
    return Field(default, description=meaning, json_schema_extra=extra, **constraints)
