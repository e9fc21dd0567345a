"""What is to be done next to make one cluster of the members: a pure function of what is seen.

Every member runs the same plan on the same sight of all members and carries out what it finds for itself. Nothing is
locked and nobody coordinates: each step is a function of the sight, is refused or ignored by Redis when it comes twice,
and leaves a state from which any later run goes on.

What it deliberately does not do: move slots between masters, change the number of masters, or touch data. These are
operations (``ansible/``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from redis_member import placement
from redis_member.settings import Settings
from redis_member.sight import SLOTS, Sight

ELECTION_TIMEOUTS = 4
"""How many node timeouts Redis gets to replace a master whose volume is lost, before its replica is told to."""

CALM_S = 5.0
"""How long a member is back before it takes over from its partner: clients that just lost a master find the new one
first, and then follow a handover without an error."""


@dataclass(frozen=True)
class Action:
    """A command for a member, the reason in words for the log, and how soon it may be repeated."""

    on: str
    command: tuple[str | int, ...]
    why: str
    repeat_s: float = 1.0


@dataclass(frozen=True)
class Plan:
    """What to do now, and what is waited for. Neither: the member is settled."""

    actions: tuple[Action, ...] = ()
    waiting: str = ""

    @property
    def settled(self) -> bool:
        return not self.actions and not self.waiting


@dataclass(frozen=True)
class View:
    """What the steps look at. ``sights`` is by member name and holds only members that answered."""

    settings: Settings
    sights: Mapping[str, Sight]
    since_s: float
    """Age of this formation."""

    @property
    def mine(self) -> Sight:
        return self.sights[self.settings.me]

    @property
    def others(self) -> list[Sight]:
        return [sight for sight in self.sights.values() if sight is not self.mine]

    @property
    def missing(self) -> list[str]:
        return [member.name for member in self.settings.members if member.name not in self.sights]

    @property
    def placement(self) -> placement.Placement:
        domains = sorted({member.domain for member in self.settings.members})
        return placement.Placement(list(self.sights.values()), domains)

    @property
    def covered(self) -> frozenset[int]:
        """Slots that somebody knows an owner of, dead or alive."""
        return frozenset().union(*{node.slots for sight in self.sights.values() for node in sight.table.values()})


Step = Callable[[View], Plan]


def plan(settings: Settings, sights: Mapping[str, Sight], since_s: float) -> Plan:
    """The next step of ``settings.me``: the first in order that has something to do or to wait for."""
    if settings.me not in sights:
        return Plan(waiting="the own server to answer")
    view = View(settings, sights, since_s)
    introductions = introduce(view)
    for step in (agree, cover, bury, clear, follow, wait_until_serving, rearrange, balance):
        found = step(view)
        if not found.settled:
            return Plan(introductions.actions + found.actions, found.waiting)
    return introductions


def introduce(view: View) -> Plan:
    """Meet, at the address its name has now, everybody whom this member doesn't know or knows under a dead address."""
    meetings = tuple(Action(view.mine.member.name, ("CLUSTER", "MEET", sight.address, view.settings.port),
                            f"meets {sight.member.name}", repeat_s=0.5)
                     for sight in view.others if not view.mine.reaches(sight))
    return Plan(meetings, "introductions" if meetings else "")


def agree(view: View) -> Plan:
    """Wait while another member owns the same slots: a master that was replaced doesn't know it when it comes back."""
    rivals = [sight.member.name for sight in view.others if sight.me.slots & view.mine.me.slots]
    return Plan(waiting=f"agreement with {', '.join(rivals)} on slots" if rivals else "")


def cover(view: View) -> Plan:
    """Give slots that nobody owns to masters: to the founders of a new cluster, to an heir where slots were lost.

    Only with everybody in sight: a member that is late may hold the cluster that would be founded anew beside it.
    """
    uncovered = frozenset(range(SLOTS)) - view.covered
    if not uncovered:
        return Plan()
    if view.missing:
        return Plan(waiting=f"{', '.join(view.missing)} to answer: may own some of the {len(uncovered)} unowned slots")
    claims = placement.claims(uncovered, view.settings.masters, list(view.sights.values()))
    mine = claims.get(view.mine.member.name)
    if not mine:
        return Plan(waiting=f"{', '.join(claims)} to claim slots")
    ranges = placement.ranges(mine)
    bounds = [bound for first_last in ranges for bound in first_last]
    text = ", ".join(f"{first}-{last}" for first, last in ranges)
    return Plan((Action(view.mine.member.name, ("CLUSTER", "ADDSLOTSRANGE", *bounds), f"claims slots {text}"),),
                "the slots to be claimed")


