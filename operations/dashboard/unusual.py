"""What is unusual, in words, the likeliest cause first.

Whoever waits for somebody looks slow as well: a slow statement keeps PgBouncer's connections, these keep workers, these
keep HAProxy's queue. So of findings that are equally bad the one deepest on a request's way comes first. What is over
comes after what lasts, what no request passes after both, however bad, and what only says that it is slow comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.alerts.rule import WARNING
from components.settings import Settings
from operations.dashboard import hops
from operations.dashboard.figure import Figure, Row
from operations.dashboard.sight import Member, Sight
from operations.monitoring.health import SEVERITIES, Reason

SYMPTOMS = frozenset({"SlowAnswers", "ErrorRate", "BudgetBurning"})
"""Alerts that say what visitors notice, not why."""
POOLS = frozenset({"pgbouncer", "pgproxy"})
DEPTHS = {hop.key: hop.depth for hop in hops.HOPS}
APART = 0.5
"""One that stands out among its peers is rather a cause than something that all of them do."""


@dataclass(frozen=True)
class Finding:
    """``hop`` is empty for what no request passes. ``then`` is a command that shows more, ``link`` a runbook."""

    severity: str
    hop: str
    says: str
    means: str = ""
    then: str = ""
    link: str = ""
    symptom: bool = False
    depth: float = 0
    alert: bool = False
    over: bool = False
    """It happened a while ago, and may have been felt then."""


def findings(sight: Sight, settings: Settings) -> list[Finding]:
    """All of them."""
    base = settings.monitoring.runbooks.rstrip("/")
    fires = {reason.name for reason in sight.health.reasons}
    found = [*_members(sight.members, base), *(_alert(one, sight.members) for one in sight.health.reasons
                                               if not one.member or one.name != one.member)]
    for figure in hops.figures(settings):
        one = judged(figure, sight.figures.get(figure.key, ()), base)
        if one and figure.alert not in fires:
            found.append(one)
    return sorted(found, key=lambda one: (one.symptom, not one.hop, one.over, SEVERITIES.index(one.severity),
                                            -one.depth))


def judged(figure: Figure, rows: Sequence[Row], base: str) -> Finding | None:
    """A figure's worst row where it is unusual, and who else is."""
    worst_first = reversed(rows) if figure.limits and figure.limits.below else rows
    unusual = sorted((one for row in worst_first if (one := _row(figure, row, rows))), key=lambda one: one[0])
    if not unusual:
        return None
    (rank, depth, says, _), *others = unusual
    also = f"; also {', '.join(name for *_, name in others)}" if others else ""
    return Finding(SEVERITIES[rank], figure.hop, f"{says}{also}", figure.means, figure.then,
                   f"{base}/{figure.runbook}.md" if figure.runbook else "", depth=depth, over=figure.over)


def is_unusual(figure: Figure, row: Row, rows: Sequence[Row]) -> str:
    """Its severity; empty for what is usual."""
    one = _row(figure, row, rows)
    return SEVERITIES[one[0]] if one else ""


def amount(value: float, unit: str) -> str:
    """As people write it: 1.25 s for 1250 ms."""
    if unit == "ms" and abs(value) >= 1000:
        value, unit = value / 1000, "s"
    short = f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"
    return f"{short} {unit}".rstrip()


def whose(figure: Figure, labels: Mapping[str, str]) -> str:
    """Whom a row is about; empty where there is only one."""
    return ", ".join(labels[name] for name in figure.who if labels.get(name))


def _row(figure: Figure, row: Row, rows: Sequence[Row]) -> tuple[int, float, str, str] | None:
    """(rank of severity, depth, sentence, whose)."""
    depth = DEPTHS.get(figure.hop, 0) if figure.depth is None else figure.depth
    who = whose(figure, row.labels)
    told = f"{figure.name}{f' ({who})' if who else ''}: {amount(row.value, figure.unit)}"
    others = [one.value for one in rows if one is not row
              and one.labels.get("workload") == row.labels.get("workload")]
    usual = figure.peers.judge(row.value, others) if figure.peers else None
    limit = figure.limits.judge(row.value) if figure.limits else None
    if usual is not None:
        rank = SEVERITIES.index(limit[0] if limit else WARNING)
        return rank, depth + APART, f"{told}, of its peers {amount(usual, figure.unit)}", who
    if limit:
        severity, value = limit
        return SEVERITIES.index(severity), depth, f"{told}, {_usual(figure, value)}", who
    return None


def _usual(figure: Figure, limit: float) -> str:
    if figure.limits and figure.limits.below:
        return f"usual is {amount(limit, figure.unit)} or more"
    return f"the limit is {amount(limit, figure.unit)}" if limit else "usual is none"


def _members(members: Sequence[Member], base: str) -> Iterator[Finding]:
    for one in members:
        hop = hop_of(one.tier, one.workload)
        what = f"{one.name} ({one.tier}, domain {one.domain})"
        was = f", it was {one.role}" if one.role in ("master", "primary") else ""
        if not one.up:
            yield Finding(WARNING, hop, f"{what} is down{was}",
                          "it does not answer or does not run; its partners have to do its work",
                          f"make logs TIER={one.tier} SINCE=15m", f"{base}/member-down.md", depth=DEPTHS.get(hop, 0))
        elif one.returned:
            yield Finding(WARNING, hop, f"{what} ended within the last 10 min and was brought back",
                          "its clients had to go elsewhere meanwhile", "make logs TIER=supervision SINCE=15m",
                          f"{base}/member-keeps-dying.md", depth=DEPTHS.get(hop, 0), over=True)


def _alert(reason: Reason, members: Sequence[Member]) -> Finding:
    workload = next((one.workload for one in members if one.name == reason.member), "")
    hop = "pool" if reason.name == "PoolFull" else hop_of(reason.tier, workload)
    return Finding(reason.severity, hop, reason.says, reason.name, link=reason.link, symptom=reason.name in SYMPTOMS,
                   depth=DEPTHS.get(hop, 0), alert=True)


def hop_of(tier: str, workload: str) -> str:
    """Where on a request's way a member is; empty where none passes."""
    if workload in POOLS:
        return "pool"
    return tier if tier in DEPTHS else ""
