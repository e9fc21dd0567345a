"""Reading a password from a store of the user's. No message ever holds a value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

USABLE = re.compile(r"^[A-Za-z0-9_.~-]+$")
"""Safe in URLs, shells and every service's config syntax."""
SHORTEST, LONGEST = 16, 128
"""Below, a password may be guessed; above, PgBouncer 1.18 cuts it off without a word."""
UNCHANGED = "Nothing was changed."


class StoreError(Exception):
    """A store gave no usable value: which, why, and what to do."""


def read(source: Mapping[str, Any], name: str) -> str:
    """The value of ``name``; ``source`` is what ``components/settings/secrets.py`` says. Raises ``StoreError``."""
    if source["kind"] == "environment":
        where, value = _variable(source, name)
    elif source["kind"] == "file":
        where, value = _file(source, name)
    else:
        from components.generated import vault

        where, value = vault.read(source, name)
    _judge(value, name, where)
    return value


def _variable(source: Mapping[str, Any], name: str) -> tuple[str, str]:
    variable = source["prefix"] + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
    value = os.environ.get(variable)
    if not value:
        raise StoreError(f"The secret {name} is to come from the environment, and {variable} is not set.\n{UNCHANGED} "
                         f"Next: set {variable}, then run the same command again.")
    return f"the variable {variable}", value


def _file(source: Mapping[str, Any], name: str) -> tuple[str, str]:
    path = Path(source["folder"]) / name
    try:
        return f"the file {path}", path.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        reason = "there is no such file"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        reason = "it is no text"
    raise StoreError(f"The secret {name} is to come from the file {path}: {reason}.\n{UNCHANGED} Next: put its value "
                     "there, readable for you alone, then run the same command again.")


def _judge(value: str, name: str, where: str) -> None:
    """Refuse what some service would read differently from another."""
    if not USABLE.match(value):
        reason = "it has other characters than letters, digits and `_.~-`"
    elif not SHORTEST <= len(value) <= LONGEST:
        reason = f"it has {len(value)} characters, not {SHORTEST} to {LONGEST}"
    else:
        return
    raise StoreError(f"The secret {name} in {where} can't be used: {reason}.\n{UNCHANGED} Next: correct it there, for "
                     "example with `openssl rand -hex 24`, then run the same command again.")
