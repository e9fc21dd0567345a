"""The ledger of a drill: what became of every write by the client's own account, against what the database holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What a client knows of a write. Each has exactly one."""

    ACKNOWLEDGED = "acknowledged"
    """It was told that the write is stored: it must never be lost."""
    FAILED = "failed"
    """It was told, or knows, that nothing was stored."""
    UNKNOWN = "unknown"
    """Anything else: no answer, an answer of somebody who can't know, or one that says so."""


REFUSALS = frozenset({400, 401, 403, 404, 413, 422, 429})
"""Said before a write is tried."""
NOT_PASSED_ON = ("no worker is free or reachable", "too many requests wait")
REDUCED = frozenset({"read-only", "maintenance"})
"""Levels of the edge. By these and those HAProxy answers requests that it gave to no worker."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write. Times are seconds since 1970; ``why`` is for people."""

    key: str
    began: float
    ended: float
    outcome: Outcome
    why: str = ""
    edge: str = ""


def classify(status: int, said: Mapping[str, Any]) -> Outcome:
    """What an answer to a write means. ``said``: its JSON object, empty where it had none."""
    if status in (200, 201):
        return Outcome.ACKNOWLEDGED
    if status in REFUSALS:
        return Outcome.FAILED
    if status == 503 and (said.get("status") == "failed" or said.get("level") in REDUCED
                          or str(said.get("error", "")).startswith(NOT_PASSED_ON)):
        return Outcome.FAILED
    return Outcome.UNKNOWN


@dataclass(frozen=True)
class Reconciled:
    """The comparison. Whatever names keys should be empty."""

    acknowledged: int
    failed: int
    unknown: int
    unknown_present: int
    unknown_absent: int
    lost: tuple[str, ...]
    """Acknowledged and absent."""
    contradicted: tuple[str, ...]
    """Said to have failed, and present."""
    duplicates: tuple[str, ...]
    """Stored more than once."""
    miscounted: tuple[str, ...]
    """Sent once, and entered more than once by the witness: a fault of ours."""

    @property
    def holds(self) -> bool:
        return not (self.lost or self.contradicted or self.duplicates or self.miscounted)


def reconcile(writes: Collection[Write], stored: Iterable[str]) -> Reconciled:
    """Compare the witness's entries with the keys that the database holds, each as often as it is stored."""
    found = Counter(stored)
    by_outcome = {outcome: [write.key for write in writes if write.outcome is outcome] for outcome in Outcome}
    unknown = by_outcome[Outcome.UNKNOWN]
    present = sum(key in found for key in unknown)
    entries = Counter(write.key for write in writes)
    return Reconciled(
        acknowledged=len(by_outcome[Outcome.ACKNOWLEDGED]), failed=len(by_outcome[Outcome.FAILED]),
        unknown=len(unknown), unknown_present=present, unknown_absent=len(unknown) - present,
        lost=tuple(key for key in by_outcome[Outcome.ACKNOWLEDGED] if key not in found),
        contradicted=tuple(key for key in by_outcome[Outcome.FAILED] if key in found),
        duplicates=tuple(sorted(key for key in entries if found[key] > 1)),
        miscounted=tuple(sorted(key for key, count in entries.items() if count > 1)))
