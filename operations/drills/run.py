"""One drill from a whole platform to a whole platform: load, fault, recovery, the ledger, the report."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import docker.errors
import httpx

from components.settings.postgres import PLANS, Timing
from operations.drills import ledger, phases, timeline, verdict
from operations.drills.catalogue import Drill
from operations.drills.errors import DrillError
from operations.drills.faults import applied
from operations.drills.ledger import Outcome, Reconciled
from operations.drills.observers import Observers
from operations.drills.platform import Platform
from operations.drills.verdict import Moments
from operations.drills.witness import Rates, Seen, Witness

WARM_UP_S = 5.0
AFTER_S = 3.0
WHOLE_BEFORE_S, WHOLE_AFTER_S = 90.0, 180.0
LEDGER_TRIES = 10
MOST_BROKEN_BEFORE = 0.1
"""Of the writes before the fault: with more of them failed there is nothing left to break."""
BUCKET_S = 0.25


def drill(platform: Platform, what: Drill, say: Callable[[str], None], rates: Rates | None = None) -> dict[str, Any]:
    """Do it. Returns the report as JSON. Raises ``DrillError`` when it can't be done; the fault is undone then, too."""
    platform.wait_whole(WHOLE_BEFORE_S, say)
    fault, settings = what.fault(platform), _settings(platform)
    after = platform.last_sequence()
    with contextlib.ExitStack() as watched:
        observers = watched.enter_context(Observers(platform, fault.victims)) if what.watches_writers else None
        with Witness(platform.urls, platform.outputs["authority"], rates) as witness:
            began = time.time()
            time.sleep(WARM_UP_S)
            _must_work(witness.seen)
            say(f"{what.what}: {', '.join(fault.victims)}")
            with applied(fault, platform) as fault_at:
                broken = time.time()
                time.sleep(what.lasts_s)
            undone = time.time()
            healed_s = platform.wait_whole(WHOLE_AFTER_S, say, fault.victims) + undone - fault_at
            time.sleep(AFTER_S)
            at = Moments(began, fault_at, broken, undone, time.time())
        stored = _stored(platform, after)
        missing = _missing_acks(observers) if observers else []
    reconciled = ledger.reconcile(witness.seen.writes, stored)
    acks = observers.acks if observers else []
    budget = what.budget.under(timing(settings))
    made = phases.of(what, platform, fault.victims, at, seen=witness.seen, observers=observers)
    at = replace(at, elected=phases.elected(made))
    found = verdict.checks(budget, witness.seen, reconciled, at, acks=acks, missing_acks=missing)
    return {
        "drill": what.name, "what": what.what, "stack": platform.stack, "victims": list(fault.victims),
        "time": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"), "settings": settings,
        "passed": all(check.passed for check in found), "checks": [asdict(check) for check in found],
        **figures(what, witness.seen, reconciled, at), "healed_s": round(healed_s, 2),
        "phases": [asdict(phase) for phase in made],
        "writers": sorted({(ack.timeline, ack.member) for ack in acks}),
        "leaders": [asdict(change) for change in observers.leaders] if observers else [],
        "moments": asdict(at), "series": series(witness.seen, at),
        "failures": [[kind, round(began_at - at.fault, 2), why] for kind, began_at, why in
                     verdict.failures(witness.seen)[:200]],
    }


