"""Who owns which slots and who replicates whom: pure functions of the members in sight.

Their results depend on the sight alone and never on who asks, so members that plan by themselves agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from redis_member.sight import SLOTS, Sight


def share(founder: int, masters: int) -> frozenset[int]:
    """Slots of founder ``founder`` (from 1) of a new cluster: contiguous, equal but for one."""
    return frozenset(range(SLOTS * (founder - 1) // masters, SLOTS * founder // masters))


def ranges(slots: Iterable[int]) -> list[tuple[int, int]]:
    """Slots as (first, last) ranges, in order."""
    found: list[tuple[int, int]] = []
    for slot in sorted(slots):
        if found and found[-1][1] == slot - 1:
            found[-1] = (found[-1][0], slot)
        else:
            found.append((slot, slot))
    return found


def claims(uncovered: frozenset[int], masters: int, sights: Sequence[Sight]) -> dict[str, frozenset[int]]:
    """Who claims which of the slots that nobody owns, by member name. All members must be in sight.

    Founders (members 1 to ``masters``) claim their own shares, also when others have claimed theirs already. What
    remains belonged to members that are lost: it goes to a blank member in a domain without a master, else to any
    blank member, else to the master that owns the fewest slots.
    """
    by_ordinal = sorted(sights, key=lambda sight: sight.member.ordinal)
    result = {}
    for sight in by_ordinal[:masters]:
        own = share(sight.member.ordinal, masters)
        if sight.is_blank and own <= uncovered:
            result[sight.member.name] = own
    left = uncovered - frozenset().union(*result.values())
    if left and not result:
        taken = {sight.member.domain for sight in sights if sight.me.slots}
        owners = [sight for sight in by_ordinal if not sight.is_replica]
        heir = min(owners, key=lambda sight: (not sight.is_blank, sight.member.domain in taken, len(sight.me.slots)))
        result[heir.member.name] = left
    return result


class Placement:
    """Which master each replica shall follow. The members in sight are given, the result depends on nothing else."""

    def __init__(self, sights: Sequence[Sight], domains: Sequence[str]) -> None:
        self._domains = list(domains)
        ordered = sorted(sights, key=lambda sight: sight.member.ordinal)
        self._masters = [sight for sight in ordered if sight.me.slots]
        self._blanks = [sight for sight in ordered if sight.is_blank]
        self._replicas = [sight for sight in ordered if sight.is_replica]
        by_id = {master.id: master for master in self._masters}
        self._current = {sight.member.name: by_id[sight.me.master] for sight in self._replicas
                         if sight.me.master in by_id}

    def for_blanks(self) -> dict[str, Sight]:
        """The master of each blank member, by the blank member's name; settled replicas stay where they are."""
        return self._place(self._blanks, self._current)

    def moves(self) -> dict[str, Sight]:
        """Replicas that should follow another master than they do, with that master. Empty where nothing is gained."""
        wanted = self._place(self._replicas, {})
        if self._flaws(wanted) >= self._flaws(self._current):
            return {}
        return {name: master for name, master in wanted.items() if self._current.get(name) is not master}

    def _flaws(self, following: Mapping[str, Sight]) -> tuple[int, int]:
        """Masters without a replica, replicas in their master's domain."""
        followed = {master.id for master in following.values()}
        domains = {sight.member.name: sight.member.domain for sight in self._replicas}
        return (sum(master.id not in followed for master in self._masters),
                sum(domains[name] == master.member.domain for name, master in following.items()))

    def _place(self, free: Sequence[Sight], settled: Mapping[str, Sight]) -> dict[str, Sight]:
        """First every master without a replica gets one from another domain, if any assignment allows it (augmenting
        paths); those that are left go to the masters with the fewest replicas, in other domains where possible."""
        if not self._masters:
            return {}
        counts = Counter(master.id for master in settled.values())
        matched: dict[str, Sight] = {}
        alone = [master for master in self._masters if not counts[master.id]]
        for sight in free:
            self._match(sight, alone, matched, set())
        result = {matched[master.id].member.name: master for master in alone if master.id in matched}
        counts.update(master.id for master in result.values())
        for sight in free:
            if sight.member.name not in result:
                master = min(self._masters, key=lambda master: (counts[master.id], *self._preference(sight, master)))
                result[sight.member.name] = master
                counts[master.id] += 1
        return result

    def _match(self, sight: Sight, masters: Sequence[Sight], matched: dict[str, Sight], visited: set[str]) -> bool:
        """Kuhn's algorithm: give ``sight`` a master, moving earlier ones to other masters where that makes room."""
        for master in sorted(masters, key=lambda master: self._preference(sight, master)):
            if master.member.domain == sight.member.domain or master.id in visited:
                continue
            visited.add(master.id)
            if master.id not in matched or self._match(matched[master.id], masters, matched, visited):
                matched[master.id] = sight
                return True
        return False

    def _preference(self, sight: Sight, master: Sight) -> tuple[bool, bool, int]:
        """Other domains first, then the present master, then the domain before the own one: round the circle of domains
        every replica has a first choice of its own, whoever else is in sight."""
        distance = self._domains.index(sight.member.domain) - self._domains.index(master.member.domain)
        return (distance == 0, self._current.get(sight.member.name) is not master, distance % len(self._domains))
