"""Rules of the stack's settings."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import Alert, Group, Record
from components.settings import Settings
from components.workload import Workload


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """As they are written; promtool judges them before Prometheus loads them."""
    own = settings.monitoring
    return Group("own", [Record(name, expression) for name, expression in own.records.items()], [
        Alert(name, alert.severity.value, alert.expression, alert.says, alert.runbook, alert.for_s)
        for name, alert in own.alerts.items()])
