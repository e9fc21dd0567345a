"""Every kind of effect and its words, in one place: previews, pull requests and docs/changes.md say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happens to a member, the mildest first."""

    NOTHING = "nothing"
    LATER = "later"
    RELOAD = "reload"
    LIMITS = "limits"
    PARAMETERS = "parameters"
    ADDED = "added"
    REMOVED = "removed"
    RESTARTED = "restarted"
    REPLACED = "replaced"
    PAUSE = "pause"
    OUTAGE = "outage"
    REFUSED = "refused"

    @property
    def weight(self) -> int:
        """The heavier, the more somebody notices."""
        return list(Kind).index(self)


WHAT = {
    Kind.NOTHING: "nothing that runs is touched",
    Kind.LATER: "written, no effect until it is read",
    Kind.RELOAD: "reloaded",
    Kind.LIMITS: "new limits while it runs",
    Kind.PARAMETERS: "parameters through Patroni",
    Kind.ADDED: "added",
    Kind.REMOVED: "removed",
    Kind.RESTARTED: "restarted, one member at a time",
    Kind.REPLACED: "replaced, one member at a time",
    Kind.PAUSE: "Postgres restarted, one member at a time, replicas first",
    Kind.OUTAGE: "replaced or restarted, and it is the only one",
    Kind.REFUSED: "refused",
}
"""What happens."""

SO = {
    Kind.NOTHING: "",
    Kind.LATER: "the next start or the next command that needs it reads it",
    Kind.RELOAD: "no connection is cut, no request waits",
    Kind.LIMITS: "nothing restarts",
    Kind.PARAMETERS: "nothing restarts",
    Kind.ADDED: "the members that run are not touched",
    Kind.REMOVED: "it finishes its work first, the others are not touched",
    Kind.RESTARTED: "the next one only after the former serves again",
    Kind.REPLACED: "the next one only after the former serves again",
    Kind.PAUSE: "writes pause for a few seconds, they wait and are not refused",
    Kind.OUTAGE: "nobody does its work meanwhile",
    Kind.REFUSED: "an update does nothing at all",
}
"""What that means for those who use the platform."""

COUNTED = {
    Kind.NOTHING: "untouched",
    Kind.LATER: "written for later",
    Kind.RELOAD: "reload",
    Kind.LIMITS: "with new limits",
    Kind.PARAMETERS: "with new parameters",
    Kind.ADDED: "added",
    Kind.REMOVED: "deleted",
    Kind.RESTARTED: "restarted one at a time",
    Kind.REPLACED: "replaced one at a time",
    Kind.PAUSE: "restarted with a pause of the writer",
    Kind.OUTAGE: "with an outage",
    Kind.REFUSED: "refused",
}
"""After a number of members, in a headline."""


@dataclass(frozen=True)
class Effect:
    """One effect on members of one workload (or, without members, on the platform)."""

    kind: Kind
    workload: str
    members: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    """Files, inputs, limits or parameters that changed; never a value."""
    instead: str = ""
    """Where it is refused: what to do."""

    def sentence(self) -> str:
        """``who: what (because of what); so what.``"""
        who = ", ".join(self.members) or self.workload
        reason = f" ({', '.join(self.because)})" if self.because else ""
        return ". ".join(filter(None, (f"{who}: {WHAT[self.kind]}{reason}; {SO[self.kind]}", self.instead)))

    def cell(self) -> str:
        """For a table about workloads rather than members."""
        return f"{self.workload}: {WHAT[self.kind]}"


def listed(effects: Sequence[Effect]) -> list[str]:
    """Sentences, the gravest first."""
    ranked = sorted(effects, key=lambda effect: (-effect.kind.weight, effect.workload))
    return [f"{effect.sentence().rstrip('.')}." for effect in ranked] or [f"{WHAT[Kind.NOTHING].capitalize()}."]
