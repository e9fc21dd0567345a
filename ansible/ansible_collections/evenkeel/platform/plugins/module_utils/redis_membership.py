"""What has to be done so that one member is in a Redis Cluster in a role, or is not: pure functions.

They raise ``ValueError`` with why it can't be; ``{stack}`` in it stands for the stack's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_cluster, redis_scaling, redis_slots
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight


class Kind(Enum):
    """Ways to change a member."""

    NOTHING = auto()
    FORM = auto()
    PROMOTE = auto()
    FOLLOW = auto()
    LEAVE = auto()


@dataclass(frozen=True)
class Step:
    """One change. ``words`` say what would be done, ``done`` what was, ``becomes`` what the member is then."""

    kind: Kind
    words: str
    done: str = ""
    becomes: str = ""
    moves: tuple[redis_slots.Move, ...] = ()
    master: str = ""

    @property
    def needed(self) -> bool:
        return self.kind is not Kind.NOTHING


def master(sights: Mapping[str, Sight], name: str, *, force: bool = False) -> Step:
    """``name`` as a master, with slots or without."""
    inside = redis_cluster.within(sights)
    _answers(sights, name)
    if name in inside and inside[name].me.leads:
        return Step(Kind.NOTHING, f"{name} is a master already")
    if name in inside and not force:
        leader = _name_of(inside, inside[name].me.master)
        if leader and len(redis_cluster.replicas(inside, leader)) < 2:
            raise ValueError(f"{name} is the only replica of {leader}, which would have none. Next: name a replica "
                             "whose master has another one (`make status STACK={stack}`), or say force=true")
    return Step(Kind.PROMOTE, f"{name} would become a master without slots",
                f"{name} is a master now, and owns no slots yet", "master, 0 slots")


def replica(sights: Mapping[str, Sight], name: str, leader: str | None = None) -> Step:
    """``name`` as a replica of ``leader``, or of any master."""
    inside = redis_cluster.within(sights)
    _answers(sights, name)
    if name in inside and inside[name].me.slots:
        raise ValueError(f"{name} is a master and owns {inside[name].me.slots} slots. Next: `ansible localhost -m "
                         f"evenkeel.platform.redis_failover -a 'stack={{stack}} member={name}'` hands them to a "
                         "replica of it, and makes it a replica")
    if name not in inside and leader:
        raise ValueError(f"{name} is not in the cluster. Next: let it in without naming a master, then run the same "
                         "command again")
    if name not in inside or (inside[name].me.leads and not leader):
        return Step(Kind.FORM, f"{name} would be let in as a replica", f"{name} is in the cluster, as a replica",
                    "replica")
    if not leader or inside[name].me.master == _leads(inside, leader).me.id:
        return Step(Kind.NOTHING, f"{name} is a replica already")
    return Step(Kind.FOLLOW, f"{name} would follow {leader}", f"{name} follows {leader} and has its data",
                f"replica of {leader}", master=leader)


def absent(sights: Mapping[str, Sight], name: str) -> Step:
    """``name`` out of the cluster, its slots with the other masters."""
    inside = redis_cluster.within(sights)
    known = redis_cluster.widest(sights).nodes if sights else ()
    node = next((node for node in known if node.host == name), None)
    if node is None:
        return Step(Kind.NOTHING, f"{name} is not in the cluster")
    if node.slots and name not in inside:
        raise ValueError(f"{name} does not answer and owns {node.slots} slots, which would be lost. Next: `make up "
                         "STACK={stack}` brings it back, or lets its replica take over; then run the same command "
                         "again")
    left = sorted((other for other, sight in inside.items() if other != name and sight.me.leads and sight.me.slots),
                  key=redis_scaling.ordinal)
    if len(left) < redis_scaling.LEAST and node.slots:
        raise ValueError(f"without {name} there would be {len(left)} masters, and it takes {redis_scaling.LEAST} so "
                         "that two can outvote one. Next: hand its slots to a replica (redis_failover), or make "
                         "another master first (redis_member role=master, then redis_rebalance)")
    moves = tuple(redis_slots.moves({**redis_slots.owners(inside)}, left)) if node.slots else ()
    slots = sum(len(move.slots) for move in moves if move.source == name)
    first = f"{slots} slots would move from {name} to {', '.join(left)}; then it" if moves else f"{name}"
    return Step(Kind.LEAVE, f"{first} would be let go",
                (f"{slots} slots moved from {name} to {', '.join(left)}; " if moves else "") + f"{name} was let go",
                "not in the cluster", moves)


def _answers(sights: Mapping[str, Sight], name: str) -> None:
    if name not in sights:
        raise ValueError(f"{name} does not answer. Next: `make up STACK={{stack}}`, then run the same command again")


def _leads(inside: Mapping[str, Sight], name: str) -> Sight:
    if name not in inside or not inside[name].me.leads:
        raise ValueError(f"{name} is no master of the cluster: nobody can follow it. Next: `make status "
                         "STACK={stack}` shows who is")
    return inside[name]


def _name_of(inside: Mapping[str, Sight], node_id: str | None) -> str | None:
    return next((name for name, sight in inside.items() if sight.me.id == node_id), None)
