"""What the times of a drill say: gaps, recovery time, phases, percentiles. Pure functions; seconds since 1970."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

NOTABLE_GAP_S = 0.5
"""Writes come every few hundredths of a second: a gap as long as this is one that people notice."""
AT_ONCE_S = 1.0
"""A gap that begins within this after the fault is counted from the fault itself."""


@dataclass(frozen=True)
class Gap:
    """Between two successes that follow each other."""

    began: float
    ended: float

    @property
    def length(self) -> float:
        return self.ended - self.began


def gaps(successes: Iterable[float], since: float, at_least_s: float = NOTABLE_GAP_S) -> list[Gap]:
    """Gaps after ``since`` (which counts as a success), in the order of time."""
    times = [since, *sorted(at for at in successes if at > since)]
    found = [Gap(one, other) for one, other in itertools.pairwise(times)]
    return [gap for gap in found if gap.length >= at_least_s]


def longest_gap(successes: Collection[float], since: float) -> Gap | None:
    """The longest gap after ``since``; None where nothing succeeded any more."""
    return max(gaps(successes, since, 0.0), key=lambda gap: gap.length, default=None)


def recovery_s(successes: Collection[float], fault_at: float, until: float) -> float | None:
    """From the fault to the end of the longest gap after it: how long until writes went on. Where writes had gone on
    after the fault, or no gap is notable, it is that gap alone. None: they had not gone on when the watch ended
    (``until``)."""
    gap = longest_gap(successes, fault_at)
    if gap is None or until - max(successes) > max(gap.length, NOTABLE_GAP_S):
        return None
    at_once = gap.began - fault_at <= AT_ONCE_S
    return gap.ended - fault_at if at_once and gap.length >= NOTABLE_GAP_S else gap.length


@dataclass(frozen=True)
class Phase:
    """One part of a recovery: what took place from ``began`` to ``ended``."""

    name: str
    began: float
    ended: float

    @property
    def length(self) -> float:
        return self.ended - self.began


def phases(fault_at: float, marks: Sequence[tuple[str, float | None]]) -> list[Phase]:
    """Consecutive phases from the moments at which each was over; what nobody saw is left out, and belongs to the next.

    A mark that lies before its predecessor (two clocks' ticks, or two things at once) makes a phase of no length.
    """
    found, began = [], fault_at
    for name, at in marks:
        if at is None:
            continue
        ended = max(at, began)
        found.append(Phase(name, began, ended))
        began = ended
    return found


def percentile(values: Collection[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of them do not exceed; 0 where there are none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


@dataclass(frozen=True)
class WriterAck:
    """A commit that one Postgres member acknowledged, on one timeline."""

    member: str
    timeline: int
    began: float
    ended: float


def two_writers(acks: Collection[WriterAck]) -> list[str]:
    """Proofs that two members took writes at once, as sentences; empty: there was one writer at any moment.

    On each timeline there may be one writer, and once somebody acknowledged on a later timeline, a commit that begins
    after that must not be acknowledged on an earlier one.
    """
    found = []
    writers: dict[int, set[str]] = {}
    for ack in acks:
        writers.setdefault(ack.timeline, set()).add(ack.member)
    for timeline, members in sorted(writers.items()):
        if len(members) > 1:
            found.append(f"{' and '.join(sorted(members))} both acknowledged commits on timeline {timeline}")
    newest: WriterAck | None = None
    for ack in sorted(acks, key=lambda one: one.ended):
        late = [other for other in acks if other.timeline < ack.timeline and other.began > ack.ended]
        if late and (newest is None or ack.timeline > newest.timeline):
            newest = ack
            found.append(f"{late[0].member} acknowledged a commit on timeline {late[0].timeline} that began "
                         f"{late[0].began - ack.ended:.2f} s after {ack.member} had acknowledged one on {ack.timeline}")
    return found
