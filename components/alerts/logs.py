"""Whether what members say is kept, and where requests spend their time."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import CRITICAL, WARNING, Alert, Group
from components.monitoring_collector import TO_LOKI
from components.settings import Settings
from components.workload import Workload

TIER = {"tier": "monitoring"}
WAITING_PERCENT = 50
"""Of the collector's buffer."""


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """Of what is kept. That the collector, Loki or Jaeger is gone is ``MemberDown``'s."""
    kept = settings.monitoring
    return Group("logs", [], [*(_LOGS if kept.logs.enabled else ()), *(_TRACES if kept.traces.enabled else ())])


_LOGS = (
    Alert("LogsWaiting", WARNING,
          f'100 * sum by (stack) (otelcol_exporter_queue_size{{exporter="{TO_LOKI}"}}) / sum by (stack) '
          f'(otelcol_exporter_queue_capacity{{exporter="{TO_LOKI}"}}) > {WAITING_PERCENT}',
          'Loki does not take what members say: {{ $value | printf "%.0f" }} % of the buffer is full, the limit is '
          f"{WAITING_PERCENT} %; afterwards lines wait in the containers' own files, and the oldest of them go",
          "logs-not-kept", 30, TIER),
    Alert("LogsLost", CRITICAL,
          "sum by (stack) (increase(otelcol_exporter_send_failed_log_records_total[5m]) or "
          "increase(otelcol_exporter_enqueue_failed_log_records_total[5m])) > 0",
          'lines that members said were refused and are lost: {{ $value | printf "%.0f" }} within 5 min',
          "logs-not-kept", 0, TIER),
)
_TRACES = (
    Alert("TracesLost", WARNING,
          "sum by (stack) (increase(otelcol_exporter_send_failed_spans_total[5m]) or "
          "increase(otelcol_exporter_enqueue_failed_spans_total[5m])) > 0",
          'Jaeger does not take where requests spend their time: {{ $value | printf "%.0f" }} spans were lost within '
          "5 min",
          "traces-not-kept", 60, TIER),
)
