"""The table of a preview: effects in words of the platform, with Pulumi's steps beside them, the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from operations.changes.plan import Plan
from operations.changes.words import COUNTED, SO, WHAT, Effect, Kind
from operations.previews.report import Row
from operations.previews.steps import DELETE, RANK, REPLACE, SAME, Step

WHOLE = frozenset({Kind.REFUSED, Kind.OUTAGE, Kind.REPLACED, Kind.ADDED, Kind.REMOVED})
"""Effects that concern everything of a member; the others concern its files or its limits."""
OF_LIMITS = frozenset({"container", "bookkeeping"})
OF_FILES = frozenset({"files", "convergence", "certificate"})
ALWAYS = (Kind.REMOVED, Kind.REPLACED)
"""Counted in a headline even where there are none."""
LOST = {"volume": "the data", "password": "what it opens", "authority": "what trusts it"}
PUT_BACK = "Put it back; or, where what it keeps may go, unprotect it with `pulumi state unprotect`."


def of(effects: Sequence[Effect], steps: Sequence[Step], before: Plan, after: Plan) -> tuple[Row, ...]:
    """Every effect, and what Pulumi deletes or replaces beyond them."""
    members = {**before.members, **after.members}
    said = {name for effect in effects if effect.kind is Kind.REFUSED for name in (*effect.members, effect.workload)}
    rows = [_row(effect, steps, members[effect.members[0]].tier if effect.members else "") for effect in effects]
    rows = [row.model_copy(update={"tier": row.tier or _tier(row, steps)}) for row in rows]
    rows += _lost(steps, said)
    return tuple(sorted(rows, key=_gravity))


def _gravity(row: Row) -> tuple[bool, int, bool, str, tuple[str, ...], str]:
    deletes = any(words.startswith((DELETE, REPLACE)) for words in row.pulumi)
    return not row.lost, -row.kind.weight, not deletes, row.workload, row.members, row.what


def _row(effect: Effect, steps: Sequence[Step], tier: str) -> Row:
    named = {*effect.members, *(() if effect.members else (effect.workload,))}
    mine = [step for step in steps if (step.member in named or step.name in named) and _concerns(effect.kind, step)]
    lost = effect.kind is Kind.REFUSED and any(step.keeps and step.op in (DELETE, REPLACE) for step in mine)
    return Row(tier=tier, workload=effect.workload, members=effect.members, kind=effect.kind, lost=lost,
               what=f"{WHAT[effect.kind]}: the data would be lost" if lost else WHAT[effect.kind],
               so=SO[effect.kind], because=effect.because, instead=PUT_BACK if lost else effect.instead,
               pulumi=counted(mine))


def _concerns(kind: Kind, step: Step) -> bool:
    if kind in WHOLE:
        return True
    return step.what in (OF_LIMITS if kind is Kind.LIMITS else OF_FILES)


def _tier(row: Row, steps: Sequence[Step]) -> str:
    return next((step.tier for step in steps if step.name == row.workload), "")


def counted(steps: Iterable[Step]) -> tuple[str, ...]:
    """``replace container x 2``, the gravest first."""
    count = Counter((step.op, step.what) for step in steps if step.op != SAME and step.what != "turn")
    ranked = sorted(count, key=lambda key: (RANK.index(key[0]), key[1]))
    return tuple(f"{op} {what}" + (f" x {count[op, what]}" if count[op, what] > 1 else "") for op, what in ranked)


def _lost(steps: Sequence[Step], said: set[str]) -> Iterable[Row]:
    """What goes for good and is no member's refusal yet: a data volume, a password, the authority; alike ones in one
    row."""
    alike: dict[tuple[str, str, str], list[Step]] = {}
    for step in steps:
        if step.op in (DELETE, REPLACE) and step.keeps and not said & {step.name, step.member}:
            alike.setdefault((step.tier, step.what, step.op), []).append(step)
    for (tier, what, op), found in alike.items():
        yield Row(tier=tier, workload=found[0].name, members=tuple(step.name for step in found), kind=Kind.REFUSED,
                  lost=True, what=f"{WHAT[Kind.REFUSED]}: {LOST[what]} would be lost", so=SO[Kind.REFUSED],
                  because=(f"protected {what} {op}d",), pulumi=counted(found), instead=PUT_BACK)


def headline(rows: Sequence[Row]) -> str:
    """``1 refused, 0 deleted, 2 replaced one at a time, 2 reload``: members by the gravest that happens to them."""
    gravest: dict[str, Kind] = {}
    for row in rows:
        for name in row.members or (row.workload,):
            if name not in gravest or row.kind.weight > gravest[name].weight:
                gravest[name] = row.kind
    count = Counter(gravest.values())
    shown = [kind for kind in sorted(Kind, key=_notice) if count[kind] or kind in ALWAYS]
    lost = " (data would be lost)" if any(row.lost for row in rows) else ""
    return ", ".join(f"{count[kind]} {COUNTED[kind]}{lost if kind is Kind.REFUSED else ''}" for kind in shown)


def _notice(kind: Kind) -> tuple[bool, bool, int]:
    """Refusals, outages and deletions before replacements before the rest."""
    return kind not in (Kind.REFUSED, Kind.OUTAGE, Kind.REMOVED), kind is not Kind.REPLACED, -kind.weight


def workloads(before: Plan, after: Plan) -> tuple[str, ...]:
    """All that there are, sorted."""
    return tuple(sorted({member.workload for plan in (before, after) for member in plan.members.values()}))


def operations(steps: Iterable[Step]) -> Mapping[str, int]:
    """Resources by operation, the groups not counted."""
    count = Counter(step.op for step in steps if step.what != "group")
    return {op: count[op] for op in RANK if count[op]}
