"""Which drills there are, what each breaks, and what its users may notice at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from components.settings.postgres import Timing
from operations.drills.faults import Crashed, CutOff, Fault, Frozen, Full, Gone, Killed, Slowed, Staggered
from operations.drills.planned import Switchover
from operations.drills.platform import Platform, role

POSTMASTER = "head -1 /var/lib/evenkeel/postgres/postmaster.pid"


class Death(StrEnum):
    """How a primary goes: seen to die, or merely silent, which proves nothing."""

    PROVED = "proved"
    SILENT = "silent"


@dataclass(frozen=True)
class Budget:
    """Bounds; None: not judged, only reported. That nothing acknowledged is lost, nothing is stored twice, nothing that
    was said to have failed is stored, and there is one writer at any moment is demanded of every drill."""

    plan: Death | None = None
    """``recovery_s`` is what the stack's recovery plan states for a death like this."""
    recovery_s: float | None = None
    """From the fault (with ``from_undo``: from its end) until writes go on, or what ``of`` names: "slot", until all
    slots of Redis have a living master again."""
    of: str = "write"
    from_undo: bool = False
    failed_writes: int | None = None
    """Failed and unknown ones together."""
    failed_reads: int | None = None
    only_in_flight: bool = False
    """Whatever failed had begun before the fault."""
    trouble_s: float | None = None
    """Nothing that began later than this after the fault failed."""
    answered_s: float | None = None
    """The longest that any write had to wait for its answer, whatever that was."""

    def under(self, timing: Timing) -> Budget:
        """The budget on a stack with this recovery plan."""
        if self.plan is None:
            return self
        return replace(self, recovery_s=timing.rto_s if self.plan is Death.PROVED else timing.silent_rto_s)


@dataclass(frozen=True)
class Drill:
    """``fault``: made for a platform as it is when the drill begins. ``lasts_s``: how long it is watched before the
    fault, where it lasts, is undone."""

    name: str
    what: str
    fault: Callable[[Platform], Fault]
    budget: Budget
    lasts_s: float = 12.0
    watches_writers: bool = False
    """Each Postgres member writes for itself meanwhile: proof that one of them could."""


def _leading(workload: str, platform: Platform) -> str:
    found = [member for member in platform.members(workload) if role(platform, member) == "leader"]
    return found[0] if found else platform.members(workload)[0]


def _majority(platform: Platform) -> list[str]:
    members = platform.members("etcd")
    return members[-(len(members) // 2 + 1):]


def _worker(platform: Platform) -> list[str]:
    found = [one.labels["evenkeel.member"] for one in platform.containers() if one.labels["evenkeel.tier"] == "app"]
    return found[:1]


DRILLS = (
    Drill("node-kill", "SIGKILL for the node of the primary: Patroni and Postgres at once",
          lambda it: Killed([it.primary()]), Budget(Death.PROVED), watches_writers=True),
    Drill("process-crash", "SIGKILL for the primary's Postgres; Patroni beside it lives",
          lambda it: Crashed([it.primary()], POSTMASTER), Budget(Death.PROVED), watches_writers=True),
    Drill("node-hang", "SIGSTOP for the node of the primary: it is there, and does nothing",
          lambda it: Frozen([it.primary()], 60), Budget(Death.SILENT), lasts_s=40.0, watches_writers=True),
    Drill("partition", "the primary lives and reaches nobody; nobody reaches it",
          lambda it: CutOff([it.primary()], 60), Budget(Death.SILENT), lasts_s=40.0, watches_writers=True),
    Drill("disk-full", "the disk of the primary takes nothing more: every write into a file fails",
          lambda it: Full([it.primary()], 40), Budget(Death.SILENT), lasts_s=30.0, watches_writers=True),
    Drill("replica-kill", "SIGKILL for the node of a replica",
          lambda it: Killed(it.replicas()[:1]), Budget(recovery_s=3.0), watches_writers=True),
    Drill("replicas-gone", "every replica dead for a while: no write can be confirmed, so none is acknowledged",
          lambda it: Gone(it.replicas(), 20), Budget(recovery_s=30.0, from_undo=True, answered_s=15.0),
          lasts_s=15.0, watches_writers=True),
    Drill("etcd-member", "SIGKILL for the leader of etcd",
          lambda it: Killed([_leading("etcd", it)]), Budget(recovery_s=3.0)),
    Drill("etcd-majority", "etcd without its majority for longer than a leader key lives",
          lambda it: Gone(_majority(it), 60), Budget(recovery_s=3.0), lasts_s=30.0, watches_writers=True),
    Drill("second-fault", "SIGKILL for the primary's node, and half a second later for the leader of etcd",
          lambda it: Staggered(Killed([it.primary()]), Killed([_leading("etcd", it)]), 0.5),
          Budget(Death.SILENT), lasts_s=40.0, watches_writers=True),
    Drill("redis-master", "SIGKILL for a master of Redis",
          lambda it: Killed([it.redis_master()]), Budget(recovery_s=3.0, of="slot", trouble_s=3.0)),
    Drill("nginx-kill", "SIGKILL for one of the two edges",
          lambda _: Killed(["nginx-1"]), Budget(only_in_flight=True)),
    Drill("haproxy-kill", "SIGKILL for one of the two load balancers",
          lambda _: Killed(["haproxy-1"]), Budget(only_in_flight=True)),
    Drill("pgbouncer-kill", "SIGKILL for one of the two connection poolers",
          lambda _: Killed(["pgbouncer-1"]), Budget(recovery_s=3.0, trouble_s=3.0)),
    Drill("worker-kill", "SIGKILL for a worker of the application",
          lambda it: Killed(_worker(it)), Budget(failed_reads=0, only_in_flight=True)),
    Drill("worker-hang", "SIGSTOP for a worker of the application",
          lambda it: Frozen(_worker(it), 30), Budget(trouble_s=5.0), lasts_s=15.0),
    Drill("slow-network", "everything that one connection pooler sends goes at 512 kbit/s",
          lambda _: Slowed(["pgbouncer-1"], 30, rate="512kbit"), Budget(failed_reads=0, answered_s=15.0), lasts_s=15.0),
    Drill("switchover", "the primary's role is handed over, as before maintenance",
          lambda it: Switchover([it.primary()]),
          Budget(recovery_s=2.0, failed_writes=0, failed_reads=0),
          watches_writers=True),
)
BY_NAME = {drill.name: drill for drill in DRILLS}
