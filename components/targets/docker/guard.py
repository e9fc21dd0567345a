"""What runs now against what is wanted: which members would be replaced, and whether a plain update may do that.

Asked before anything is registered, so that a refusal leaves everything as it was. What Pulumi itself would say comes
too late: by then other members have been changed already.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import pulumi

from components.targets.docker import inputs, traffic
from components.targets.docker.traffic import Traffic
from components.workload import Member, Workload

PERMITTED_VARIABLE = "EVENKEEL_REPLACE"
"""Members (comma-separated) that this run may make, replace or remove; all others are left as they run. Set by
upgrade.yml and redis_scale.yml."""

REPORT_VARIABLE, REPORT = "EVENKEEL_GUARD", "report"
"""A preview that is told so shows what an update would refuse. Without effect on an update."""

SAID_ALREADY = 32
"""Exit status by which a program tells Pulumi that its message was shown."""

ANY = ""
"""Fingerprint of a container that an older version made, or somebody by hand."""


class Fate(Enum):
    """What an update does to a member's container."""

    UNTOUCHED = auto()
    """It stays (perhaps with other limits), or there is none yet."""
    REPLACED = auto()
    """Another one takes its place."""
    HELD = auto()
    """It would be replaced, but this run is for other members: it stays as it is."""


@dataclass(frozen=True)
class Running:
    """One container of the stack that runs."""

    member: str
    workload: str
    image: str
    fingerprint: str
    clustered: bool
    ports: frozenset[int] = frozenset()
    """Published on the host."""


