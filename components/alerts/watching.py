"""Whether we would notice: exporters, rules, and the way to people."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group
from components.settings import Settings
from components.workload import Workload

TIER = {"tier": "monitoring"}


def group(_settings: Settings, _declared: Sequence[Workload]) -> Group:
    """What can't be seen by Prometheus itself (its own death) the supervisors and `make status` show."""
    return Group("watching", [], [
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
    ])
