"""How well the platform is, in one figure: a score of 0 to 100 for each tier, and one for all by their weights.

A tier's score begins with the share of its members that are up, and loses points to the worst of its alerts that fire.
It says how much is wrong, never what: the reasons are the members that are down and the alerts.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.members import MEMBER_UP
from components.alerts.rule import CRITICAL, WARNING, Group, Record
from components.settings import Settings
from components.workload import Workload

HEALTH, TIER_HEALTH, WEIGHT = "evenkeel:health", "evenkeel:tier_health", "evenkeel:tier_weight"
TAKES = {CRITICAL: 50, WARNING: 20}
"""Points. What is only told (info) costs none."""
COUNTED_ALREADY = "MemberDown"
"""The share of members says the same."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """A tier that tells nothing at all has no score, and does not count."""
    # The machine has no members: it is whole until an alert says otherwise.
    whole = (f"(100 * avg by (stack, tier) ({MEMBER_UP}) or label_replace(100 * group by (stack) "
             '(node_memory_MemTotal_bytes), "tier", "machine", "", ""))')
    taken = " or ".join(
        f'{points} * ALERTS{{alertstate="firing", severity="{severity}", tier!="", alertname!="{COUNTED_ALREADY}"}}'
        for severity, points in TAKES.items())
    weights = settings.monitoring.health.weights.by_tier()
    return Group("health", [
        *(Record(WEIGHT, f"vector({weight:g})", {"tier": tier}) for tier, weight in weights.items() if weight),
        Record(TIER_HEALTH, f"clamp_min({whole} - (max by (stack, tier) ({taken}) or 0 * {whole}), 0)"),
        Record(HEALTH, f"sum by (stack) ({TIER_HEALTH} * on (tier) group_left () {WEIGHT}) / "
                       f"sum by (stack) (0 * {TIER_HEALTH} + on (tier) group_left () {WEIGHT})"),
    ])
