"""Validation errors in words: what is wrong, where, why, and what was probably meant."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError


class SettingsError(Exception):
    """The stack's configuration is wrong; nothing was touched."""


def explain(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """One line per mistake, then the next command."""
    lines = [f"{where}: {len(error.errors())} setting(s) can't be used; nothing was changed."]
    for mistake in error.errors():
        path = ".".join(str(part) for part in mistake["loc"]) or "settings"
        lines.append(f"  evenkeel:{path}: {_reason(mistake, model)}")
    lines.append(f"Next: edit {where} (every key is explained in docs/settings.md), then run the same command again.")
    return "\n".join(lines)


def _reason(mistake: Any, model: type[BaseModel]) -> str:
    location = mistake["loc"]
    if mistake["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}."
        return f"unknown key; {hint}"
    if mistake["type"] == "value_error":
        return str(mistake["ctx"]["error"])
    unit = _unit_at(model, location)
    reason = mistake["msg"][0].lower() + mistake["msg"][1:]
    return f"{mistake['input']!r}: {reason}" + (f" (a plain number, in {unit})" if unit else "")


def _keys_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    at = _walk(model, location)
    return list(at.model_fields) if at else []


def _unit_at(model: type[BaseModel], location: tuple[Any, ...]) -> str | None:
    owner = _walk(model, location[:-1])
    field = owner.model_fields.get(str(location[-1])) if owner and location else None
    extra = field.json_schema_extra if field else None
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None


def _walk(model: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model class that ``location`` lies in, through nested models and dicts or lists of models."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = _model_in(field.annotation) if field else None
        elif typing.get_origin(current) in (dict, list):
            current = _model_in(typing.get_args(current)[-1])
        else:
            return None
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _model_in(annotation: Any) -> Any:
    """``X | None`` means X; everything else means itself."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [item for item in typing.get_args(annotation) if item is not type(None)]
        return inner[0] if inner else None
    return annotation
