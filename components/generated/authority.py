"""What the authority's resource holds, and how it changes in a rotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.generated import rotation, x509

PARTS = ("certificate", "key")


def create(common_name: str, days: int) -> dict[str, Any]:
    """The outputs of a new authority, valid for ``days``."""
    return {"commonName": common_name, **_make(common_name, days), "otherCertificate": "", "otherKey": "",
            "slot": rotation.SLOTS[0], "phase": rotation.Phase.STEADY.value}


def update(olds: Mapping[str, Any], step: str | None, days: int) -> dict[str, Any]:
    """The outputs after a step. Two authorities that are trusted at once have different names: some verifiers look for
    an issuer by its name alone."""
    kept = {key: value for key, value in olds.items() if not key.startswith("__") and key != "step"}
    slot = rotation.other_slot(rotation.slot_of(olds))
    name = olds["commonName"] if slot == rotation.SLOTS[0] else f"{olds['commonName']} {slot}"
    return rotation.advance(kept, step, PARTS, lambda: _make(name, days))


def _make(common_name: str, days: int) -> dict[str, str]:
    certificate, key = x509.make_authority(common_name, days)
    return {"certificate": certificate, "key": key}
