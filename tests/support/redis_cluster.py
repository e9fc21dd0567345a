"""A Redis Cluster in memory: enough of its rules to see where the formation's plan leads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from redis_member.plan import Action, plan
from redis_member.settings import Member, Settings
from redis_member.sight import SLOTS, Node, Sight

ALL_SLOTS = frozenset(range(SLOTS))


def settings(me: str = "redis-1", masters: int = 3, count: int = 6, domains: str = "abc") -> Settings:
    members = tuple(Member(f"redis-{n}", n, f"redis-{n}", domains[(n - 1) % len(domains)]) for n in range(1, count + 1))
    return Settings(me, members, masters, 6379, "platform", node_timeout_s=1, balance_domains=True)


@dataclass
class Server:
    """One member's node. ``knows`` are ids with the slots that it believes each to own; ``master`` is an id."""

    member: Member
    id: str
    master: str | None = None
    knows: dict[str, frozenset[int]] = field(default_factory=dict)
    up: bool = True

    @property
    def slots(self) -> frozenset[int]:
        return self.knows[self.id]


class Cluster:
    """Members by name. What one node learns, those that know it learn at once (``gossip``)."""

    def __init__(self, masters: int = 3, count: int = 6, domains: str = "abc") -> None:
        self.settings = settings(masters=masters, count=count, domains=domains)
        self.servers: dict[str, Server] = {}
        self.former: dict[str, Member] = {}
        for member in self.settings.members:
            self.lose_volume(member.name)

    def lose_volume(self, name: str) -> None:
        """The member comes back under a new id and knows nobody."""
        generation = 1
        if name in self.servers:
            old = self.servers[name]
            self.former[old.id] = old.member
            generation = int(old.id.split("#")[1]) + 1
        member = next(member for member in self.settings.members if member.name == name)
        node_id = f"{name}#{generation}"
        self.servers[name] = Server(member, node_id, knows={node_id: frozenset()})

    def sights(self) -> dict[str, Sight]:
        return {name: self._sight(server) for name, server in self.servers.items() if server.up}

    def plan(self, me: str, since_s: float = 60) -> list[Action]:
        return list(plan(replace(self.settings, me=me), self.sights(), since_s).actions)

    def form(self, rounds: int = 40) -> None:
        """Every member that is up plans and acts by itself until all are settled."""
        for _ in range(rounds):
            settled = True
            for name, server in self.servers.items():
                if server.up:
                    found = plan(replace(self.settings, me=name), self.sights(), since_s=60)
                    settled = settled and found.settled
                    for action in found.actions:
                        self.apply(action)
            if settled:
                return
        raise AssertionError(f"not settled after {rounds} rounds: {self.following()}")

    def following(self) -> dict[str, str]:
        """What each member is: ``master`` or its master's name."""
        names = {server.id: name for name, server in self.servers.items()}
        return {name: "master" if server.master is None else names.get(server.master, "a lost master")
                for name, server in self.servers.items()}

    def apply(self, action: Action) -> None:
        """Run a command as Redis would; what it would refuse fails the test."""
        server, (_, verb, *rest) = self.servers[action.on], action.command
        if verb == "MEET":
            self._meet(server, next(other for other in self.servers.values() if _address(other.member) == rest[0]))
        elif verb == "ADDSLOTSRANGE":
            wanted = frozenset(slot for first, last in zip(rest[::2], rest[1::2], strict=True)
                               for slot in range(int(first), int(last) + 1))
            assert not wanted & frozenset().union(*server.knows.values()), "Slot is already busy"
            self._own(server, server.slots | wanted)
        elif verb == "REPLICATE":
            assert rest[0] in server.knows, "Unknown node"
            assert not server.slots, "To set a master the node must be empty"
            server.master = str(rest[0])
        elif verb == "FORGET":
            assert server.master != rest[0], "Can't forget my master!"
            server.knows.pop(str(rest[0]), None)
        elif verb == "FAILOVER":
            self._take_over(server)
        else:
            raise AssertionError(f"unexpected command {action.command}")

    def _meet(self, one: Server, other: Server) -> None:
        """Both know each other's friends from now on."""
        group = [server for server in self.servers.values()
                 if server.up and (server.id in one.knows or server.id in other.knows)]
        known: dict[str, frozenset[int]] = {}
        for server in group:
            for node_id, slots in server.knows.items():
                known[node_id] = known.get(node_id, frozenset()) | slots
        for server in group:
            server.knows = {**known, server.id: server.slots}

    def _own(self, server: Server, slots: frozenset[int]) -> None:
        for other in self.servers.values():
            if server.id in other.knows:
                other.knows[server.id] = slots

    def _take_over(self, server: Server) -> None:
        old = server.master
        assert old is not None, "You should send CLUSTER FAILOVER to a replica"
        slots = server.knows[old]
        server.master = None
        for other in self.servers.values():
            if old in other.knows:
                other.knows[old] = frozenset()
            if old in (other.id, other.master):
                other.master = server.id
        self._own(server, slots)

    def _sight(self, server: Server) -> Sight:
        masters = {other.id: other.master for other in self.servers.values()}
        members = {**self.former, **{other.id: other.member for other in self.servers.values()}}
        up = {other.id for other in self.servers.values() if other.up}
        table = {node_id: Node(node_id, _address(members[node_id]), members[node_id].host,
                               frozenset() if node_id in up else frozenset({"fail"}), masters.get(node_id),
                               node_id in up, slots)
                 for node_id, slots in server.knows.items()}
        covered = sum(len(slots) for slots in server.knows.values())
        return Sight(server.member, _address(server.member), server.id, table, state_ok=covered == SLOTS,
                     master_link_up=server.master in up)


def _address(member: Member) -> str:
    return f"10.0.0.{member.ordinal}"
