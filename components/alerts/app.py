"""How quickly the application answers, by its own histogram."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import Group, Record, above
from components.settings import Settings
from components.workload import Workload

P95 = "evenkeel:answer_ms:p95"


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """Where the application tells none, these are silent."""
    limits, series = settings.monitoring.thresholds, settings.monitoring.answer_times
    return Group("app", [
        Record(P95, f"1000 * histogram_quantile(0.95, sum by (stack, le) (rate({series}[2m])))"),
    ], above("SlowAnswers", P95, (limits.p95_warning, limits.p95_critical),
             "95 % of the requests are answered within", "slow-answers", unit="ms", for_s=(120, 60),
             labels={"tier": "app"}))
