"""Settings of the Redis tier: a Redis Cluster for cache, sessions and queues.

One cluster has one eviction policy and one way to persist; this is how the three purposes share them:

- *cache*: keys carry a short TTL, so they are evicted first (``volatile-ttl``: shortest remaining life first).
- *session*: keys carry a TTL of hours that every visit renews; they go only when no shorter-lived key is left.
- *queue*: keys carry no TTL and are never evicted; when nothing else is left to evict, writes are refused instead.
- Everything is in the append-only file, as ``RedisPersistence.fsync`` says: what queues need, the others get too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob


class RecoveryPlan(StrEnum):
    """How soon a silent master counts as dead. Sooner means shorter outages and more false alarms."""

    FAST = "fast"
    NORMAL = "normal"
    WIDE = "wide"


@dataclass(frozen=True)
class Timings:
    """What a recovery plan sets, together."""

    node_timeout_ms: int
    """Silence after which a node is suspected; the majority of masters then agrees that it failed."""
    replica_ping_s: int
    """How often a master pings its replicas."""
    replication_timeout_s: int
    """Silence after which a replication link is torn down."""


RECOVERY_PLANS = {
    RecoveryPlan.FAST: Timings(node_timeout_ms=800, replica_ping_s=1, replication_timeout_s=5),
    RecoveryPlan.NORMAL: Timings(node_timeout_ms=5000, replica_ping_s=5, replication_timeout_s=20),
    RecoveryPlan.WIDE: Timings(node_timeout_ms=15000, replica_ping_s=10, replication_timeout_s=60),
}


class Eviction(StrEnum):
    """What goes when memory is full. Never ``allkeys-*``: those would evict queued jobs."""

    VOLATILE_TTL = "volatile-ttl"
    VOLATILE_LRU = "volatile-lru"
    VOLATILE_LFU = "volatile-lfu"
    NOEVICTION = "noeviction"


class Fsync(StrEnum):
    """When the append-only file reaches the disk."""

    EVERYSEC = "everysec"
    ALWAYS = "always"


class RedisMemory(Model):
    """Memory of one member."""

    data_mib: int = knob(128, "Memory for data (`maxmemory`) per master. A member's limit is twice that plus 64 MiB: "
                         "rewriting the append-only file while clients write may need a copy of every page.",
                         unit="MiB", ge=16)
    eviction: Eviction = knob(
        Eviction.VOLATILE_TTL,
        "What goes when data memory is full: volatile-ttl (keys with a TTL, shortest remaining life first: cache "
        "before sessions), volatile-lru, volatile-lfu, or noeviction (writes are refused). Keys without a TTL stay.")
    replication_backlog_mib: int = knob(
        8, "Writes a master keeps for a replica that was away, so that it need not copy everything again.",
        unit="MiB", ge=1)


class RedisPersistence(Model):
    """The append-only file of every member."""

    fsync: Fsync = knob(
        Fsync.EVERYSEC, "When writes reach the disk: everysec (a crash of the machine loses up to 1 s) or always.")
    volume_gib: float = knob(1, "Size of a member's volume, where the target can limit it.", unit="GiB", gt=0)


class Redis(Model):
    """Redis Cluster: masters and replicas over three failure domains, users by purpose."""

    masters: int = knob(3, "Masters; the slots are shared among them. At least 3, so that two can outvote one. While "
                       "they run, `redis_scale.yml` changes it.", ge=3)
    replicas_per_master: int = knob(1, "Replicas of each master, in other failure domains than it. "
                                   "While they run, `redis_scale.yml` changes it.", ge=0, le=4)
    recovery_plan: RecoveryPlan = knob(
        RecoveryPlan.FAST,
        "How soon a silent master is replaced: fast (suspected after 0.8 s, its slots served again within 3 s), normal "
        "(5 s) or wide (15 s, Redis' own default; for slow or overloaded networks). One that provably ended is "
        "replaced at once.")
    balance_domains: bool = knob(
        True, "Let a replica that returned take over from a master that shares its failure domain with another master, "
        "so that the loss of one domain never takes the majority. A coordinated takeover, without loss.")
    full_coverage: bool = knob(
        False, "Refuse everything while any slot has no master. Off: what is covered stays served, since keys of "
        "cache, sessions and queues are independent of each other.")
    replica_migration: bool = knob(
        True, "Let a spare replica move to a master that has none, whatever its domain: better than no replica.")
    writes_need_replicas: int = knob(
        0, "A master refuses writes while fewer replicas than this follow it. 0: it never does. 1 bounds what an "
        "isolated master can lose, and makes a lost replica an outage of its master's writes.", ge=0)
    client_certificates: bool = knob(
        False, "Demand a certificate of the platform's authority from clients, besides user and password. Members "
        "demand it of each other in any case.")
    memory: RedisMemory = knob(RedisMemory, "Memory of one member.")
    persistence: RedisPersistence = knob(RedisPersistence, "What survives a restart.")
    max_clients: int = knob(4000, "Connections per member.", ge=16, le=16000)
    cpus: float = knob(1.0, "CPU limit of one member.", unit="cores", gt=0)
    slow_command_ms: int = knob(20, "Commands slower than this appear in SLOWLOG.", unit="ms", ge=1)

    @model_validator(mode="after")
    def _replicas_are_there_to_wait_for(self) -> Self:
        if self.writes_need_replicas > self.replicas_per_master:
            raise ValueError(f"writes_need_replicas is {self.writes_need_replicas}, but a master has "
                             f"{self.replicas_per_master} replicas: no write would ever be accepted")
        return self

    @property
    def members(self) -> int:
        """Masters and replicas together."""
        return self.masters * (1 + self.replicas_per_master)

    @property
    def timings(self) -> Timings:
        """What the recovery plan stands for."""
        return RECOVERY_PLANS[self.recovery_plan]
