"""When a certificate must be issued again. Imports nothing heavy: it is asked at every preview."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any


def is_due(old: dict[str, Any], new: dict[str, Any], before_days: int, now: datetime | None = None) -> bool:
    """True when the hosts or the authority changed, or fewer than ``before_days`` days remain."""
    if any(old.get(key) != new.get(key) for key in ("commonName", "hosts", "authority")):
        return True
    expires = datetime.fromisoformat(old["expires"])
    return expires - (now or datetime.now(UTC)) < timedelta(days=before_days)
