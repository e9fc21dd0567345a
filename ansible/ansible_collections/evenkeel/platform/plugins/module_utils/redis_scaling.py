"""Which members become masters, follow others or go when the number of masters or replicas changes: pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_cluster, redis_slots, stack_file
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight

LEAST = 3
"""Masters: so that two can outvote one."""
DEFAULTS = {"redis.masters": 3, "redis.replicas_per_master": 1}
"""What a stack has that says nothing of it (``components/settings/redis.py``)."""


@dataclass(frozen=True)
class Plan:
    """What has to be done, in this order. Members by name."""

    add: tuple[str, ...] = ()
    """Members that the stack has to get first; the rest is known once they are there."""
    hand_over: tuple[str, ...] = ()
    """Masters that go and whose replica stays: it takes over."""
    promote: tuple[str, ...] = ()
    """Replicas that become masters."""
    follow: Mapping[str, str] = field(default_factory=dict)
    """Replicas that get another master, with that master."""
    masters: tuple[str, ...] = ()
    """Who owns all slots afterwards."""
    slots: int = 0
    """How many slots move."""
    remove: tuple[str, ...] = ()
    """Members that go."""

    @property
    def empty(self) -> bool:
        return not (self.add or self.hand_over or self.promote or self.follow or self.slots or self.remove)

    def sentences(self) -> list[str]:
        """The same for people."""
        said = [f"{', '.join(self.add)}: made, and let in as replicas"] if self.add else []
        said += [f"{name}: a replica that stays takes over" for name in self.hand_over]
        said += [f"{name}: a replica that becomes a master" for name in self.promote]
        said += [f"{name}: follows {master}" for name, master in self.follow.items()]
        if self.slots:
            said.append(f"{self.slots} of {redis_cluster.SLOTS} slots move, with their keys, so that "
                        f"{', '.join(self.masters)} own equal shares")
        return said + ([f"{', '.join(self.remove)}: let go, then removed with their volumes"] if self.remove else [])


def member(ordinal: int) -> str:
    return f"redis-{ordinal}"


def ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])


def plan(sights: Mapping[str, Sight], existing: Iterable[str], masters: int, replicas: int,
         domains: Mapping[str, str]) -> Plan:
    """From what members see to ``masters`` masters with ``replicas`` replicas each.

    ``existing`` are the members that have a container. Raises ``ValueError`` with why it can't be done now.
    """
    wanted = [member(number) for number in range(1, masters * (1 + replicas) + 1)]
    existing = set(existing)
    add = tuple(name for name in wanted if name not in existing)
    remove = tuple(sorted(existing - set(wanted), key=ordinal))
    inside = redis_cluster.within(sights)
    if add:
        return Plan(add=add, remove=remove)
    strangers = [name for name in wanted if name not in inside]
    if strangers:
        raise ValueError(f"{', '.join(strangers)} " + ("is" if len(strangers) == 1 else "are") + " not in the cluster")
    moving = _Roles(inside, remove, domains)
    moving.drop_to(masters)
    hand_over = moving.hand_over(masters)
    promote = moving.promote(masters, replicas)
    follow = moving.follow(replicas)
    owned = redis_slots.owners(inside)
    for leaving, heir in hand_over.items():
        owned[heir] = owned.pop(leaving)
    chosen = sorted(moving.masters, key=ordinal)
    slots = sum(len(move.slots) for move in redis_slots.moves(owned, chosen))
    return Plan((), tuple(hand_over), promote, follow, tuple(chosen), slots, remove)


class _Roles:
    """Who will be master and who follows whom, changed step by step."""

    def __init__(self, inside: Mapping[str, Sight], leaving: Iterable[str], domains: Mapping[str, str]) -> None:
        self._sights = inside
        self._leaving = set(leaving)
        self._domains = domains
        names = {sight.me.id: name for name, sight in inside.items()}
        self._following = {name: names.get(sight.me.master or "") for name, sight in inside.items()
                           if not sight.me.leads}
        self.masters = [name for name, sight in inside.items() if sight.me.leads and name not in self._leaving]
        self._going = [name for name, sight in inside.items()
                       if sight.me.leads and sight.me.slots and name in self._leaving]

    def drop_to(self, masters: int) -> None:
        """Of too many, those give their slots away that have none, or that share a domain with most others."""
        while len(self.masters) > masters:
            per_domain = Counter(self._domains.get(name) for name in self.masters)
            self.masters.remove(max(self.masters, key=lambda name: (
                not self._sights[name].me.slots, per_domain[self._domains.get(name)],
                -self._sights[name].me.slots, ordinal(name))))

    def hand_over(self, masters: int) -> dict[str, str]:
        """Masters that go, each with the replica that takes over, as long as masters are missing."""
        found: dict[str, str] = {}
        for name in self._going:
            heir, _ = redis_cluster.candidate(self._sights, name, sorted(self._leaving), domains=self._domains)
            if len(self.masters) < masters and heir:
                found[name] = heir
                self._become_master(heir)
        return found

    def promote(self, masters: int, replicas: int) -> tuple[str, ...]:
        """Replicas that become masters: those their master can spare, in domains with the fewest masters, the newest
        first."""
        found: list[str] = []
        while len(self.masters) < masters:
            per_domain = Counter(self._domains.get(name) for name in self.masters)
            free = [name for name in self._following if name not in self._leaving and self._sights[name].link_up]
            if not free:
                raise ValueError(f"{masters} masters are wanted, and no replica that serves is left to become one")
            chosen = min(free, key=lambda name: (not self._spare(name, replicas),
                                                 per_domain[self._domains.get(name)], -ordinal(name)))
            self._become_master(chosen)
            found.append(chosen)
        return tuple(found)

    def follow(self, replicas: int) -> dict[str, str]:
        """Replicas for masters without one: those that others can spare, from another domain than the master's."""
        found: dict[str, str] = {}
        for master in self.masters:
            if not replicas or master in self._following.values():
                continue
            spare = [name for name in self._following if name not in self._leaving and self._spare(name, replicas)
                     and self._domains.get(name) != self._domains.get(master)]
            for name in sorted(spare, key=lambda name: -ordinal(name))[:replicas]:
                if self._spare(name, replicas):
                    self._following[name] = found[name] = master
        return found

    def _become_master(self, name: str) -> None:
        self._following.pop(name, None)
        self.masters.append(name)

    def _spare(self, name: str, replicas: int) -> bool:
        """Its master has more replicas that stay than it shall have, or goes itself."""
        master = self._following[name]
        staying = [other for other, followed in self._following.items()
                   if followed == master and other not in self._leaving]
        return master not in self.masters or len(staying) > replicas


