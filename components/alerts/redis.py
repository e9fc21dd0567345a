"""Redis Cluster: whether every slot has a master, and every master a replica."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group, Record
from components.settings import Settings
from components.workload import Workload

SLOTS = 16384
HITS, LOOKUPS = "evenkeel:cache_hits:percent", "evenkeel:cache_lookups:rate5m"
FEW_LOOKUPS = 10
"""Look-ups a second below which the share of hits says nothing."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """``max`` over the members: one that is cut off believes that all others failed."""
    limits = settings.monitoring.thresholds
    found, missed = (f"sum by (stack) (rate(redis_keyspace_{what}_total[5m]))" for what in ("hits", "misses"))
    alone = [Alert("RedisMasterAlone", WARNING,
                   'redis_connected_slaves == 0 and on (stack, member) redis_instance_info{role="master"}',
                   "{{ $labels.member }} has no replica: were it lost, so were its keys", "redis-master-lost", 60)]
    return Group("redis", [
        Record(LOOKUPS, f"{found} + {missed}"),
        Record(HITS, f"100 * {found} / {LOOKUPS} and {LOOKUPS} > {FEW_LOOKUPS}"),
    ], [
        Alert("RedisSlotsUncovered", CRITICAL, f"{SLOTS} - max by (stack) (redis_cluster_slots_ok) > 0",
              f"{{{{ $value }}}} of {SLOTS} slots have no master: their keys can't be reached", "redis-slots-uncovered",
              labels={"tier": "redis"}),
        *(alone if settings.redis.replicas_per_master else []),
        Alert("RedisReplicaBroken", WARNING, "redis_master_link_up == 0",
              "{{ $labels.member }} has lost its master: it can't take over with what was written since",
              "redis-master-lost", 60),
        Alert("RedisMemoryFull", WARNING,
              f"100 * redis_memory_used_bytes / (redis_memory_max_bytes > 0) > {limits.memory_critical:g}",
              '{{ $labels.member }} uses {{ $value | printf "%.1f" }} % of its data memory, the limit is '
              f"{limits.memory_critical:g} %: keys with a TTL are evicted, then writes are refused",
              "redis-memory-full", 300),
        Alert("CacheMisses", WARNING, f"{HITS} < {limits.cache_hits_warning:g}",
              'only {{ $value | printf "%.1f" }} % of the look-ups in Redis find something, the limit is '
              f"{limits.cache_hits_warning:g} %", "cache-misses", 600, {"tier": "redis"}),
    ])
