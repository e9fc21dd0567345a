"""Who is there: members, workloads, failure domains."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group, Record
from components.settings import Settings
from components.workload import Workload

MEMBER_UP = "evenkeel:member_up"
LABELS = "stack, tier, workload, member, domain, colour"
TOLD_BY = ('up{exporter=""}', "pg_up", "pgbouncer_up", "redis_up", "nginx_up", "evenkeel_member_running")
"""1 or 0 for a member: it answered Prometheus, or an exporter, and its container runs."""


USED = (f"100 * max by ({LABELS}) (evenkeel_member_memory_bytes) / max by ({LABELS}) "
        "(evenkeel_member_memory_limit_bytes)")
"""Of what a member may have; what the kernel could take back is not in it."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """A member is down when any of those who ask it says so."""
    return Group("members", [Record(MEMBER_UP, f"min by ({LABELS}) ({' or '.join(TOLD_BY)})")], [
        Alert("MemberDown", WARNING, f"{MEMBER_UP} == 0",
              "{{ $labels.member }} ({{ $labels.tier }}, domain {{ $labels.domain }}) does not answer or does not run",
              "member-down"),
        Alert("ServiceDown", CRITICAL, f"max by (stack, tier, workload) ({MEMBER_UP}) == 0",
              "no member of {{ $labels.workload }} ({{ $labels.tier }}) answers: what it does nobody does",
              "service-down"),
        # Of one member a domain would only say the same.
        Alert("DomainDown", CRITICAL, f"max by (stack, domain) ({MEMBER_UP}) == 0 and "
              f"count by (stack, domain) ({MEMBER_UP}) > 1",
              "no member in the failure domain {{ $labels.domain }} answers: a machine, a zone or its network is gone",
              "domain-down"),
        Alert("MemberMemoryFull", WARNING, f"{USED} > {settings.monitoring.thresholds.memory_critical:g}",
              '{{ $labels.member }} uses {{ $value | printf "%.0f" }} % of the memory that it may, the limit is '
              f"{settings.monitoring.thresholds.memory_critical:g} %: at 100 % the kernel ends it",
              "member-memory-full", 300),
    ])
