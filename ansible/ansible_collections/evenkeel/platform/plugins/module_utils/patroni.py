"""Patroni's view of a Postgres cluster (``GET /cluster``) and what a switchover needs to know: pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEADER_ROLES = frozenset({"leader", "master", "primary"})
SYNCHRONOUS_ROLES = frozenset({"quorum_standby", "sync_standby"})
STREAMING = frozenset({"streaming"})
"""Patroni 4 says so of a replica that receives what the primary writes; one that only replays an archive is not."""


@dataclass(frozen=True)
class Instance:
    """One member as Patroni lists it. ``lag_bytes`` is None when Patroni doesn't know it."""

    name: str
    role: str
    state: str
    lag_bytes: int | None
    timeline: int | None = None
    pending_restart: bool = False
    tags: tuple[tuple[str, object], ...] = ()

    @property
    def leads(self) -> bool:
        return self.role in LEADER_ROLES and self.state == "running"

    @property
    def streams(self) -> bool:
        return self.state in STREAMING

    @property
    def synchronous(self) -> bool:
        """Its confirmation counts: it has every acknowledged write."""
        return self.role in SYNCHRONOUS_ROLES


@dataclass(frozen=True)
class Cluster:
    """All members that Patroni lists."""

    instances: tuple[Instance, ...]
    paused: bool = False

    @property
    def leader(self) -> Instance | None:
        return next((instance for instance in self.instances if instance.leads), None)

    def named(self, name: str) -> Instance | None:
        return next((instance for instance in self.instances if instance.name == name), None)


def read(answer: str) -> Cluster:
    """From the answer of ``GET /cluster``."""
    known = json.loads(answer)
    instances = []
    for member in known.get("members", ()):
        lag = member.get("lag")
        instances.append(Instance(
            name=str(member["name"]), role=str(member.get("role", "")), state=str(member.get("state", "")),
            lag_bytes=lag if isinstance(lag, int) else None, timeline=member.get("timeline"),
            pending_restart=bool(member.get("pending_restart")),
            tags=tuple(sorted((member.get("tags") or {}).items()))))
    return Cluster(tuple(instances), bool(known.get("pause")))


def problems(cluster: Cluster, expected: Iterable[str], tolerated: Iterable[str] = ()) -> list[str]:
    """What keeps the cluster from having one primary that writes and a streaming replica in every other expected
    member, except those ``tolerated``. Empty: all is well."""
    expected, tolerated = set(expected), set(tolerated)
    leader = cluster.leader
    if leader is None:
        return ["Patroni has no leader"]
    found = []
    needed = expected - tolerated - {leader.name}
    for name in sorted(needed):
        instance = cluster.named(name)
        if instance is None:
            found.append(f"Patroni doesn't list {name}")
        elif not instance.streams:
            found.append(f"{name} is not streaming from {leader.name} (state {instance.state})")
    # Where the tolerated ones are all the replicas there are, writes wait for them: nothing can be done about that.
    if needed and not any(instance.synchronous and instance.streams and instance.name not in tolerated
                          for instance in cluster.instances):
        found.append("no replica's confirmation counts: the quorum is not in force, writes would wait")
    elif needed:
        found += [f"{name} does not count for the quorum yet" for name in sorted(needed)
                  if (instance := cluster.named(name)) and instance.streams and not instance.synchronous]
    return found


def candidate(cluster: Cluster, avoid: Sequence[str], prefer: Sequence[str] = (),
              max_lag_bytes: int = 16 * 2**20) -> tuple[Instance | None, str]:
    """Who takes over, and otherwise why nobody can. Synchronous and streaming members only, so that nothing
    acknowledged is lost; those of ``prefer`` first, then the least lag, then by name."""
    reasons, possible = [], []
    for instance in cluster.instances:
        if instance.leads:
            continue
        lag = instance.lag_bytes
        if instance.name in avoid:
            reasons.append(f"{instance.name} is to be avoided")
        elif not instance.streams:
            reasons.append(f"{instance.name} is not streaming ({instance.state})")
        elif not instance.synchronous:
            reasons.append(f"{instance.name} is no synchronous standby")
        elif lag is None or lag > max_lag_bytes:
            said = "an unknown lag" if lag is None else f"{lag / 2**20:.0f} MiB of lag"
            reasons.append(f"{instance.name} has {said} (at most {max_lag_bytes / 2**20:.0f} MiB)")
        elif dict(instance.tags).get("nofailover"):
            reasons.append(f"{instance.name} is tagged nofailover")
        else:
            possible.append(instance)
    if not possible:
        return None, "; ".join(reasons) or "there is no other member"
    possible.sort(key=lambda instance: (instance.name not in prefer, instance.lag_bytes, instance.name))
    return possible[0], ""


def successor(cluster: Cluster, wanted: str = "", max_lag_bytes: int = 16 * 2**20) -> tuple[Instance | None, str]:
    """Who may take over where nobody leads, and otherwise why nobody can. Nobody streams then, so what counts is
    whether its confirmation counted: each acknowledged write is with one of those, and Patroni looks for who has all.
    """
    reasons, possible = [], []
    for instance in cluster.instances:
        lag = "an unknown lag" if instance.lag_bytes is None else f"{instance.lag_bytes / 2**20:.1f} MiB of lag"
        if wanted and instance.name != wanted:
            continue
        if instance.state not in {"running", *STREAMING}:
            reasons.append(f"{instance.name} is {instance.state or 'silent'}")
        elif not instance.synchronous:
            reasons.append(f"{instance.name} may lack acknowledged writes ({instance.role}, {lag})")
        elif (instance.lag_bytes or 0) > max_lag_bytes:
            reasons.append(f"{instance.name} has {lag} (at most {max_lag_bytes / 2**20:.0f} MiB)")
        elif dict(instance.tags).get("nofailover"):
            reasons.append(f"{instance.name} is tagged nofailover")
        else:
            possible.append(instance)
    if not possible:
        return None, "; ".join(reasons) or (f"Patroni doesn't list {wanted}" if wanted else "Patroni lists no member")
    return min(possible, key=lambda instance: (instance.lag_bytes or 0, instance.name)), ""


def needs_cloning(cluster: Cluster, name: str, *, force: bool) -> tuple[bool | None, str]:
    """Whether a replica has to be cloned anew, and why or why not; None where that is refused."""
    leader, instance = cluster.leader, cluster.named(name)
    if leader is None:
        return None, "there is no primary to copy from; nothing was thrown away"
    if instance is None:
        return None, f"Patroni doesn't list {name}: its node does not run. Next: make up"
    if instance.name == leader.name:
        return None, f"{name} is the primary: its data is what the others are copied from. Next: make switchover"
    if instance.streams and not force:
        return False, f"{name} streams from {leader.name}: nothing to clone"
    lag = "an unknown lag" if instance.lag_bytes is None else f"{instance.lag_bytes / 2**20:.1f} MiB of lag"
    return True, f"{name} ({instance.state}, {lag}) is cloned anew from {leader.name}"


def up_at(servers_state: str) -> list[str]:
    """The servers that are up in HAProxy's ``show servers state primary``.

    Fields: 4 is the server's name, 6 its operational state (0 stopped, 2 running).
    """
    return [fields[3] for line in servers_state.splitlines()
            if len(fields := line.split()) > 5 and fields[0].isdigit() and fields[5] == "2"]


def primary_at(servers_state: str) -> str:
    """The one server that is up there; "" when there is none, or more than one."""
    up = up_at(servers_state)
    return up[0] if len(up) == 1 else ""
