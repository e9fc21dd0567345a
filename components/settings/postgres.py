"""Settings of the Postgres tier: Patroni's members, their etcd, the proxies and the poolers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob

ParameterValue = str | int | float | bool

MANAGED_PARAMETERS = frozenset({
    "archive_command", "archive_mode", "cluster_name", "config_file", "data_directory", "hba_file", "hot_standby",
    "ident_file", "listen_addresses", "max_connections", "max_prepared_transactions", "max_replication_slots",
    "max_wal_senders", "password_encryption", "port", "primary_conninfo", "primary_slot_name", "promote_trigger_file",
    "recovery_target_timeline", "restore_command", "shared_buffers", "ssl", "ssl_ca_file", "ssl_cert_file",
    "ssl_key_file", "ssl_min_protocol_version", "synchronous_commit", "synchronous_standby_names",
    "track_commit_timestamp", "unix_socket_directories", "wal_level", "wal_log_hints",
})
"""What `parameters` may not set: Patroni or this tier decides it, or it has a setting of its own."""

PLATFORM_ROLES = frozenset({"postgres", "replicator", "rewinder", "monitor", "pgbouncer"})
"""Roles with a purpose of their own."""

SYSTEM_DATABASES = frozenset({"postgres", "template0", "template1", "pgbouncer"})
"""Postgres' own, and the name of PgBouncer's console."""

ALTERNATE, POOLED = "_b", "_pooled"
"""What follows the application's users: the second login of each, and the role behind PgBouncer's pools."""

RESERVED_CONNECTIONS = 20
"""Connections of Postgres that no pooler may use: superuser (3), Patroni, replication, monitoring, people."""


class RecoveryPlan(StrEnum):
    """How quickly a lost primary is replaced, against how much a busy machine may stutter unharmed."""

    FAST = "fast"
    NORMAL = "normal"
    CAUTIOUS = "cautious"


@dataclass(frozen=True)
class Timing:
    """What one recovery plan means."""

    ttl_s: int
    """Life of the leader key: without proof of death, nobody takes over earlier. Patroni's minimum is 20."""
    loop_wait_s: int
    retry_timeout_s: int
    check_ms: int
    """Interval of HAProxy's checks of a healthy server; ``failing_check_ms`` after the first failure."""
    failing_check_ms: int
    check_falls: int
    heartbeat_ms: int
    """etcd's; ``election_ms`` is ten times that, as etcd's tuning guide says."""
    login_retry_s: float
    """PgBouncer's pause after a login that failed, ``connect_timeout_s`` its patience with one, and
    ``tcp_user_timeout_s`` how long it waits for a host that went silent; idle connections are tested when they were
    idle for ``idle_check_s``."""
    connect_timeout_s: float
    tcp_user_timeout_s: float
    idle_check_s: float
    deadline_s: float
    """What a worker should give a request that needs the database, and how much of that may be waiting for a
    connection: longer than writes stand still when a dead primary is replaced."""
    pool_wait_s: float
    rto_s: float
    """Stated: writes go on this soon after the primary died, its death proved."""
    silent_rto_s: float
    """Stated: and this soon after it fell silent, which proves nothing: its key has to expire."""

    @property
    def election_ms(self) -> int:
        return 10 * self.heartbeat_ms


PLANS = {
    RecoveryPlan.FAST: Timing(
        20, 2, 5, check_ms=500, failing_check_ms=250, check_falls=2, heartbeat_ms=100,
        login_retry_s=0.2, connect_timeout_s=2, tcp_user_timeout_s=5, idle_check_s=5,
        deadline_s=5, pool_wait_s=4, rto_s=3, silent_rto_s=30),
    RecoveryPlan.NORMAL: Timing(
        30, 5, 10, check_ms=1000, failing_check_ms=500, check_falls=3, heartbeat_ms=200,
        login_retry_s=0.5, connect_timeout_s=3, tcp_user_timeout_s=10, idle_check_s=10,
        deadline_s=8, pool_wait_s=6, rto_s=6, silent_rto_s=45),
    RecoveryPlan.CAUTIOUS: Timing(
        60, 10, 20, check_ms=2000, failing_check_ms=1000, check_falls=3, heartbeat_ms=500,
        login_retry_s=1, connect_timeout_s=5, tcp_user_timeout_s=20, idle_check_s=30,
        deadline_s=12, pool_wait_s=10, rto_s=12, silent_rto_s=90),
}


