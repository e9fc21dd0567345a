"""A Redis Cluster as its members see it, and who takes over from a master: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SLOTS = 16384


@dataclass(frozen=True)
class Node:
    """One line of ``CLUSTER NODES``. ``host`` is the member's name in DNS, ``ip`` and ``port`` where it was met.

    ``migrating`` and ``importing`` are slots whose move was begun, with the id of the node at the other end; a node
    tells them of itself alone.
    """

    id: str
    host: str
    flags: frozenset[str]
    master: str | None
    connected: bool
    owned: frozenset[int]
    ip: str = ""
    port: int = 0
    migrating: Mapping[int, str] = field(default_factory=dict)
    importing: Mapping[int, str] = field(default_factory=dict)

    @property
    def slots(self) -> int:
        """How many it owns."""
        return len(self.owned)

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

    @property
    def half_moved(self) -> int:
        """How many slots it marks as going or coming."""
        return len({*self.me.migrating, *self.me.importing})

    def owner_of_slots(self) -> dict[str, int]:
        """Host -> number of slots, of those that own any."""
        return {node.host: node.slots for node in self.nodes if node.slots}


def read_nodes(text: str) -> tuple[Node, ...]:
    """From ``CLUSTER NODES``."""
    return tuple(_node(fields) for fields in map(str.split, text.splitlines()) if len(fields) >= 8)


def _node(fields: Sequence[str]) -> Node:
    """``id ip:port@bus,host flags master ping pong epoch link``, then slots: ``7``, ``0-6``, ``[8->-id]`` while it goes
    to that node, ``[9-<-id]`` while it comes from it."""
    address, _, names = fields[1].partition(",")
    ip, _, port = address.partition("@")[0].rpartition(":")
    owned: set[int] = set()
    moving: dict[str, dict[int, str]] = {"->-": {}, "-<-": {}}
    for part in fields[8:]:
        if part.startswith("["):
            for arrow, slots in moving.items():
                slot, found, node = part.strip("[]").partition(arrow)
                if found:
                    slots[int(slot)] = node
        else:
            first, _, last = part.partition("-")
            owned.update(range(int(first), int(last or first) + 1))
    return Node(fields[0], names.split(",")[0], frozenset(fields[2].split(",")),
                None if fields[3] == "-" else fields[3], fields[7] == "connected", frozenset(owned), ip, int(port or 0),
                moving["->-"], moving["-<-"])


def read(name: str, nodes: str, info: str, replication: str) -> Sight:
    """From ``CLUSTER NODES``, ``CLUSTER INFO`` and ``INFO replication`` of one member."""
    return Sight(name, read_nodes(nodes), "cluster_state:ok" in info, "master_link_status:up" in replication)


def within(sights: Mapping[str, Sight]) -> dict[str, Sight]:
    """Those that are members of the cluster that serves: whom the one knows that sees most slots served. The others
    were never let in, or have been let go."""
    if not sights:
        return {}
    known = {node.id for node in widest(sights).nodes}
    return {name: sight for name, sight in sights.items() if sight.me.id in known}


def widest(sights: Mapping[str, Sight]) -> Sight:
    """Who sees most slots served, and of these who knows most nodes."""
    return max(sights.values(), key=lambda sight: (sum(node.slots for node in sight.nodes), len(sight.nodes)))


def disagreements(sights: Mapping[str, Sight]) -> list[str]:
    """What keeps members from serving all slots with one view of who owns them, replicas aside."""
    found = [f"{sight.name} does not see a majority of masters" for sight in sights.values() if not sight.state_ok]
    for sight in sights.values():
        if (covered := sum(node.slots for node in sight.nodes)) != SLOTS:
            found.append(f"{sight.name} knows owners of {covered} of {SLOTS} slots")
        if half_moved := sight.half_moved:
            found.append(f"{sight.name} has {half_moved} slots whose move was begun and not ended")
    if len({tuple(sorted(sight.owner_of_slots().items())) for sight in sights.values()}) > 1:
        found.append("members don't agree yet who owns which slots")
    return found


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
        if sight.half_moved:
            found.append(f"{sight.name} has {sight.half_moved} slots whose move was begun and not ended")
    views = {tuple(sorted(sight.owner_of_slots().items())) for sight in sights.values() if sight.name not in tolerated}
    if len(views) > 1:
        found.append("members don't agree yet who owns which slots")
    if not found and not tolerated:
        found += [f"{sight.name} has no replica" for sight in sights.values()
                  if sight.me.leads and not replicas(sights, sight.name)]
    return found


def described(sights: Mapping[str, Sight], names: Iterable[str] = ()) -> str:
    """A line for each member (or for each of ``names``): what it is now."""
    inside = within(sights)
    known = {sight.me.id: name for name, sight in inside.items()}

    def words(name: str) -> str:
        if name not in inside:
            return "not in the cluster" if name in sights else "does not answer"
        me = inside[name].me
        return f"master, {me.slots} slots" if me.leads else f"replica of {known.get(me.master or '', 'nobody')}"

    return "".join(f"{name}: {words(name)}\n" for name in (names or sorted(sights)))


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
