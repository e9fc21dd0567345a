"""The OpenTelemetry Collector: it reads what every member says, and takes the spans of workers.

    every container -> the engine's file of it -> collector -> loki
                       access logs of the edge, workers -> collector -> jaeger

It runs where logs are kept or requests are traced, with those pipes alone that lead somewhere.
"""

from __future__ import annotations

from components.monitoring_logs import LABELS, LOKI, LOKI_PORT
from components.monitoring_traces import JAEGER, JAEGER_SPANS_PORT, SPAN_ATTRIBUTES
from components.settings import SettingsError
from components.settings.monitoring import Monitoring
from components.tier import Tier, go_environment
from components.workload import (
    CONFIG_DIR,
    DATA_DIR,
    LOGS_DIR,
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

COLLECTOR = "collector"
FIGURES_PORT, SPANS_PORT = 8888, 4318
COLLECTOR_FILE = "collector.yml"
TO_LOKI = "otlp_http/loki"
"""Its name of the pipe, in its configuration and in its figures."""


def workloads(tier: Tier, monitoring: Monitoring) -> list[Workload]:
    """None where it has nothing to do. Raises ``SettingsError`` where the target does not show it what others say."""
    logs, traces = monitoring.logs, monitoring.traces
    if not logs.enabled and not traces.enabled:
        return []
    if not tier.context.target.shows_logs:
        what = "logs" if logs.enabled else "traces"
        raise SettingsError(f"monitoring.{what}.enabled: this target shows no member what the others say; a cluster "
                            "has its own collector.\nNothing was changed. Next: `pulumi config set --path "
                            f"evenkeel:monitoring.{what}.enabled false`")
    names = tier.context.names
    return [Workload(
        name=COLLECTOR, tier=tier.kind, image=COLLECTOR, count=1,
        zones=(Zone.WATCH, Zone.APP) if traces.enabled else (Zone.WATCH,),
        resources=Resources(memory_mib=logs.collector_memory_mib, cpus=logs.collector_cpus),
        health=HealthCheck(answers(FIGURES_PORT, "/metrics")),
        command=("collector", f"--config={CONFIG_DIR}/{COLLECTOR_FILE}"),
        environment=go_environment(logs.collector_memory_mib),
        files=lambda _member: [tier.file(
            COLLECTOR_FILE, "collector/collector.yml.j2", effect=Effect.RESTART, stack=tier.context.stack, logs=logs,
            traces=traces, labels=LABELS, logs_dir=LOGS_DIR, data_dir=DATA_DIR, figures_port=FIGURES_PORT,
            spans_port=SPANS_PORT, span_attributes=SPAN_ATTRIBUTES, to_loki=TO_LOKI,
            loki=f"http://{names.member(LOKI, 1)}:{LOKI_PORT}/otlp",
            jaeger=f"http://{names.member(JAEGER, 1)}:{JAEGER_SPANS_PORT}")],
        reads_logs=True, ports=(Port("spans", SPANS_PORT),) if traces.enabled else (), metrics=(Metrics(FIGURES_PORT),),
        volumes=(Volume("data", size_gib=logs.buffer_mib / 1024, protected=False),), stop_grace_s=15)]
