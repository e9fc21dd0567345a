"""The Redis tier: a Redis Cluster of masters and replicas over the failure domains, with a user per purpose.

Cache, sessions and queues share one cluster, kept apart by key prefix and ACL user; how one eviction policy serves all
three is told in ``components/settings/redis.py``. The members form the cluster by themselves at their start
(``images/redis/redis_member``). Redis replicates asynchronously: a failover may lose the last writes that it
acknowledged, and ``WAIT`` is there for who must know.

What it deliberately does not do: a second, standalone store for queues. Keys without TTL are never evicted here, and
the append-only file keeps them; a store of its own would need an election (Sentinel) of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pulumi

from components.tier import Tier
from components.workload import (
    CONFIG_DIR,
    CPU_FIRST,
    DATA_DIR,
    ConfigFile,
    Effect,
    HealthCheck,
    Member,
    Metrics,
    Port,
    Resources,
    Volume,
    Workload,
    Zone,
)

WORKLOAD = "redis"
PORT = 6379
BUS_PORT = PORT + 10000
"""Members talk to each other there; Redis derives it from ``PORT``."""
PLATFORM_USER = "platform"
"""Forms the cluster, replicates, moves slots. Of keys it may only move them from member to member."""
MONITOR_USER = "monitor"
MONITOR_RULES = "resetkeys resetchannels -@all +ping +info +cluster|info +latency|latest +slowlog|len"
"""What the exporter asks. No SLOWLOG GET: it shows what others wrote."""

CLIENT_COMMANDS = "+info +cluster|info +cluster|keyslot +cluster|myid +cluster|nodes +cluster|shards +cluster|slots"
"""What client libraries ask a cluster for when they connect. INFO counts as dangerous, hence granted by name."""
SCRIPTS = "+eval +eval_ro +evalsha +evalsha_ro +script|exists +script|load"
NEVER = "-@dangerous -@admin -function -fcall -fcall_ro -randomkey -scan"
"""Neither what harms the others (FLUSHALL, KEYS, CONFIG, FUNCTION ...), nor what lists their keys: who knows the key of
a session may have the session."""


@dataclass(frozen=True)
class Purpose:
    """What an application uses Redis for: a user of the same name and the keys ``<name>:...``, ``{<name>}:...`` and
    ``{<name>:...}...``, the latter two for keys that must share a slot."""

    name: str
    commands: str
    channels: bool = False
    """May publish and subscribe on channels named like its keys."""

    @property
    def password(self) -> str:
        """The name of its password among the stack's secrets."""
        return f"redis-{self.name}"

    @property
    def rules(self) -> str:
        """Its ACL rules."""
        patterns = [f"{self.name}:*", f"{{{self.name}}}:*", f"{{{self.name}:*"]
        keys = " ".join(f"~{pattern}" for pattern in patterns)
        channels = " ".join(f"&{pattern}" for pattern in patterns) if self.channels else "resetchannels"
        return f"{keys} {channels} {self.commands} {NEVER} {CLIENT_COMMANDS}"


PURPOSES = (
    Purpose("cache", f"+@connection +@read +@write +@transaction -@blocking {SCRIPTS}"),
    Purpose("session", "+@connection +@string +@hash +@set +@keyspace +@transaction +wait"),
    Purpose("queue", f"+@connection +@read +@write +@blocking +@pubsub +@transaction +wait {SCRIPTS}", channels=True),
)

# MIGRATE takes keys from one member and logs in to the other, which SELECTs and RESTOREs them.
PLATFORM_RULES = ("~* resetchannels +acl +bgrewriteaof +bgsave +client +cluster +command +config|get "
                  "+config|resetstat +config|set +dbsize +exec +info +lastsave +latency +memory|doctor +memory|stats "
                  "+migrate +multi +ping +psync +replconf +restore-asking +role +select +slowlog +sync +wait")


