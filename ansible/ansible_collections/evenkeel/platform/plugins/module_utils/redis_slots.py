"""Which slots have to move for equal shares, and which moves were begun and not ended: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import SLOTS, Node, Sight


@dataclass(frozen=True)
class Move:
    """Slots that go from one member to another, by name.

    ``begun``: an earlier run opened them. ``given``: the source gave them away, and the target has not claimed them.
    """

    source: str
    target: str
    slots: tuple[int, ...]
    begun: bool = False
    given: bool = False


@dataclass(frozen=True)
class Repair:
    """What interrupted moves left: moves to end, marks that mean nothing any more, and what can't be ended now."""

    moves: tuple[Move, ...] = ()
    stale: tuple[tuple[str, int], ...] = ()
    """Members with a slot that is marked open there, but moves nowhere."""
    blocked: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        return bool(self.moves or self.stale or self.blocked)

    @property
    def slots(self) -> int:
        return len({slot for move in self.moves for slot in move.slots} | {slot for _, slot in self.stale})


def owners(sights: Mapping[str, Sight]) -> dict[str, frozenset[int]]:
    """Slots by master, as each says of itself; masters without slots among them."""
    return {name: sight.me.owned for name, sight in sights.items() if sight.me.leads}


def shares(owned: Mapping[str, frozenset[int]], masters: Sequence[str]) -> dict[str, int]:
    """How many slots each of ``masters`` shall own: equal but for one; those that own most get the one more."""
    share, left = divmod(SLOTS, len(masters))
    richest = sorted(masters, key=lambda name: -len(owned.get(name, ())))[:left]
    return {name: share + (name in richest) for name in masters}


def moves(owned: Mapping[str, frozenset[int]], masters: Sequence[str]) -> list[Move]:
    """The fewest moves that leave each of ``masters`` with its share and everybody else with nothing."""
    wanted = shares(owned, masters)
    surplus = [(name, slot) for name in sorted(owned)
               for slot in sorted(owned[name])[wanted.get(name, 0):]]
    found: list[Move] = []
    for name in masters:
        missing = max(0, wanted[name] - len(owned.get(name, ())))
        taken, surplus = surplus[:missing], surplus[missing:]
        for source in dict.fromkeys(source for source, _ in taken):
            found.append(Move(source, name, tuple(slot for giver, slot in taken if giver == source)))
    return found


def ended(owned: Mapping[str, frozenset[int]], broken: Repair) -> dict[str, frozenset[int]]:
    """Who owns what once interrupted moves are ended."""
    now = {name: set(slots) for name, slots in owned.items()}
    for move in broken.moves:
        now[move.source] -= set(move.slots)
        now[move.target] |= set(move.slots)
    return {name: frozenset(slots) for name, slots in now.items()}


def unowned(sights: Mapping[str, Sight]) -> int:
    """How many slots nobody who answers owns, those aside whose move only has to be ended."""
    ending = {slot for move in repair(sights).moves if move.given for slot in move.slots}
    return SLOTS - len(ending.union(*owners(sights).values()))


def repair(sights: Mapping[str, Sight]) -> Repair:
    """What to do about slots that members mark as open.

    A move is ended in its direction, from whoever owns the slot now. The source has the newer value of every key that
    it still has: until the last one has moved, clients are served there.
    """
    holder = {slot: name for name, slots in owners(sights).items() for slot in slots}
    found: dict[int, Move] = {}
    stale: list[tuple[str, int]] = []
    blocked: list[str] = []
    for name, sight in sights.items():
        for slot, node in sight.me.importing.items():
            owner, source = holder.get(slot), _by_id(sights, node)
            if owner == name:
                stale.append((name, slot))
            elif owner:
                found[slot] = Move(owner, name, (slot,), begun=True)
            elif source and name == _seen_owner(sights[source], slot, sights):
                found[slot] = Move(source, name, (slot,), begun=True, given=True)
            else:
                blocked.append(f"slot {slot} is half moved to {name}, and nobody who answers owns it")
        for slot, node in sight.me.migrating.items():
            target = _leading(sights, node)
            if holder.get(slot) != name:
                continue  # Redis clears the mark itself
            if target == name:
                stale.append((name, slot))
            elif target:
                found[slot] = Move(name, target, (slot,), begun=True)
            elif any(node == other.id for other in sight.nodes):
                blocked.append(f"slot {slot} is half moved from {name} to a member that does not answer "
                               f"({_host(sight.nodes, node)})")
            else:
                stale.append((name, slot))
    return Repair(_together(found.values()), tuple(stale), tuple(blocked))


def _together(single: Iterable[Move]) -> tuple[Move, ...]:
    slots: dict[tuple[str, str, bool], list[int]] = {}
    for move in single:
        slots.setdefault((move.source, move.target, move.given), []).extend(move.slots)
    return tuple(Move(source, target, tuple(sorted(found)), begun=True, given=given)
                 for (source, target, given), found in slots.items())


def _by_id(sights: Mapping[str, Sight], node: str) -> str | None:
    return next((name for name, sight in sights.items() if sight.me.id == node), None)


def _leading(sights: Mapping[str, Sight], node: str) -> str | None:
    """The member of that id, or its master where a replica of it has taken over since."""
    name = _by_id(sights, node)
    if name is None or sights[name].me.leads:
        return name
    return _by_id(sights, sights[name].me.master or "")


def _seen_owner(sight: Sight, slot: int, sights: Mapping[str, Sight]) -> str | None:
    return next((_by_id(sights, node.id) for node in sight.nodes if slot in node.owned), None)


def _host(nodes: Iterable[Node], node_id: str) -> str:
    return next((node.host for node in nodes if node.id == node_id), node_id[:8])