class Etcd(Model):
    """The store in which Patroni keeps who leads."""

    members: int = knob(3, "Members; odd, since an even one adds no tolerance. 3 survive the loss of 1.", ge=1, le=7)
    storage_gib: float = knob(1, "Volume of one member.", unit="GiB", ge=0.25)
    memory_mib: int = knob(192, "Memory limit of one member.", unit="MiB", ge=96)
    cpus: float = knob(0.5, "CPU limit of one member.", unit="cores", gt=0)
    log_level: str = knob("warn", "What etcd logs: debug, info, warn or error.", pattern="^(debug|info|warn|error)$")

    @model_validator(mode="after")
    def _members_are_odd(self) -> Self:
        if self.members % 2 == 0:
            raise ValueError(f"members: {self.members} is even: it tolerates no more losses than {self.members - 1} "
                             f"and fails more often; use {self.members - 1} or {self.members + 1}")
        return self


class PgProxy(Model):
    """The TCP proxies that know the primary and the replicas."""

    members: int = knob(2, "Members.", ge=1, le=10)
    max_connections: int = knob(1000, "Connections per member.", ge=10)
    threads: int = knob(1, "Threads of one member.", ge=1, le=64)
    memory_mib: int = knob(96, "Memory limit of one member.", unit="MiB", ge=64)
    cpus: float = knob(0.5, "CPU limit of one member.", unit="cores", gt=0)


class PgBouncer(Model):
    """The connection poolers."""

    members: int = knob(2, "Members.", ge=1, le=10)
    pool_size: int = knob(20, "Connections to the primary kept per member.", ge=1)
    reserve_pool_size: int = knob(30, "Further ones when clients wait (the documents' overflow).", ge=0)
    reserve_after_s: float = knob(0.2, "How long a client waits before the reserve is used.", unit="s", gt=0)
    readers_pool_size: int = knob(15, "Connections to replicas kept per member.", ge=1)
    max_client_connections: int = knob(1000, "Clients per member.", ge=1)
    query_wait_timeout_s: float = knob(10, "A query that got no connection for so long is refused.", unit="s", gt=0)
    query_timeout_s: float = knob(
        15, "A query without an answer for so long loses its connection, also a commit that waits for a lost quorum: "
            "whether it took place is then unknown. 0: never. Longer work goes to `pgproxy` directly.", unit="s", ge=0)
    memory_mib: int = knob(64, "Memory limit of one member.", unit="MiB", ge=32)
    cpus: float = knob(0.5, "CPU limit of one member.", unit="cores", gt=0)


