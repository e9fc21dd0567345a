"""Traces: where a request spent its time, kept by Jaeger.

    access logs of Nginx and HAProxy -> collector (``monitoring_collector``) -> jaeger
    workers, by OpenTelemetry's own protocol -> collector -> jaeger

Neither Nginx nor HAProxy has a tracer in Debian's packages, and none is needed: a line of an access log says all that
a span does, once it also tells of its trace. What edge and workers are told for that is in ``components/tracing``.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.settings.traces import Traces
from components.tier import Tier, go_environment
from components.workload import (
    CONFIG_DIR,
    DATA_DIR,
    Effect,
    HealthCheck,
    Metrics,
    Port,
    Resources,
    Volume,
    Workload,
    Zone,
    answers,
)

JAEGER = "jaeger"
JAEGER_PORT, JAEGER_SPANS_PORT, FIGURES_PORT, HEALTH_PORT = 16686, 4318, 8888, 13133
JAEGER_FILE = "jaeger.yml"
SPAN_ATTRIBUTES: Mapping[str, str] = {
    "http.request.method": "method", "url.path": "path", "http.response.status_code": "status",
    "request.id": "request_id", "level": "level", "cache": "cache", "colour": "colour", "upstream": "upstream",
    "upstream.status": "upstream_status", "backend": "backend", "server": "server", "retries": "retries",
    "terminated": "terminated", "queue_ms": "queue_ms", "connect_ms": "connect_ms", "answer_ms": "answer_ms",
}
"""Attribute of a span -> field of a line of Nginx' or HAProxy's access log. The first three are OpenTelemetry's
semantic conventions for HTTP."""


def workloads(tier: Tier, settings: Traces) -> list[Workload]:
    """Jaeger; nothing where requests are not traced."""
    if not settings.enabled:
        return []
    return [Workload(
        name=JAEGER, tier=tier.kind, image=JAEGER, count=1, zones=(Zone.WATCH,),
        resources=Resources(memory_mib=settings.memory_mib, cpus=settings.cpus),
        health=HealthCheck(answers(HEALTH_PORT, "/status")),
        command=("jaeger", f"--config={CONFIG_DIR}/{JAEGER_FILE}"),
        environment=go_environment(settings.memory_mib),
        files=lambda _member: [tier.file(
            JAEGER_FILE, "jaeger/jaeger.yml.j2", effect=Effect.RESTART, settings=settings, port=JAEGER_PORT,
            spans_port=JAEGER_SPANS_PORT, figures_port=FIGURES_PORT, health_port=HEALTH_PORT, data_dir=DATA_DIR)],
        ports=(Port("jaeger", JAEGER_PORT), Port("spans", JAEGER_SPANS_PORT)), metrics=(Metrics(FIGURES_PORT),),
        volumes=(Volume("data", size_gib=settings.size_gib, protected=False),), stop_grace_s=15)]
