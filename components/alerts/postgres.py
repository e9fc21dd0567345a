"""Postgres, etcd, PgBouncer: who writes, whether an acknowledged write is on two disks, who waits for a connection."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, INFO, WARNING, Alert, Group, above
from components.settings import Settings
from components.workload import Workload

MIB = 2**20
TIER = {"tier": "postgres"}


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """A failover takes seconds, and this tier ends it by itself: alerts wait for longer than that."""
    limits = settings.monitoring.thresholds
    pool = (limits.pool_warning, limits.pool_critical)
    replicated = settings.postgres.members > 1
    return Group("postgres", [], [
        Alert("NoPrimary", CRITICAL, "sum by (stack) (patroni_primary) == 0",
              "no member of Postgres is primary: nothing can be written", "no-primary", labels=TIER),
        Alert("SeveralPrimaries", CRITICAL, "sum by (stack) (patroni_primary) > 1",
              "{{ $value }} members of Postgres say that they are primary", "several-primaries", labels=TIER),
        *([Alert("QuorumNotInForce", CRITICAL,
                 "sum by (stack) (patroni_quorum_standby + patroni_sync_standby) == 0 "
                 "and sum by (stack) (patroni_primary) == 1",
                 "no replica confirms writes: they wait until one is back", "replica-lost", 30, TIER)]
          if replicated else []),
        *above("ReplicationLag", f"pg_replication_lag_bytes / {MIB}", (limits.lag_warning, limits.lag_critical),
               "{{ $labels.replica }} has yet to replay", "replication-lag", unit="MiB", for_s=(60, 60)),
        Alert("SlotUnused", WARNING, "pg_slot_active == 0",
              "nobody reads from the replication slot {{ $labels.slot }} of {{ $labels.member }}: what is kept for it "
              "grows", "replica-lost", 900),
        Alert("FailsafeActive", WARNING, "max by (stack) (patroni_failsafe_mode_is_active) == 1",
              "etcd can't be reached: the primary goes on only because all members confirm it", "etcd-lost",
              labels=TIER),
        Alert("PatroniPaused", WARNING, "max by (stack) (patroni_is_paused) == 1",
              "Patroni is paused for half an hour: nobody would take over from a primary that dies", "patroni-paused",
              1800, TIER),
        Alert("RestartPending", INFO, "patroni_pending_restart == 1",
              "{{ $labels.member }} waits for a restart to take over a parameter", "restart-pending", 900),
        Alert("EtcdWithoutLeader", CRITICAL, "max by (stack) (etcd_server_has_leader) == 0",
              "etcd has no leader: no primary can be elected, and releases can't begin", "etcd-lost", labels=TIER),
        *above("PoolFull", "100 * pgbouncer_servers_active / (pgbouncer_pool_size > 0)", pool,
               "{{ $labels.member }} uses its connections of {{ $labels.database }}", "pool-full",
               unit="%", for_s=(60, 30)),
        *above("ConnectionsFull", "100 * sum by (stack, tier, workload, member, domain) (pg_connections_count) "
               "/ sum by (stack, tier, workload, member, domain) (pg_limits_connections)", pool,
               "{{ $labels.member }} uses its connections", "pool-full", unit="%",
               for_s=(60, 30)),
    ])
