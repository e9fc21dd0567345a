"""A Mermaid picture of what changes: touched workloads by tier, and who calls them. Equal rows, equal picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from operations.changes.words import COUNTED, Kind
from operations.previews.report import Row
from operations.setup.engine_state import TIERS
from operations.setup.graph import FLOW

COLOURS = {"grave": "fill:#ffd7d5,stroke:#cf222e,color:#1f2328", "turns": "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
           "mild": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328", "still": "fill:#f6f8fa,stroke:#8c959f,color:#57606a"}
GRAVE = frozenset({Kind.REFUSED, Kind.OUTAGE, Kind.REMOVED})
TURNS = frozenset({Kind.REPLACED, Kind.RESTARTED, Kind.PAUSE})


def mermaid(rows: Sequence[Row], workloads: Sequence[str]) -> str:
    """The picture; empty where nothing changes. Of the ``workloads`` that are not touched, those appear that call one
    that is, or are called by it."""
    touched: dict[str, list[Row]] = {}
    for row in rows:
        if row.members:
            touched.setdefault(row.workload, []).append(row)
    if not touched:
        return ""
    there = {*workloads, *touched}
    callers = sorted((a, b) for a, b in FLOW if (b in touched or a in touched) and {a, b} <= there)
    others = sorted({name for pair in callers for name in pair} - set(touched))
    tiers: dict[str, list[str]] = {}
    for name in sorted(touched):
        tiers.setdefault(touched[name][0].tier or "platform", []).append(name)
    lines = ["flowchart LR"]
    for tier in sorted(tiers, key=_place):
        lines.append(f'  subgraph {_id("tier", tier)}["{_label(tier)}"]')
        lines += [f'    {_id("w", name)}["{_label(name)}<br/>{_counts(touched[name])}"]:::{_colour(touched[name])}'
                  for name in tiers[tier]]
        lines.append("  end")
    lines += [f'  {_id("w", name)}["{_label(name)}"]:::still' for name in others]
    lines += [f'  {_id("w", source)} --> {_id("w", target)}' for source, target in callers]
    lines += [f"  classDef {name} {style}" for name, style in COLOURS.items()]
    return "\n".join(lines) + "\n"


def _place(tier: str) -> tuple[int, str]:
    return TIERS.index(tier) if tier in TIERS else len(TIERS), tier


def _counts(rows: Sequence[Row]) -> str:
    gravest: dict[str, Kind] = {}
    for row in rows:
        for member in row.members:
            gravest[member] = max(gravest.get(member, Kind.NOTHING), row.kind, key=lambda kind: kind.weight)
    kinds = sorted(set(gravest.values()), key=lambda kind: -kind.weight)
    return ", ".join(f"{list(gravest.values()).count(kind)} {COUNTED[kind]}" for kind in kinds)


def _colour(rows: Sequence[Row]) -> str:
    kinds = {row.kind for row in rows}
    return "grave" if kinds & GRAVE else "turns" if kinds & TURNS else "mild"


def _id(prefix: str, name: str) -> str:
    """An identifier that no name can break out of, and that no two names share."""
    return f"{prefix}_" + re.sub(r"[^A-Za-z0-9]", lambda match: f"_{ord(match.group()):x}_", name)


def _label(name: str) -> str:
    """Mermaid's own way of writing characters that mean something to it: by their number."""
    return re.sub(r"[^A-Za-z0-9 .:/-]", lambda match: f"#{ord(match.group())};", name)