def bury(view: View) -> Plan:
    """Forget ids whose member came back under a new id: their volume is lost, so they never return.

    The proof is the new id behind the same name; the member that has it acts. A lost master is replaced by its replica
    first. Redis does not elect one whose own data is old, nor where the new id answers under the old address (nobody
    then reports the old id as failed): after ``ELECTION_TIMEOUTS`` it is told to, since nobody has newer data.
    """
    host = view.mine.member.host
    gone = {node.id: node for sight in view.sights.values() for node in sight.table.values()
            if node.host == host and node.id != view.mine.id and "handshake" not in node.flags}
    actions: list[Action] = []
    for node_id in gone:
        replicas = sorted((sight for sight in view.others if sight.me.master == node_id),
                          key=lambda sight: sight.member.ordinal)
        if replicas:
            if view.since_s < ELECTION_TIMEOUTS * view.settings.node_timeout_s:
                return Plan(waiting=f"a replica of the lost {host} ({node_id[:8]}) to be elected")
            actions.append(Action(replicas[0].member.name, ("CLUSTER", "FAILOVER", "TAKEOVER"),
                                  f"takes over from {host} ({node_id[:8]}), whose volume is lost", repeat_s=5))
            continue
        if view.missing and any(sight.table[node_id].slots for sight in view.sights.values() if node_id in sight.table):
            return Plan(waiting=f"{', '.join(view.missing)} to answer: may replicate the lost {host}")
        actions += [Action(sight.member.name, ("CLUSTER", "FORGET", node_id),
                           f"forgets {host}'s former id {node_id[:8]}, whose volume is lost")
                    for sight in view.sights.values() if node_id in sight.table]
    return Plan(tuple(actions), "former ids to be forgotten" if actions else "")


def clear(view: View) -> Plan:
    """Forget dead ids without a name: a member may hear of a former id after the others forgot it, and hearsay carries
    no names. With everybody in sight, who is neither a member nor alive nor in use is nobody."""
    if view.missing:
        return Plan()
    used = {sight.id for sight in view.sights.values()} | {sight.me.master for sight in view.sights.values()}
    actions = tuple(Action(sight.member.name, ("CLUSTER", "FORGET", node.id), f"forgets the nameless {node.id[:8]}")
                    for sight in view.sights.values() for node in sight.table.values()
                    if node.id not in used and not node.host and not node.slots and node.flags & {"fail", "noaddr"})
    return Plan(actions, "nameless ids to be forgotten" if actions else "")


def follow(view: View) -> Plan:
    """A master without slots becomes the replica of the master that needs one most, in another domain than its own."""
    if not view.mine.is_blank:
        return Plan()
    master = view.placement.for_blanks().get(view.mine.member.name)
    if master is None:
        return Plan(waiting="a master to replicate")
    if master.id not in view.mine.table:
        return Plan(waiting=f"news of {master.member.name}")
    return Plan((Action(view.mine.member.name, ("CLUSTER", "REPLICATE", master.id),
                        f"replicates {master.member.name}"),), "replication")


def wait_until_serving(view: View) -> Plan:
    """A member is done only when it serves."""
    if not view.mine.state_ok:
        return Plan(waiting="a majority of masters")
    if view.mine.is_replica and not view.mine.master_link_up:
        return Plan(waiting="the master's data")
    return Plan()


def rearrange(view: View) -> Plan:
    """Put right what members that did not see each other chose: a master without a replica beside one with two, a
    replica in its master's domain. With everybody in sight and serving; whoever sees it acts."""
    replicas = [sight for sight in view.sights.values() if sight.is_replica]
    if view.missing or not all(sight.state_ok for sight in view.sights.values()):
        return Plan()
    moves = view.placement.moves()
    if moves and not all(sight.master_link_up for sight in replicas):
        return Plan(waiting="all replicas to have their data")
    actions = tuple(Action(name, ("CLUSTER", "REPLICATE", master.id), f"moves to {master.member.name}", repeat_s=5)
                    for name, master in moves.items())
    return Plan(actions, "replicas to move" if actions else "")


def balance(view: View) -> Plan:
    """Take over from a master that shares its domain with another master, where this member's domain has none.

    The ordinary, coordinated takeover: the master pauses its writes until this replica has them all.
    """
    mine, settings = view.mine, view.settings
    if not settings.balance_domains or not mine.is_replica:
        return Plan()
    domain_of = {member.host: member.domain for member in settings.members}
    owners = [node for node in mine.table.values() if node.slots and node.host in domain_of]
    domains = [domain_of[node.host] for node in owners]
    master = next((node for node in owners if node.id == mine.me.master), None)
    if master is None or domains.count(domain_of[master.host]) < 2 or mine.member.domain in domains:
        return Plan()
    voters = [sight for sight in view.others if sight.me.slots]
    unaware = [sight.member.name for sight in voters if not sight.knows_replica(mine.id, master.id)]
    if not master.introduced or unaware or len(voters) < len(owners):
        # The master ignores the takeover of a node that it doesn't know as its replica, and the other masters refuse
        # their votes: either would keep the master's clients waiting for seconds.
        return Plan(waiting=f"{', '.join(unaware) or 'all masters'} to know the replica of {master.host}")
    if unreached := [sight.member.name for sight in voters if not mine.reaches(sight)]:
        # Redis asks for votes once, over the links that it has at that moment: with too few of them the attempt fails,
        # and the master has paused its clients for it.
        return Plan(waiting=f"a link to {', '.join(unreached)}")
    if view.since_s < CALM_S:
        return Plan(waiting=f"{CALM_S:g} s of calm before it takes over from {master.host}")
    return Plan((Action(mine.member.name, ("CLUSTER", "FAILOVER"),
                        f"takes over from {master.host}: two masters in domain {domain_of[master.host]}, none in "
                        f"{mine.member.domain}", repeat_s=6),), "the takeover")
