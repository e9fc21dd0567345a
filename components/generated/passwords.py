"""What a password's resource holds: made here, or read from a store of the user's."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from components.generated import rotation

ALPHABET = string.ascii_letters + string.digits
LENGTH = 32
"""190 bits: 32 x log2(62)."""
PARTS = ("value",)


def generate() -> str:
    """``LENGTH`` letters and digits, safe in URLs, shells and every service's config syntax."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def create(props: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a new resource. Raises ``StoreError`` where its store doesn't give a value."""
    return {"name": props["name"], "value": _obtain(props), "otherValue": "", "slot": rotation.SLOTS[0],
            "phase": rotation.Phase.STEADY.value}


def update(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs after the step that ``news`` asks for; without one, ``olds`` completed.

    Only the step *introduce* asks a store. A store whose value is the one in use has nothing to introduce.
    """
    kept = {key: olds[key] for key in ("name", "value", "otherValue", "slot", "phase") if key in olds}

    def fresh() -> Mapping[str, str] | None:
        value = _obtain(news)
        return None if value == olds["value"] else {"value": value}

    return rotation.advance(kept, news.get("step"), PARTS, fresh)


def _obtain(props: Mapping[str, Any]) -> str:
    if not props.get("source"):
        return generate()
    from components.generated import stores

    return stores.read(props["source"], props["name"])