def figures(what: Drill, seen: Seen, reconciled: Reconciled, at: Moments) -> dict[str, Any]:
    """The figures of a report."""
    took = verdict.recovered_s(seen, what.budget, at)
    gap = timeline.longest_gap(seen.acknowledged(), at.fault)
    latencies = [write.ended - write.began for write in seen.writes]
    return {
        "rto_seconds": None if took is None else round(took, 3), "rpo_rows": len(reconciled.lost),
        "write_gap_s": None if gap is None else round(gap.length, 3),
        "acknowledged": reconciled.acknowledged, "failed": reconciled.failed, "unknown": reconciled.unknown,
        "unknown_present": reconciled.unknown_present, "unknown_absent": reconciled.unknown_absent,
        "lost": list(reconciled.lost), "duplicates": len(reconciled.duplicates),
        "contradicted": list(reconciled.contradicted),
        "reads": _counts(seen, "read"), "sessions": _counts(seen, "session"),
        "other_edge": seen.other_edge, "repeated_reads": seen.repeated, "witness_late_s": round(seen.late_s, 3),
        "feeds": {"count": len(seen.feeds), "messages": sum(feed.messages for feed in seen.feeds),
                  "closed": sum(len(feed.closed_at) for feed in seen.feeds),
                  "longest_down_s": round(max((feed.longest_down_s for feed in seen.feeds), default=0.0), 2)},
        "latency_ms": {name: round(1000 * timeline.percentile(latencies, share), 1)
                       for name, share in (("p50", .5), ("p95", .95), ("p99", .99), ("most", 1.0))},
    }


def series(seen: Seen, at: Moments) -> dict[str, Any]:
    """What plots show, in seconds since the fault: answers per ``BUCKET_S``, and every write's waiting time."""
    count = max(1, round((at.ended - at.began) / BUCKET_S) + 1)
    per: dict[str, list[int]] = {outcome.value: [0] * count for outcome in Outcome}
    for write in seen.writes:
        per[write.outcome.value][min(count - 1, max(0, int((write.ended - at.began) / BUCKET_S)))] += 1
    return {"bucket_s": BUCKET_S, "first_s": round(at.began - at.fault, 3), "per_bucket": per,
            "waits": [[round(write.began - at.fault, 2), round(1000 * (write.ended - write.began), 1),
                       write.outcome.value[0]] for write in seen.writes]}


def _counts(seen: Seen, kind: str) -> dict[str, Any]:
    asks = [ask for ask in seen.asks if ask.kind == kind]
    return {"sent": len(asks), "failed": sum(not ask.succeeded for ask in asks),
            "slowest_s": round(max((ask.ended - ask.began for ask in asks), default=0.0), 2)}


def _must_work(seen: Seen) -> None:
    failed = [write.why for write in seen.writes if write.outcome is not Outcome.ACKNOWLEDGED]
    if len(failed) > MOST_BROKEN_BEFORE * len(seen.writes) or not seen.acknowledged():
        raise DrillError(f"before the fault {len(failed)} of {len(seen.writes)} writes failed already "
                         f"({failed[0] if failed else 'none was answered'}): nothing was broken. Next: make status")


def _stored(platform: Platform, after: int) -> list[str]:
    for left in range(LEDGER_TRIES, 0, -1):
        try:
            return platform.stored(after)
        except httpx.HTTPError:
            if left == 1:
                raise
            time.sleep(1)
    return []


def _missing_acks(observers: Observers) -> list[str]:
    """Commits that a member acknowledged to its own writer and that are gone."""
    acks = list(observers.numbered)
    stored = observers.stored()
    return [f"{member} {number}" for member, number in acks if (member, number) not in stored]


def _settings(platform: Platform) -> dict[str, Any]:
    known = json.loads(platform.inside(platform.members("postgres")[0], "sh", "-c",
                                       "curl -fsS --cacert /etc/evenkeel/tls/ca.pem https://localhost:8008/config"))
    fenced = False
    for member in platform.members("supervisor"):
        with contextlib.suppress(DrillError, docker.errors.APIError):
            fenced = bool(json.loads(platform.inside(member, "cat", "/etc/evenkeel/fencing.json")))
    return {"ttl_s": known["ttl"], "loop_wait_s": known["loop_wait"], "retry_timeout_s": known["retry_timeout"],
            "fencing": fenced}


def timing(settings: dict[str, Any]) -> Timing:
    """The recovery plan that this is, or comes next to."""
    return min(PLANS.values(), key=lambda plan: (abs(plan.ttl_s - settings["ttl_s"]),
                                                 abs(plan.loop_wait_s - settings["loop_wait_s"])))
