"""What a member sees: its own table of the cluster (``CLUSTER NODES``), read into plain values."""

from __future__ import annotations

from dataclasses import dataclass

from redis_member.settings import Member

SLOTS = 16384


@dataclass(frozen=True)
class Node:
    """One line of a table: a node as somebody sees it. An id lives in a member's volume, a host in its name."""

    id: str
    ip: str
    host: str
    flags: frozenset[str]
    master: str | None
    connected: bool
    slots: frozenset[int]

    @property
    def introduced(self) -> bool:
        """Whether messages reach it, as far as the viewer knows."""
        return self.connected and not self.flags & {"handshake", "noaddr", "fail", "fail?"}


@dataclass(frozen=True)
class Sight:
    """A member that answered, and its view of the others."""

    member: Member
    address: str
    """The IP address under which it answered."""
    id: str
    table: dict[str, Node]
    state_ok: bool
    """It sees a majority of the masters."""
    master_link_up: bool
    """It is a replica and has its master's data."""

    @property
    def me(self) -> Node:
        return self.table[self.id]

    @property
    def is_replica(self) -> bool:
        return self.me.master is not None

    @property
    def is_blank(self) -> bool:
        """A master that owns nothing: free to be used."""
        return not self.is_replica and not self.me.slots

    def reaches(self, other: Sight) -> bool:
        """Whether it has a link to another member, at the address under which that one answers now."""
        node = self.table.get(other.id)
        return node is not None and node.introduced and node.ip == other.address

    def knows_replica(self, node_id: str, master_id: str) -> bool:
        """Whether it knows a node as the replica of another and reaches it."""
        node = self.table.get(node_id)
        return node is not None and node.master == master_id and node.introduced


def read(member: Member, address: str, nodes: str, info: str, replication: str) -> Sight:
    """A sight from the answers to CLUSTER NODES, CLUSTER INFO and INFO replication."""
    table = {node.id: node for node in map(read_node, nodes.splitlines())}
    own = next(node for node in table.values() if "myself" in node.flags)
    return Sight(member, address, own.id, table, state_ok="cluster_state:ok" in info,
                 master_link_up="master_link_status:up" in replication)


def read_node(line: str) -> Node:
    """``<id> <ip:port@bus[,host]> <flags> <master|-> <ping> <pong> <epoch> <link> <slots>...``, where slots are a
    number, a range ``first-last`` or a migration in brackets, which is left out."""
    node_id, where, flags, master, _ping, _pong, _epoch, link, *ranges = line.split()
    address, _, host = where.partition(",")
    slots: set[int] = set()
    for text in ranges:
        if not text.startswith("["):
            first, _, last = text.partition("-")
            slots.update(range(int(first), int(last or first) + 1))
    return Node(node_id, address.rpartition(":")[0], host.split(",")[0], frozenset(flags.split(",")),
                None if master == "-" else master, link == "connected", frozenset(slots))
