"""What the members of a small Redis Cluster see, for tests of what decides about it."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.evenkeel.platform.plugins.module_utils import redis_cluster
from ansible_collections.evenkeel.platform.plugins.module_utils.redis_cluster import Sight

Moving = Mapping[str, str]
"""Member -> what its own line says of open slots, ``[5->-id-redis-2]``."""


def domains(count: int) -> dict[str, str]:
    return {f"redis-{number}": "abc"[(number - 1) % 3] for number in range(1, count + 1)}


def sights(masters: Mapping[str, str], replicas: Mapping[str, str], moving: Moving | None = None,
           views: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, Sight]:
    """``masters``: member -> its slots as Redis writes them. ``replicas``: member -> its master. ``views``: who sees
    other slots than these."""
    moving, views = moving or {}, views or {}
    return {me: _sight(me, {**masters, **views.get(me, {})}, replicas, moving.get(me, ""))
            for me in [*masters, *replicas]}


def _sight(me: str, masters: Mapping[str, str], replicas: Mapping[str, str], moving: str) -> Sight:
    lines = []
    for name in [*masters, *replicas]:
        role = "master" if name in masters else "slave"
        flags = f"myself,{role}" if name == me else role
        master = f"id-{replicas[name]}" if name in replicas else "-"
        lines.append(f"id-{name} 10.0.0.1:6379@16379,{name} {flags} {master} 0 0 1 connected {masters.get(name, '')} "
                     f"{moving if name == me else ''}")
    return redis_cluster.read(me, "\n".join(lines), "cluster_state:ok", "master_link_status:up")


def stranger(name: str) -> Sight:
    """A member that knows nobody."""
    return redis_cluster.read(name, f"new-{name} 10.0.0.9:6379@16379,{name} myself,master - 0 0 0 connected", "", "")
