"""What a recovery was made of, from what the members themselves say."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from operations.drills import timeline, verdict
from operations.drills.catalogue import Drill
from operations.drills.observers import Observers
from operations.drills.platform import Platform
from operations.drills.timeline import Phase
from operations.drills.verdict import Moments
from operations.drills.witness import Seen
from operations.supervisor import container

AGREED, ELECTED = "failing (quorum reached)", "Failover election won"
"""Redis' own words, since version 3."""


def of_redis(platform: Platform, what: Drill, at: Moments, seen: Seen) -> list[Phase]:
    """agree, elect, sessions: the last is over when no session has trouble any more."""
    took = verdict.recovered_s(seen, what.budget, at)
    lines = (line for one in platform.containers("redis")
             for line in one.logs(since=int(at.fault), timestamps=True).decode(errors="replace").splitlines())
    agreed, elected = redis_marks(lines, at.fault)
    return timeline.phases(at.fault, [("agree", agreed), ("elect", elected),
                                      ("sessions", None if took is None else at.fault + took)])


def of_postgres(platform: Platform, victims: Sequence[str], at: Moments, observers: Observers,
                seen: Seen) -> list[Phase]:
    """detect, prove, elect, route, first write: as far as somebody took over from a victim."""
    changed = next((found for victim in victims if (found := observers.new_leader(at.fault, victim))), None)
    if changed is None:
        return []
    released = _released(platform, victims, at)
    gap = timeline.longest_gap(seen.acknowledged(), at.fault)
    return timeline.phases(at.fault, [
        ("detect", released.get("detected_at")), ("prove", released.get("released_at")), ("elect", changed.at),
        ("route", observers.routed_at(at.fault, changed.leader)), ("first write", gap.ended if gap else None)])


def redis_marks(lines: Iterable[str], since: float) -> tuple[float | None, float | None]:
    """When the masters agreed that one of them failed, and when the first election after ``since`` was won. ``lines``:
    logs of all members, with the engine's time before each."""
    agreed: list[float] = []
    elected: list[float] = []
    for line in lines:
        stamp, _, text = line.partition(" ")
        found = agreed if AGREED in text else elected if ELECTED in text else None
        if found is not None:
            moment = container.seconds(stamp)
            if moment >= since:
                found.append(moment)
    return min(agreed, default=None), min(elected, default=None)


def _released(platform: Platform, victims: Sequence[str], at: Moments) -> dict[str, float]:
    """When the fencer heard of the death, and when it had released the key; from its own log."""
    for supervisor in platform.containers("supervisor"):
        for line in supervisor.logs(since=int(at.fault)).decode(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if told.get("action") == "released" and told.get("member") in victims:
                    heard, said = float(told["detected_at"]), datetime.fromisoformat(told["time"]).timestamp()
                    if said >= at.fault:
                        return {"detected_at": heard, "released_at": said}
    return {}
