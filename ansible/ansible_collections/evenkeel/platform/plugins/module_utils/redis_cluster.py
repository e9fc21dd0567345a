"""A Redis Cluster as its members see it, and who takes over from a master: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SLOTS = 16384


@dataclass(frozen=True)
class Node:
    """One line of ``CLUSTER NODES``. ``host`` is the member's name in DNS; ``slots`` is how many it owns."""

    id: str
    host: str
    flags: frozenset[str]
    master: str | None
    connected: bool
    slots: int

    @property
    def leads(self) -> bool:
        return "master" in self.flags

    @property
    def well(self) -> bool:
        return (self.connected or "myself" in self.flags) and not self.flags & {"fail", "fail?", "handshake", "noaddr"}


@dataclass(frozen=True)
class Sight:
    """What one member says: its table, whether it sees a majority, and whether its link to its master is up."""

    name: str
    nodes: tuple[Node, ...]
    state_ok: bool
    link_up: bool

    @property
    def me(self) -> Node:
        return next(node for node in self.nodes if "myself" in node.flags)

    def owner_of_slots(self) -> dict[str, int]:
        """Host -> number of slots, of those that own any."""
        return {node.host: node.slots for node in self.nodes if node.slots}


def read_nodes(text: str) -> tuple[Node, ...]:
    """From ``CLUSTER NODES``."""
    nodes = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 8:
            continue
        slots = 0
        for part in fields[8:]:
            if not part.startswith("["):
                first, _, last = part.partition("-")
                slots += int(last or first) - int(first) + 1
        nodes.append(Node(fields[0], fields[1].partition(",")[2].split(",")[0], frozenset(fields[2].split(",")),
                          None if fields[3] == "-" else fields[3], fields[7] == "connected", slots))
    return tuple(nodes)


def read(name: str, nodes: str, info: str, replication: str) -> Sight:
    """From ``CLUSTER NODES``, ``CLUSTER INFO`` and ``INFO replication`` of one member."""
    return Sight(name, read_nodes(nodes), "cluster_state:ok" in info, "master_link_status:up" in replication)


def problems(sights: Mapping[str, Sight], expected: Iterable[str], tolerated: Iterable[str] = ()) -> list[str]:
    """What keeps all slots from being served with a replica behind every master, not counting ``tolerated``."""
    tolerated = set(tolerated)
    found = [f"{name} does not answer" for name in expected if name not in sights and name not in tolerated]
    for sight in sights.values():
        if sight.name in tolerated:
            continue
        covered = sum(node.slots for node in sight.nodes)
        if not sight.state_ok:
            found.append(f"{sight.name} does not see a majority of masters")
        elif covered != SLOTS:
            found.append(f"{sight.name} knows owners of {covered} of {SLOTS} slots")
        elif not sight.me.leads and not sight.link_up:
            found.append(f"{sight.name} has no link to its master")
        elif sight.me.leads and not sight.me.slots:
            found.append(f"{sight.name} is a master without slots")
    views = {tuple(sorted(sight.owner_of_slots().items())) for sight in sights.values() if sight.name not in tolerated}
    if len(views) > 1:
        found.append("members don't agree yet who owns which slots")
    if not found and not tolerated:
        found += [f"{sight.name} has no replica" for sight in sights.values()
                  if sight.me.leads and not replicas(sights, sight.name)]
    return found


def replicas(sights: Mapping[str, Sight], master: str) -> list[Sight]:
    """Members that replicate ``master`` with their link up, as they say themselves."""
    identity = sights[master].me.id
    return [sight for sight in sights.values() if sight.me.master == identity and sight.link_up]


def candidate(sights: Mapping[str, Sight], master: str, avoid: Sequence[str] = (), prefer: Sequence[str] = (),
              domains: Mapping[str, str] | None = None) -> tuple[str | None, str]:
    """The replica of ``master`` that takes over, and otherwise why none can. Those of ``prefer`` first, then those in a
    failure domain (``domains``: member -> domain) that has no other master, then by name."""
    domains = domains or {}
    taken = {domains.get(sight.name) for sight in sights.values() if sight.me.leads and sight.name != master}
    possible = [sight for sight in replicas(sights, master) if sight.name not in avoid]
    if not possible:
        linked = [sight.name for sight in replicas(sights, master)]
        return None, (f"its replicas ({', '.join(linked)}) are to be avoided" if linked
                      else "it has no replica with a link that is up")
    possible.sort(key=lambda sight: (sight.name not in prefer, domains.get(sight.name) in taken, sight.name))
    return possible[0].name, ""
