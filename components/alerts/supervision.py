"""Who brings members back, and whether they can."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group
from components.settings import Settings
from components.workload import Workload

BLIND_S = 30
DEATHS = 3
"""Of one member in ten minutes."""
ACTIONS = "evenkeel_supervisor_actions_total"


def group(_settings: Settings, declared: Sequence[Workload]) -> Group:
    """Nothing where the engine restarts members by itself."""
    if not any(workload.name == "supervisor" for workload in declared):
        return Group("supervision")
    tier = {"tier": "supervision"}
    return Group("supervision", [], [
        Alert("NobodyLeads", WARNING, "sum by (stack) (evenkeel_supervisor_leads) == 0",
              "no supervisor leads: they can't reach etcd and act without asking, or do not run", "supervision-lost",
              30, tier),
        Alert("SupervisorBlind", WARNING, f"time() - evenkeel_supervisor_engine_seen_seconds > {BLIND_S}",
              '{{ $labels.member }} has not seen the engine for {{ $value | printf "%.0f" }} s: it notices no death',
              "supervision-lost"),
        Alert("FencerPowerless", CRITICAL, f'sum by (stack) (increase({ACTIONS}{{action="not released"}}[2m])) > 0',
              "the primary is silent, and the fencer can't prove that it is dead: writes wait until its key expires",
              "primary-hangs", 0, tier),
        Alert("MemberKeepsDying", WARNING,
              f"sum by (stack, tier, workload, member) (increase(evenkeel_member_returns_total[10m])) > {DEATHS}",
              '{{ $labels.member }} died {{ $value | printf "%.0f" }} times within ten minutes',
              "member-keeps-dying", 0),
    ])
