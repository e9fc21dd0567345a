"""A stack's YAML, edited in place: values change, comments and order stay. Pure functions."""

from __future__ import annotations

import io
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

YAML_IMPORT_ERROR: str | None = None
try:
    from ruamel.yaml import YAML
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

NAMESPACE = "evenkeel"


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """``text`` with settings changed: dotted key (``app.colours.green.image``) -> value; None takes the key out.

    Raises ``ValueError`` where a key's parent holds something else than settings.
    """
    yaml = _yaml()
    document = yaml.load(text) or {}
    before = _plain(document)
    for key, value in changes.items():
        first, *rest = key.split(".")
        _set(document.setdefault("config", {}), [f"{NAMESPACE}:{first}", *rest], value, key)
    if _plain(document) == before:
        return text
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def value_at(text: str, key: str) -> Any:
    """What the file says of a setting; None when it says nothing."""
    first, *rest = key.split(".")
    at: Any = (_yaml().load(text) or {}).get("config", {})
    for step in (f"{NAMESPACE}:{first}", *rest):
        if not isinstance(at, Mapping) or step not in at:
            return None
        at = at[step]
    return _plain(at)


def _set(at: Any, steps: list[str], value: Any, key: str) -> None:
    step, *rest = steps
    if not isinstance(at, MutableMapping):
        raise ValueError(f"{key}: above {step} there is {at!r} in place of settings")
    if not rest and value is not None:
        _put(at, step, value)
    elif not rest:
        at.pop(step, None)
    else:
        if at.get(step) is None:
            if value is None:
                return
            _put(at, step, {})
        _set(at[step], rest, value, key)
        if value is None and not at[step]:
            # An empty group is not the same as none: `green: {}` would have as many workers as a pool says.
            at.pop(step)


def _put(at: Any, key: str, value: Any) -> None:
    """A new key goes behind the first one: behind the last one it would part a comment from what comes after it."""
    if key in at or not at or not hasattr(at, "insert"):
        at[key] = value
    else:
        at.insert(1, key, value)


def _yaml() -> Any:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