class Postgres(Model):
    """Postgres with replicas, automatic failover, and pooled read/write and read-only endpoints."""

    version: int = knob(15, "Major version. The platform's own image has 15; others need `images.postgres`.",
                        ge=13, le=18)
    members: int = knob(3, "Members: one primary, the others replicas. With 1 a lost member loses acknowledged "
                             "writes and nothing takes over.", ge=1, le=9)
    database: str = knob("app", "Database made for the application.", pattern=r"^[a-z][a-z0-9_]{0,40}$")
    user: str = knob("app", "Its owner, as which the application connects.", pattern=r"^[a-z][a-z0-9_]{0,40}$")
    recovery_plan: RecoveryPlan = knob(
        RecoveryPlan.FAST, "Timings of Patroni, etcd, the load balancers, the poolers and the application's pools "
        "together, and what to expect of them: writes go on 3, 6 or 12 s after the primary died (fast, normal, "
        "cautious), and 30, 45 or 90 s after it merely fell silent.")
    ttl_s: int | None = knob(None, "Life of the leader key; empty: the recovery plan's.", unit="s", ge=20)
    loop_wait_s: int | None = knob(None, "Pause of Patroni's loop; empty: the recovery plan's.", unit="s", ge=1)
    retry_timeout_s: int | None = knob(
        None, "How long Patroni tries etcd and Postgres before it gives up; empty: the recovery plan's.",
        unit="s", ge=3)
    max_connections: int = knob(200, "Connections to one member. A change needs a restart of Postgres.", ge=20)
    shared_buffers_mib: int = knob(
        128, "Postgres' own cache. A change needs a restart of Postgres.", unit="MiB", ge=16)
    parameters: dict[str, ParameterValue] = knob(
        dict, "Further Postgres parameters, for example `work_mem: 8MB`; applied without a restart where possible.")
    statement_timeout_ms: int = knob(
        10_000, "A statement of the application is cancelled after this; 0: never. A session may SET its own. (A "
                "commit that waits for a lost quorum is ended by `pgbouncer.query_timeout_s`.)", unit="ms", ge=0)
    idle_in_transaction_timeout_ms: int = knob(
        30_000, "A transaction of the application that does nothing for so long is rolled back. 0: never.",
        unit="ms", ge=0)
    read_lag_mib: int = knob(16, "A replica that is further behind gets no readers.", unit="MiB", ge=1)
    storage_gib: float = knob(10, "Volume of one member.", unit="GiB", ge=1)
    memory_mib: int = knob(512, "Memory limit of one member.", unit="MiB", ge=192)
    cpus: float = knob(2.0, "CPU limit of one member.", unit="cores", gt=0)
    etcd: Etcd = knob(Etcd, "Where Patroni keeps who leads.")
    pgproxy: PgProxy = knob(PgProxy, "Read/write and read-only endpoints.")
    pgbouncer: PgBouncer = knob(PgBouncer, "Connection pools.")

    @property
    def timing(self) -> Timing:
        """The recovery plan with what was overridden."""
        plan = PLANS[self.recovery_plan]
        return replace(plan, ttl_s=self.ttl_s or plan.ttl_s, loop_wait_s=self.loop_wait_s or plan.loop_wait_s,
                       retry_timeout_s=self.retry_timeout_s or plan.retry_timeout_s)

    @property
    def readonly_database(self) -> str:
        """PgBouncer's name for the application's database on replicas."""
        return f"{self.database}_readonly"

    @property
    def readonly_user(self) -> str:
        """The role that may read everything and write nothing."""
        return f"{self.user}_readonly"

    @property
    def max_slot_wal_mib(self) -> int:
        """WAL kept for a replica that is away: a quarter of the volume, then it must be cloned anew."""
        return max(256, math.floor(self.storage_gib * 1024 / 4))

    @model_validator(mode="after")
    def _patroni_keeps_its_lock(self) -> Self:
        """Patroni's own rule: a leader must have given up before its key can expire."""
        timing = self.timing
        needed = timing.loop_wait_s + 2 * timing.retry_timeout_s
        if needed > timing.ttl_s:
            raise ValueError(
                f"ttl_s {timing.ttl_s} is too short: Patroni needs loop_wait_s + 2 x retry_timeout_s = "
                f"{timing.loop_wait_s} + 2 x {timing.retry_timeout_s} = {needed} s; raise ttl_s or lower the others")
        return self

    @model_validator(mode="after")
    def _parameters_are_free(self) -> Self:
        for name in self.parameters:
            if not name.replace("_", "").replace(".", "").isalnum():
                raise ValueError(f"parameters: {name!r} is no name of a Postgres parameter")
            if name.lower() in MANAGED_PARAMETERS:
                own = {"max_connections": "postgres.max_connections",
                       "shared_buffers": "postgres.shared_buffers_mib"}.get(name.lower())
                raise ValueError(f"parameters: {name} " + (f"has a setting of its own: {own}" if own else
                                                           "is decided by the platform (replication, TLS, paths)"))
        return self

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        if self.user in PLATFORM_ROLES or self.user.startswith("pg_"):
            raise ValueError(f"user: {self.user!r} names a role of the platform or of Postgres itself")
        if self.database in SYSTEM_DATABASES:
            raise ValueError(f"database: {self.database!r} is Postgres' own or PgBouncer's console")
        return self

    @model_validator(mode="after")
    def _poolers_fit(self) -> Self:
        """Without a replica readers come to the primary, too: all pools together must fit."""
        pools = self.pgbouncer
        each = pools.pool_size + pools.reserve_pool_size + pools.readers_pool_size
        needed = pools.members * each + RESERVED_CONNECTIONS
        if needed > self.max_connections:
            raise ValueError(
                f"max_connections {self.max_connections} is too low: {pools.members} PgBouncer x (pool_size "
                f"{pools.pool_size} + reserve_pool_size {pools.reserve_pool_size} + readers_pool_size "
                f"{pools.readers_pool_size}) + {RESERVED_CONNECTIONS} reserved = {needed}")
        return self

    @model_validator(mode="after")
    def _statements_end_first(self) -> Self:
        """Of the two timeouts the server's has to come first: it cancels, the pooler's only hangs up."""
        hang_up_ms = self.pgbouncer.query_timeout_s * 1000
        if 0 < hang_up_ms <= self.statement_timeout_ms:
            raise ValueError(f"statement_timeout_ms {self.statement_timeout_ms} must be shorter than pgbouncer."
                             f"query_timeout_s {self.pgbouncer.query_timeout_s:g} s, which would hang up first")
        return self

    @model_validator(mode="after")
    def _memory_fits(self) -> Self:
        if self.shared_buffers_mib > self.memory_mib // 2:
            raise ValueError(f"shared_buffers_mib {self.shared_buffers_mib} is over half of memory_mib "
                             f"{self.memory_mib}: nothing would be left for sessions")
        return self
