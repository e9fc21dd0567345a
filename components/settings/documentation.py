"""``docs/settings.md`` from the models, so that it can't drift: ``python -m components.settings.documentation``."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components.settings import Settings
from components.settings.app import default_workers

HEAD = """# Settings

Every key a stack file (`stacks/Pulumi.<stack>.yaml`) may hold, with its default. Generated from `components/settings`
by `make docs`; a test compares the two. Set one by editing the file, or by
`pulumi config set --path 'evenkeel:postgres.members' 3`. A key that is misspelled, has the wrong type or contradicts
another is refused before anything is touched.
"""


def markdown() -> str:
    """The whole page."""
    return HEAD + "".join(_section(path, model) for path, model in _sections("evenkeel:", Settings))


def _sections(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        inner = model_of(field.annotation)
        if inner:
            step = f"{name}.NAME" if typing.get_origin(field.annotation) is dict else name
            yield from _sections(f"{path}{step}.", inner)


def _section(path: str, model: type[BaseModel]) -> str:
    rows = [f"| `{name}` | {_type(field)} | {_default(field)} | {_meaning(field)} |"
            for name, field in model.model_fields.items() if not model_of(field.annotation)]
    if not rows:
        return ""
    title = path.rstrip(".:") if path != "evenkeel:" else "evenkeel"
    summary = " ".join((model.__doc__ or "").split())
    return "\n".join([f"\n## `{title}`", "", summary, "", "| key | type | default | meaning |", "|---|---|---|---|",
                      *rows, ""])


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds: by itself, optionally, or as the values of a mapping; None where it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (dict, typing.Union, types.UnionType):
        inner = [found for found in map(model_of, typing.get_args(annotation)) if found]
        return inner[0] if inner else None
    return None


def _type(field: FieldInfo) -> str:
    text = _type_name(field.annotation)
    limits = []
    for constraint in field.metadata:
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if getattr(constraint, attribute, None) is not None:
                limits.append(f"{sign} {getattr(constraint, attribute)}")
    extra = field.json_schema_extra
    unit = str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else ""
    return " ".join(part for part in (text, f"({', '.join(limits)})" if limits else "", unit) if part)


PLAIN_TYPES = {str: "text", int: "whole number", float: "number", bool: "true / false", type(None): "empty"}


def _type_name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " / ".join(f"`{member.value}`" for member in annotation)
    if origin is typing.Literal:
        return " / ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_name(argument) for argument in arguments)
    if origin in (list, dict):
        return f"{'list of' if origin is list else 'map to'} {_type_name(arguments[-1])}"
    return PLAIN_TYPES.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    if field.default_factory is default_workers:
        return "cores - 1, at least 2"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "empty"
    return f"`{json.dumps(value, default=str, ensure_ascii=False)}`".replace("|", "\\|")


def _meaning(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")


if __name__ == "__main__":
    print(markdown(), end="")
