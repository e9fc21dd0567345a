"""A release as data: which colour it fills, its serial, its stages, and what it becomes. Pure functions.

The record of the release under way lives in the platform's etcd (as the lock does): the controller may die at every
stage, and whoever runs the playbook again goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import rolling

CURRENT = "/evenkeel-operations/release"
HISTORY = "/evenkeel-operations/releases/"
CONTROL = "/evenkeel-operations/release-control"
"""What somebody asked of the release under way: pause, resume, promote or abort."""

RUNNING, DONE, BACK, FAILED, FROZEN, REPLACED = ("running", "done", "rolled back", "failed", "frozen", "given up")
LINE = 160
COLOURS = ("blue", "green")
STRATEGIES = ("blue-green", "canary", "rolling")
BEFORE_TRAFFIC = ("begin", "fill", "verify")
"""Stages at which no request of a visitor reaches the new workers."""


@dataclass(frozen=True)
class Release:
    """One release. ``percent``: how many of 100 requests its colour is meant to get; times in seconds since 1970."""

    serial: int
    stack: str
    image: str
    colour: str
    old_image: str
    old_colour: str
    strategy: str = "blue-green"
    stage: str = "begin"
    state: str = RUNNING
    percent: int = 0
    waits_for: str = ""
    who: str = ""
    began: float = 0.0
    ended: float = 0.0
    why: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    marks: Sequence[Mapping[str, Any]] = ()
    """The switches that it made, as ``traffic_split`` told them."""
    restores: Mapping[str, Any] = field(default_factory=dict)
    """What the stack's file said before: dotted setting -> value."""
    capacity: Mapping[str, int] = field(default_factory=dict)
    """Pool -> workers of the former colour before the release."""
    irreversible: bool = False
    """Whether a migration ran that the former image can't live with."""

    @property
    def name(self) -> str:
        """Names its folder under ``build/releases``."""
        return f"{self.stack}-{self.serial:04}"

    @property
    def key(self) -> str:
        return f"{HISTORY}{self.serial:08}"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "name": self.name}


class ReleaseError(Exception):
    """It can't be done now; the message says why, and what to type."""


def read(known: Mapping[str, Any]) -> Release:
    """From a record; what a later version put there is left out."""
    names = {one.name for one in fields(Release)}
    return Release(**{key: value for key, value in known.items() if key in names})


def other(colour: str) -> str:
    return COLOURS[1 - COLOURS.index(colour)]


def begin(current: Release | None, *, stack: str, image: str, strategy: str, active: str, active_image: str,
          last_serial: int, who: str, now: float, capacity: Mapping[str, int] | None = None) -> tuple[Release, str]:
    """The release to be made, and a sentence about what an earlier run left, or "".

    ``active``: the colour that has the traffic; ``capacity``: its workers by pool; ``last_serial``: the highest that
    anybody remembers.

    Raises ``ReleaseError`` where another release has visitors already.
    """
    idle = other(active)
    fresh = Release(last_serial + 1, stack, image, idle, active_image, active, strategy, "fill", who=who, began=now,
                    waits_for=f"your command `before`, then {idle} to be filled and healthy",
                    capacity=dict(capacity or {}))
    if current is None or current.state != RUNNING:
        return fresh, ""
    if (current.image, current.strategy) == (image, strategy):
        return current, (f"release {current.serial} of {image} was interrupted at its stage `{current.stage}`; it goes "
                         "on from there")
    if current.stage in BEFORE_TRAFFIC:
        return replace(fresh, serial=max(fresh.serial, current.serial + 1), restores=current.restores), (
            f"release {current.serial} of {current.image} was interrupted before it had visitors: given up")
    raise ReleaseError(
        f"release {current.serial} of {current.image} ({current.strategy}) was interrupted at its stage "
        f"`{current.stage}` with {current.percent} % of the requests. Nothing was changed.\nNext: run it again "
        f"(`make release IMAGE={current.image} STRATEGY={current.strategy} STACK={stack}`), or take it back: `make "
        f"rollback STACK={stack}`")


def declared(release: Release, active_declared: str | None) -> dict[str, Any]:
    """What the stack's file has to say so that the idle colour is filled: dotted setting -> value.

    ``active_declared``: the image that the file means for the active colour as the engine would resolve it now; where
    that isn't what runs, it is pinned, so that filling one colour never replaces the other.
    """
    changes: dict[str, Any] = {f"app.colours.{release.colour}.image": release.image, "app.release": release.serial}
    changes[f"app.colours.{release.colour}.workers"] = None
    if active_declared != release.old_image:
        changes[f"app.colours.{release.old_colour}.image"] = release.old_image
    return changes


@dataclass(frozen=True)
class Step:
    """The requests that the release's colour gets then, in percent, and what the stack's file has to say before."""

    percent: int
    settings: Mapping[str, Any] = field(default_factory=dict)


def steps(release: Release, first: int, step: int, moving: rolling.Moving) -> list[Step]:
    """In order: 100 at once; or ``first``, then ``step`` more each time; or as ``moving`` moves workers."""
    if release.strategy == "canary":
        return [Step(percent) for percent in [*range(first, 100, step), 100]]
    if release.strategy == "rolling":
        return [Step(batch.percent, {
            f"app.colours.{colour}.pool_workers.{pool}": count
            for colour, counts in ((release.colour, batch.new), (release.old_colour, batch.old))
            for pool, count in counts.items()}) for batch in rolling.batches(release.capacity, moving)]
    return [Step(100)]


def ahead(planned: Sequence[Step], release: Release) -> list[Step]:
    """Of these, what is left: an interrupted run goes on at the step that it had reached."""
    return [one for one in planned if one.percent == 100 or one.percent >= release.percent]


def summary(release: Release) -> str:
    """One line of the history."""
    figures = " ".join(f"{key} {value}" for key, value in release.figures.items() if value is not None)
    return (f"{release.serial:4}  {release.state:12} {release.strategy:11} {release.colour:6} {release.image}"
            + (f"  {figures}" if figures else "") + (f"  ({shortened(release.why)})" if release.why else ""))


def shortened(why: str) -> str:
    """A reason that fits into a line."""
    line = " ".join(why.split())
    return line if len(line) <= LINE else f"{line[:LINE]} ..."


def words(known: Sequence[Release]) -> list[str]:
    """The history, newest first."""
    return [summary(one) for one in sorted(known, key=lambda one: -one.serial)] or ["no release yet"]