class Redis(Tier):
    """The members of the cluster."""

    kind = "redis"

    def workloads(self) -> list[Workload]:
        settings = self.context.settings.redis
        shared = self._shared_files()
        return [Workload(
            name=WORKLOAD,
            tier=self.kind,
            image="redis",
            count=settings.members,
            zones=(Zone.DATA,),
            # The process itself, its buffers and the formation beside it; see RedisMemory.data_mib for the factor.
            resources=Resources(memory_mib=2 * settings.memory.data_mib + 64, cpus=settings.cpus,
                                memory_request_mib=settings.memory.data_mib + 64, cpu_request=0.1,
                                cpu_weight=CPU_FIRST),
            health=HealthCheck(("/usr/local/bin/redis-health", str(PORT)), interval_s=10, timeout_s=5, retries=3),
            files=lambda member: [*self._member_files(member), *shared],
            reload=("/usr/local/bin/redis-reload",),
            ports=(Port("redis", PORT), Port("bus", BUS_PORT)),
            # Certificates are issued and renewed all at once: these stand for all that only the platform itself sees.
            metrics=(Metrics(PORT, tls=True, exporter="redis"), Metrics(PORT, tls=True, exporter="certificate")),
            volumes=(Volume("data", DATA_DIR, settings.persistence.volume_gib),),
            tmpfs_mib=16,
            clustered=True,
            can_grow=False,
            resized_by="redis_scale.yml",
            stop_grace_s=20,
        )]

    @property
    def _members(self) -> list[dict[str, Any]]:
        count = self.context.settings.redis.members
        return [_described(Member(WORKLOAD, ordinal), self.context.names.member(WORKLOAD, ordinal))
                for ordinal in range(1, count + 1)]

    def _member_files(self, member: Member) -> list[ConfigFile]:
        settings = self.context.settings.redis
        members = self._members
        me = members[member.ordinal - 1]
        return [
            self.file("redis.conf", "redis/redis.conf.j2", effect=Effect.RESTART, me=me, port=PORT,
                      config_dir=CONFIG_DIR, data_dir=DATA_DIR),
            self.file("formation.json", "redis/formation.json.j2", effect=Effect.NONE, me=me, members=members,
                      port=PORT, user=PLATFORM_USER, masters=settings.masters,
                      node_timeout_s=settings.timings.node_timeout_ms / 1000,
                      balance_domains=settings.balance_domains),
        ]

    def _shared_files(self) -> list[ConfigFile]:
        settings = self.context.settings.redis
        password = self.context.secrets.password(f"redis-{PLATFORM_USER}")
        return [
            self.file("runtime.conf", "redis/runtime.conf.j2",
                      data_mib=settings.memory.data_mib, eviction=settings.memory.eviction,
                      backlog_mib=settings.memory.replication_backlog_mib, fsync=settings.persistence.fsync,
                      max_clients=settings.max_clients, slow_command_ms=settings.slow_command_ms,
                      timings=settings.timings, full_coverage=_yes_no(settings.full_coverage),
                      replica_migration=_yes_no(settings.replica_migration),
                      auth_clients="yes" if settings.client_certificates else "optional",
                      writes_need_replicas=settings.writes_need_replicas),
            self.file("replication.conf", "redis/replication.conf.j2", secret=True, user=PLATFORM_USER,
                      password=password),
            self.file("users.acl", "redis/users.acl.j2", secret=True, users=self._users()),
            ConfigFile("platform.password", password, secret=True),
            *self.tls_files(WORKLOAD, settings.members),
        ]

    def _users(self) -> list[dict[str, Any]]:
        users = [{"name": purpose.name, "rules": purpose.rules, "hashes": self._hashes(purpose.password)}
                 for purpose in PURPOSES]
        # Also where nobody watches: a password that exists is protected, so nobody could be switched off otherwise.
        own = ((PLATFORM_USER, PLATFORM_RULES), (MONITOR_USER, MONITOR_RULES))
        return [*users, *({"name": name, "rules": rules, "hashes": self._hashes(f"redis-{name}")}
                          for name, rules in own)]

    def _hashes(self, password: str) -> pulumi.Output[list[str]]:
        """Of every accepted value; a Redis user may have several passwords."""
        return self.context.secrets.accepted(password).apply(lambda values: [_hash(value) for value in values.values()])


def _described(member: Member, host: str) -> dict[str, Any]:
    return {"name": member.name, "ordinal": member.ordinal, "host": host, "domain": member.domain}


def _hash(password: str) -> str:
    """As Redis keeps it: SHA-256, in hex. Enough for 192 random bits."""
    return hashlib.sha256(password.encode()).hexdigest()


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"
