"""Whether we would notice: exporters, rules, Prometheus' own disk, and the way to people."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import ALL_IS_WELL, CRITICAL, WARNING, Alert, Group
from components.settings import Settings
from components.settings.routes import Kind
from components.workload import Workload

TIER = {"tier": "monitoring"}
BLIND, WATCHING = "FiguresNotKept", "Watching"
ROUNDS = 3
"""Without a figure: a round that is missing may be one that was slow."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """What can't be seen by Prometheus itself (its own death, and that of the machine) a heartbeat that stays away
    tells, and `make status` shows."""
    own = settings.monitoring
    interval_s = own.prometheus.interval_s
    quiet_s = ROUNDS * interval_s
    beats = any(route.kind is Kind.HEARTBEAT for route in own.routes.values())
    return Group("watching", [], [
        # A Prometheus that can't write still judges, by what it knew; so this is of what is missing.
        Alert(BLIND, CRITICAL, f"absent_over_time(up[{quiet_s}s])",
              f"Prometheus has kept no figure for {quiet_s} s: its disk takes nothing more, or it asks nobody; until "
              "it does no other alert can be trusted, nor that one is over", "not-watched", 2 * interval_s, TIER),
        # Blackbox answers for certificates and checks, too, which are asked for seldom: one failure would last long.
        Alert("ExporterDown", WARNING, 'min by (stack, exporter) (up{exporter!~"|certificate|check"}) == 0',
              "the exporter {{ $labels.exporter }} does not answer: nothing is known of those whom it asks",
              "not-watched", 30, TIER),
        Alert("RulesFailing", WARNING, "sum by (stack, rule_group) (increase(prometheus_rule_evaluation_failures_total"
              "[5m])) > 0", "rules can't be judged ({{ $labels.rule_group }})", "not-watched", 60, TIER),
        Alert("ConfigurationRefused", WARNING, "prometheus_config_last_reload_successful == 0 or "
              "alertmanager_config_last_reload_successful == 0",
              "{{ $labels.member }} refused its configuration and goes on with the one before", "not-watched", 30),
        Alert("AlertsNotTold", CRITICAL, "sum by (stack, integration) (increase(alertmanager_notifications_failed_total"
              "[5m])) > 0 or sum by (stack) (increase(prometheus_notifications_dropped_total[5m])) > 0",
              "alerts do not reach people by {{ $labels.integration }}", "not-watched", 60, TIER),
        *([Alert(WATCHING, ALL_IS_WELL, f"sum by (stack) (count_over_time(up[{quiet_s}s])) > 0",
                 "figures come in, are kept and are judged", "", 0, TIER)] if beats else ()),
    ])
