"""Settings of what keeps traces."""

from __future__ import annotations

from components.settings.base import Model, knob


class Traces(Model):
    """Where a request spent its time, from Nginx to the database: the OpenTelemetry Collector makes spans of the edge's
    access log and takes those of the application, Jaeger keeps them. Both are built from their sources where this is
    first on, which takes about ten minutes, once."""

    enabled: bool = knob(False, "Trace. Nginx then gives every request a `traceparent`, and workers get the "
                                "`OTEL_` variables that every OpenTelemetry SDK reads.")
    share: float = knob(0.1, "Of all requests: how many are traced to the database. The edge's part of whatever failed "
                             "or was slow is kept besides.", gt=0, le=1)
    slow_s: float = knob(1, "From when on a request counts as slow.", unit="s", gt=0)
    retention_hours: int = knob(72, "Traces older than this go.", unit="h", ge=1)
    size_gib: float = knob(2, "What the disk is expected to hold of them, for estimates of cost: traces go by age.",
                           unit="GiB", gt=0)
    memory_mib: int = knob(384, "Memory limit of Jaeger.", unit="MiB", ge=128)
    cpus: float = knob(0.5, "CPU limit of Jaeger.", unit="cores", gt=0)
