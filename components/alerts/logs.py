"""Whether what members say is kept."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group
from components.settings import Settings
from components.workload import Workload

TIER = {"tier": "monitoring"}
WAITING_PERCENT = 50
"""Of the collector's buffer."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """Nothing where logs are not kept. That the collector or Loki is gone is ``MemberDown``'s."""
    if not settings.monitoring.logs.enabled:
        return Group("logs")
    return Group("logs", [], [
        Alert("LogsWaiting", WARNING,
              "100 * sum by (stack) (otelcol_exporter_queue_size) / sum by (stack) (otelcol_exporter_queue_capacity) "
              f"> {WAITING_PERCENT}",
              'Loki does not take what members say: {{ $value | printf "%.0f" }} % of the buffer is full, the limit is '
              f"{WAITING_PERCENT} %; afterwards lines wait in the containers' own files, and the oldest of them go",
              "logs-not-kept", 30, TIER),
        Alert("LogsLost", CRITICAL,
              "sum by (stack) (increase(otelcol_exporter_send_failed_log_records_total[5m]) or "
              "increase(otelcol_exporter_enqueue_failed_log_records_total[5m])) > 0",
              'lines that members said were refused and are lost: {{ $value | printf "%.0f" }} within 5 min',
              "logs-not-kept", 0, TIER),
    ])
