"""The settings that `make bench-change` changes, one after the other: every tier and every kind of effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """``setting``: its key, dotted, below ``evenkeel:``. ``pauses``: said beforehand to pause the writer."""

    setting: str
    value: Any
    pauses: bool = False

    @property
    def nested(self) -> dict[str, Any]:
        """As a stack's file holds it."""
        made: Any = self.value
        for key in reversed(self.setting.split(".")):
            made = {key: made}
        return dict(made)


CHANGES = (
    Change("edge.limits.body_mib", 8),
    Change("edge.nginx.workers", 1),
    Change("edge.nginx.memory_mib", 256),
    Change("edge.cache.coalesce_wait_s", 3),
    Change("edge.tls.session_s", 3600),
    Change("edge.headers.frame_options", "DENY"),
    Change("edge.haproxy.checks.interval_ms", 800),
    Change("edge.haproxy.queue", 600),
    Change("edge.rate_limits.tiers", {"gold": 5}),
    Change("edge.breaker.failures", 6),
    Change("app.pools.web.balance", "roundrobin"),
    Change("app.pools.web.memory_mib", 320),
    Change("app.environment", {"GREETING": "hello"}),
    Change("app.database_pool.maximum", 18),
    Change("app.pools.web.workers", 3),
    Change("app.colours.green.workers", 1),
    Change("postgres.statement_timeout_ms", 9000),
    Change("postgres.parameters", {"work_mem": "8MB"}),
    Change("postgres.max_connections", 220, pauses=True),
    Change("postgres.pgbouncer.pool_size", 24),
    Change("postgres.pgproxy.max_connections", 1200),
    Change("postgres.etcd.memory_mib", 224),
    Change("redis.slow_command_ms", 30),
    Change("redis.memory.data_mib", 96),
)
