"""What those are told whose requests are traced: Nginx and HAProxy by their templates, workers by their environment.

The edge begins every trace: what a client says of one is nobody's business but its own. The trace has the request's
identifier, so whoever has a line of a log has the trace.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.monitoring_collector import COLLECTOR, SPANS_PORT
from components.names import Names
from components.settings.monitoring import Monitoring

SPANS_EVERY_MS = 1000
"""How often a worker sends what it has."""


def percent(monitoring: Monitoring) -> str | None:
    """Of all requests that are traced to the end, as Nginx reads it; None where none are."""
    return f"{100 * monitoring.traces.share:.2f}" if _on(monitoring) else None


def environment(monitoring: Monitoring, names: Names, service: str, **attributes: str) -> Mapping[str, str]:
    """Variables that every SDK of OpenTelemetry reads (its specification, "Environment Variables"). A worker traces
    what the edge said is to be traced, and nothing by itself: checks of its health come by no edge."""
    if not _on(monitoring):
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{names.member(COLLECTOR, 1)}:{SPANS_PORT}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": service,
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{name}={value}" for name, value in attributes.items()),
        "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
        "OTEL_PROPAGATORS": "tracecontext",
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        # The edge's part is there after a second, too.
        "OTEL_BSP_SCHEDULE_DELAY": str(SPANS_EVERY_MS),
    }


def _on(monitoring: Monitoring) -> bool:
    return monitoring.enabled and monitoring.traces.enabled