def warning(masters: int, domains: Iterable[str]) -> str:
    """Why this number of masters is a bad one over these failure domains; "" where it isn't."""
    count = len(set(domains))
    most = -(-masters // count) if count else masters
    if count < 2 or masters - most > masters // 2:
        return ""
    return (f"{masters} masters over {count} failure domains: the domain with {most} of them takes the majority with "
            f"it when it is lost, and nothing is served until it is back. {masters + 1} don't have that")


def wanted(text: str, masters: int | None, replicas: int | None) -> tuple[int, int]:
    """Masters and replicas of each: as asked for, else as a stack's YAML says."""
    asked = {"redis.masters": masters, "redis.replicas_per_master": replicas}
    for key, value in asked.items():
        said = stack_file.value_at(text, key) if value is None else value
        asked[key] = DEFAULTS[key] if said is None else int(said)
    return int(asked["redis.masters"] or 0), int(asked["redis.replicas_per_master"] or 0)


def refuse(masters: int, replicas: int) -> None:
    """Raise ``ValueError`` for numbers that no cluster can have."""
    if masters < LEAST:
        raise ValueError(f"{masters} masters are too few: it takes {LEAST}, so that two can outvote one")
    if replicas < 0:
        raise ValueError(f"{replicas} replicas are no number of replicas")
