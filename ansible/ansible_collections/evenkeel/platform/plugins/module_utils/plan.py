"""What an upgrade has to do, computed from Pulumi's own preview and from who plays which role now: pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONTAINER = "docker:index/container:Container"
READY = "ready"
"""The resource that waits for all members at the end; every new container changes it."""
REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})
NOTHING = frozenset({"same", "read", "refresh"})
ORDER = ("haproxy", "nginx", "web", "pgproxy", "pgbouncer", "etcd", "postgres", "redis")
"""Stateless before stateful: what is cheap to put right shows a bad image first. Others come after ``web``."""
LEADING = frozenset({"primary", "leader", "master"})


@dataclass(frozen=True)
class Change:
    """A container that Pulumi would make anew, or make at all. ``reasons`` are the inputs that differ."""

    member: str
    urn: str
    created: bool
    old_image: str
    new_image: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        if self.created:
            return f"made from {self.new_image}; it has no container now"
        if self.old_image != self.new_image:
            return f"{self.old_image} -> {self.new_image}"
        return f"its {', '.join(self.reasons) or 'settings'} changed"


@dataclass(frozen=True)
class Preview:
    """What Pulumi would do: containers to be made anew, and how many other changes there are."""

    changes: tuple[Change, ...]
    others: tuple[str, ...]
    """``<operation> <resource>`` of every change that belongs to none of them."""
    unfinished: bool = False
    """The wait at the end of every update knows other containers than those that run: an update did not end."""


@dataclass(frozen=True)
class Step:
    """One member to be replaced, in order."""

    member: str
    workload: str
    tier: str
    role: str
    stateful: bool
    change: Change

    @property
    def leads(self) -> bool:
        return self.role in LEADING

    def __str__(self) -> str:
        role = f" ({self.role})" if self.role else ""
        first = {"postgres": "switchover, then ", "redis": "failover, then ", "etcd": "leadership moved, then "}
        return f"{self.member}{role}: {first.get(self.workload, '') if self.leads else ''}{self.change}"

    def as_dict(self) -> dict[str, Any]:
        return {"member": self.member, "workload": self.workload, "tier": self.tier, "role": self.role,
                "stateful": self.stateful, "leads": self.leads, "urn": self.change.urn,
                "image": self.change.new_image, "old_image": self.change.old_image, "words": str(self)}


def read(text: str) -> Preview:
    """From the output of ``pulumi preview --json``. Raises ``ValueError`` when there is no JSON in it."""
    begin = text.find("{")
    if begin < 0:
        raise ValueError(text.strip() or "Pulumi said nothing")
    known = json.JSONDecoder().raw_decode(text[begin:])[0]
    changes: dict[str, Change] = {}
    rest: list[tuple[str, str]] = []
    unfinished = False
    for step in known.get("steps", ()):
        operation, urn = step["op"], step["urn"]
        kind, name = urn.split("::")[2].split("$")[-1], urn.rsplit("::", 1)[-1]
        if kind == CONTAINER and (operation in REPLACING or operation == "create"):
            changes[urn] = _change(step, name, changes.get(urn))
        elif operation in NOTHING:
            continue
        elif name == READY:
            unfinished = True
        else:
            rest.append((operation, name))
    made = tuple(changes.values())
    others = tuple(f"{operation} {name}" for operation, name in rest
                   if not any(_belongs(name, change.member) for change in made))
    return Preview(made, others, unfinished or bool(rest))


def steps(preview: Preview, members: Iterable[Mapping[str, Any]], roles: Mapping[str, str], serving: Iterable[str],
          *, tiers: Sequence[str] = (), only: Sequence[str] = ()) -> list[Step]:
    """The order of replacement. ``members`` are the stack's (its outputs), ``roles`` member -> role now, ``serving``
    who serves now; ``tiers`` and ``only`` narrow it down.

    Within a workload: members that don't serve anyway, then replicas, then whoever leads.
    """
    known = {str(member["member"]): member for member in members}
    well = set(serving)
    chosen = []
    for change in preview.changes:
        member = known.get(change.member)
        if member is None or (tiers and member["tier"] not in tiers) or (only and change.member not in only):
            continue
        chosen.append(Step(change.member, str(member["workload"]), str(member["tier"]),
                           roles.get(change.member, ""), bool(member.get("stateful")), change))
    return sorted(chosen, key=lambda step: (_place(step), step.workload, step.member in well, step.leads,
                                            int(step.member.rpartition("-")[2])))


def words(stack: str, planned: Sequence[Step], preview: Preview) -> list[str]:
    """The plan as sentences."""
    if not planned:
        rest = f"; {len(preview.others)} other changes are `pulumi up`'s" if preview.others else ""
        return [f"the stack {stack}: no member has to be replaced{rest}"]
    lines = [f"the stack {stack}: {len(planned)} of its members are replaced, one after the other"]
    lines += [f"{number:3}. {step}" for number, step in enumerate(planned, 1)]
    if any(step.workload == "postgres" and step.leads for step in planned):
        lines.append("Writers wait for about a second during the switchover; nobody gets an error.")
    if preview.others:
        lines.append(f"Then {len(preview.others)} other changes by `pulumi up`: {', '.join(preview.others[:6])}"
                     + (" ..." if len(preview.others) > 6 else ""))
    return lines


def _belongs(resource: str, member: str) -> bool:
    return resource.startswith(f"{member}-")


def _change(step: Mapping[str, Any], name: str, earlier: Change | None) -> Change:
    """A replacement is several steps of the preview; each may know another half of it."""
    old = ((step.get("oldState") or {}).get("inputs") or {}).get("image", "")
    new = ((step.get("newState") or {}).get("inputs") or {}).get("image", "")
    reasons = tuple(step.get("replaceReasons") or step.get("diffReasons") or ())
    if earlier:
        old, new = (earlier.old_image or old), (new if step["op"] != "delete-replaced" and new else earlier.new_image)
        reasons = earlier.reasons or reasons
    return Change(name, step["urn"], step["op"] == "create", old, new, reasons)


def _place(step: Step) -> int:
    workload = "web" if step.workload.startswith("web") else step.workload
    if workload in ORDER:
        return ORDER.index(workload)
    return len(ORDER) if step.stateful else ORDER.index("web")
