"""What a recovery was made of, from what the members themselves say."""

from __future__ import annotations

import contextlib
import json
import math
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

PROVEN = "succession: "
"""A replica's own watch (images/redis/redis_member) says that its master ended."""
AGREED, ELECTED = "failing (quorum reached)", "Failover election won"
"""Redis' own words, since version 3."""


def of(what: Drill, platform: Platform, victims: Sequence[str], at: Moments, *, seen: Seen,
       observers: Observers | None) -> list[Phase]:
    """Those of a drill; none where nobody took over from anybody."""
    if what.budget.of == "slot":
        return of_redis(platform, at, seen)
    return of_postgres(platform, victims, at, observers, seen) if observers else []


def elected(phases: Iterable[Phase]) -> float | None:
    """When another member had got the victim's part; None where none did."""
    return next((phase.ended for phase in phases if phase.name == "elect"), None)


def of_redis(platform: Platform, at: Moments, seen: Seen) -> list[Phase]:
    """prove or agree, elect, sessions: the last is over when no session fails any more."""
    took = verdict.trouble_s(seen, "session", at)
    lines = (line for one in platform.containers("redis")
             for line in one.logs(since=int(at.fault), timestamps=True).decode(errors="replace").splitlines())
    return timeline.phases(at.fault, [*redis_marks(lines, at.fault),
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


def redis_marks(lines: Iterable[str], since: float) -> list[tuple[str, float | None]]:
    """When the first election after ``since`` was won, and before it why: a replica proved that its master ended, or
    the masters agreed that one of them failed. ``lines``: logs of all members, with the engine's time before each."""
    found: dict[str, float] = {}
    for line in lines:
        stamp, _, text = line.partition(" ")
        for name, words in (("prove", PROVEN), ("agree", AGREED), ("elect", ELECTED)):
            if words in text and (moment := container.seconds(stamp)) >= since:
                found[name] = min(moment, found.get(name, moment))
    reason = min(("prove", "agree"), key=lambda name: found.get(name, math.inf))
    return [(reason, found.get(reason)), ("elect", found.get("elect"))]


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