@dataclass(frozen=True)
class Present:
    """What the engine has of the stack."""

    members: Mapping[str, Running] = field(default_factory=dict)
    protected_volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume -> member, of those that a plain update must not delete."""
    subnets: Mapping[str, str] = field(default_factory=dict)
    """Network -> its subnet."""
    traffic: Traffic | None = None
    """What the load balancers keep of releases; None on a new platform."""


def look(stack: str) -> Present:
    """Ask the engine; three questions, a few milliseconds each."""
    from components.targets.docker import engine

    api = engine.client().api
    mine = {"label": f"evenkeel.stack={stack}"}
    alive = {**mine, "status": ["running", "paused", "restarting"]}
    found = [_running(container) for container in api.containers(filters=alive)
             if "evenkeel.member" in container["Labels"]]
    volumes = {volume["Name"]: (volume["Labels"] or {}).get("evenkeel.member", "")
               for volume in api.volumes({**mine, "label": [mine["label"], inputs.PROTECTED_LABEL]})["Volumes"] or ()}
    subnets = {network["Name"]: config["Subnet"] for network in api.networks(filters=mine)
               for config in network["IPAM"]["Config"] or () if "Subnet" in config}
    return Present({running.member: running for running in found}, volumes, subnets, traffic.look(stack))


def _running(container: Mapping[str, Any]) -> Running:
    labels = container["Labels"]
    return Running(labels["evenkeel.member"], labels["evenkeel.workload"], container["Image"],
                   labels.get(inputs.FINGERPRINT_LABEL, ANY), inputs.CLUSTERED_LABEL in labels,
                   frozenset(port["PublicPort"] for port in container["Ports"] if "PublicPort" in port))


def permitted(environment: Mapping[str, str] | None = None) -> frozenset[str] | None:
    """The members that this run may replace; None: it is a plain run, for which the rules hold."""
    value = (os.environ if environment is None else environment).get(PERMITTED_VARIABLE, "")
    return frozenset(part.strip() for part in value.split(",") if part.strip()) or None


@dataclass(frozen=True)
class Refused:
    """Something that a plain update must not do."""

    members: tuple[str, ...]
    reason: str
    instead: str


@dataclass(frozen=True)
class Wanted:
    """One member as it is declared."""

    member: Member
    clustered: bool
    image: str
    fingerprint: str


class Guard:
    """Told of every member that is wanted, it says what becomes of each, and at the end what must not happen."""

    def __init__(self, stack: str, present: Present, permitted: frozenset[str] | None) -> None:
        self._stack = stack
        self._present = present
        self._permitted = permitted
        self._wanted: dict[str, Wanted] = {}
        self._cannot_grow: set[str] = set()
        self._resized_by: dict[str, str] = {}
        self._subnets: dict[str, str] = {}
        self._release: int | None = None

    def running(self, member: Member) -> Running | None:
        """The member's container, if it runs."""
        return self._present.members.get(member.name)

    def declare(self, workload: Workload, member: Member, image: str, fingerprint: str) -> Fate:
        """A member that is wanted, with the fingerprint of its inputs."""
        self._wanted[member.name] = Wanted(member, workload.clustered, image, fingerprint)
        if not workload.can_grow:
            self._cannot_grow.add(workload.name)
        if workload.resized_by:
            self._resized_by[workload.name] = workload.resized_by
        now = self.running(member)
        if now is None or now.fingerprint == fingerprint:
            return Fate.UNTOUCHED
        if self._permitted is not None and member.name not in self._permitted:
            return Fate.HELD
        return Fate.REPLACED

    def declare_network(self, name: str, subnet: str) -> None:
        """A network that is wanted with that subnet."""
        self._subnets[name] = subnet

    def declare_release(self, serial: int) -> None:
        """The release that the settings describe."""
        self._release = serial

    def refused(self) -> list[Refused]:
        """Everything that must not happen, in the order in which the platform is declared."""
        return [*self._released(), *self._replaced(), *self._grown(), *self._removed(), *self._volumes(),
                *self._moved()]

    def _released(self) -> Iterable[Refused]:
        known = self._present.traffic
        if known is None:
            return
        if self._release is not None and self._release < known.serial:
            yield Refused(*traffic.older(known, self._release, self._stack))
        workloads = {made.member.workload for made in self._wanted.values()}
        for workload in traffic.deserted(known, workloads):
            yield Refused(*traffic.nobody_left(known, workload))

    def _replaced(self) -> Iterable[Refused]:
        if self._permitted is not None:
            return
        by_workload: dict[str, list[Wanted]] = {}
        for wanted in self._wanted.values():
            now = self.running(wanted.member)
            if wanted.clustered and now and now.fingerprint != wanted.fingerprint:
                by_workload.setdefault(wanted.member.workload, []).append(wanted)
        for members in by_workload.values():
            now = self._present.members[members[0].member.name]
            yield Refused(
                tuple(wanted.member.name for wanted in members), _difference(now, members[0]),
                f"`ansible-playbook ansible/playbooks/upgrade.yml -e stack={self._stack}` replaces them one at a time, "
                "in the right order, while the platform serves. Or put the setting back.")

    def _grown(self) -> Iterable[Refused]:
        for workload in sorted(self._cannot_grow):
            wanted = [name for name, made in self._wanted.items() if made.member.workload == workload]
            missing = [name for name in wanted if name not in self._present.members]
            runs = [name for name in self._present.members if self._present.members[name].workload == workload]
            known = set(self._present.protected_volumes.values())
            if new := [name for name in missing if runs and name not in known and not self._permits(name)]:
                yield Refused(tuple(new), f"a running {workload} cluster would not know them, and they would not be "
                              "let in", self._resize(workload, len(runs)))

    def _removed(self) -> Iterable[Refused]:
        gone: dict[str, list[Running]] = {}
        for name, now in self._present.members.items():
            if now.clustered and name not in self._wanted and not self._permits(name):
                gone.setdefault(now.workload, []).append(now)
        for workload, members in gone.items():
            left = sum(1 for wanted in self._wanted.values() if wanted.member.workload == workload)
            yield Refused(tuple(now.member for now in members),
                          f"{left} {workload} members are wanted, and the others' data and votes would go at once",
                          self._resize(workload, left + len(members)))

    def _volumes(self) -> Iterable[Refused]:
        said = {now.member for now in self._present.members.values() if now.clustered}
        for volume, member in sorted(self._present.protected_volumes.items()):
            if member not in self._wanted and member not in said and not self._permits(member):
                resource = volume.removeprefix(f"evenkeel-{self._stack}-")
                yield Refused((member,), f"its protected volume {volume} would be deleted",
                              f"put the number of members back; or, where what it holds may go, `pulumi stack "
                              f"--show-urns --stack {self._stack}` shows the URN that ends in `::{resource}`: "
                              "`pulumi state unprotect URN`, then run the same command again.")

    def _permits(self, member: str) -> bool:
        """Whether this run is one that may make, replace or remove the member."""
        return self._permitted is not None and member in self._permitted

    def _resize(self, workload: str, count: int) -> str:
        """What to do in place of adding or removing members by a plain update."""
        back = f"put the number of {workload} members back to {count}."
        if workload not in self._resized_by:
            return back
        return (f"`ansible-playbook ansible/playbooks/{self._resized_by[workload]} -e stack={self._stack}` does it "
                f"while the platform serves. Or {back}")

    def _moved(self) -> Iterable[Refused]:
        for network, subnet in self._subnets.items():
            now = self._present.subnets.get(network)
            if now and now != subnet and self._present.members:
                yield Refused(("everything on that network",), f"the network {network} would be made anew with "
                              f"{subnet} in place of {now}, and nobody could keep a connection",
                              f"`make down STACK={self._stack}` (data and secrets are kept), then `make up "
                              f"STACK={self._stack}`. Or put network.edge_subnet back.")


def explain(refused: list[Refused], where: str) -> str:
    """What would have happened to whom, why, and what to type instead."""
    lines = [f"{where}: refused, and nothing was changed: an update must not do this to members that hold data or "
             "that others depend on."]
    for instead in dict.fromkeys(each.instead for each in refused):
        lines += [f"  {', '.join(each.members)}: {each.reason}." for each in refused if each.instead == instead]
        lines.append(f"  Next: {instead}")
    return "\n".join(lines)


def end(message: str) -> None:
    """Say it and end the program at once, unless this is a preview that only reports.

    By now everything is declared, but nothing was sent to Pulumi: that begins when the program's main module has
    ended. Raising an error would end it no sooner: Pulumi's SDK first sends what was declared.
    """
    if pulumi.runtime.is_dry_run() and os.environ.get(REPORT_VARIABLE) == REPORT:
        pulumi.log.warn(message)
        return
    pulumi.log.error(message)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(SAID_ALREADY)


def _difference(now: Running, wanted: Wanted) -> str:
    if now.fingerprint == ANY:
        return "would be replaced: made by another version of this program, or by hand"
    words = inputs.changed(now.fingerprint, wanted.fingerprint)
    if words == ["image"]:
        return f"would be replaced: image {now.image} -> {wanted.image}"
    return f"would be replaced: {', '.join(words)}"
