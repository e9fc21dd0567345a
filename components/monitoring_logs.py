"""Logs: what every member says, read from the engine's files, kept by Loki.

    every container -> the engine's file of it -> collector -> loki

A line is labelled with stack, tier, workload, member, domain, colour and pool, each of a few values. The request that
it belongs to is kept beside it (``trace_id``), not as a label: every value of one is a stream with files of its own.

No member knows that it is read, and none waits for it: where the collector or Loki is gone, lines stay in the engine's
files, 30 MB of each container, and are read afterwards.
"""

from __future__ import annotations

from components.settings import SettingsError
from components.settings.logs import Logs
from components.tier import Tier
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

LOKI, COLLECTOR = "loki", "collector"
LOKI_PORT, FIGURES_PORT = 3100, 8888
LOKI_FILE, COLLECTOR_FILE = "loki.yml", "collector.yml"
LABELS = ("stack", "tier", "workload", "member", "domain", "colour", "pool")
MEMORY_SHARE = 0.9
"""Of its limit that a process of Go should stay below: it cleans up more eagerly when it comes near."""


def workloads(tier: Tier, settings: Logs) -> list[Workload]:
    """Both; none where logs are not kept. Raises ``SettingsError`` where the target does not show them."""
    if not settings.enabled:
        return []
    if not tier.context.target.shows_logs:
        raise SettingsError("monitoring.logs.enabled: this target shows no member what the others say; a cluster has "
                            "its own collector.\nNothing was changed. Next: `pulumi config set --path "
                            "evenkeel:monitoring.logs.enabled false`")
    return [_loki(tier, settings), _collector(tier, settings)]


def _loki(tier: Tier, settings: Logs) -> Workload:
    return Workload(
        name=LOKI, tier=tier.kind, image=LOKI, count=1, zones=(Zone.WATCH,),
        resources=Resources(memory_mib=settings.loki_memory_mib, cpus=settings.loki_cpus),
        health=HealthCheck(answers(LOKI_PORT, "/ready")),
        command=("loki", f"-config.file={CONFIG_DIR}/{LOKI_FILE}"),
        environment={"GOMEMLIMIT": f"{settings.loki_memory_mib * MEMORY_SHARE:.0f}MiB"},
        files=lambda _member: [tier.file(LOKI_FILE, "loki/loki.yml.j2", effect=Effect.RESTART, settings=settings,
                                         labels=LABELS, port=LOKI_PORT, data_dir=DATA_DIR)],
        ports=(Port("loki", LOKI_PORT),), metrics=(Metrics(LOKI_PORT),),
        volumes=(Volume("data", size_gib=settings.size_gib, protected=False),), stop_grace_s=30)


def _collector(tier: Tier, settings: Logs) -> Workload:
    names = tier.context.names
    return Workload(
        name=COLLECTOR, tier=tier.kind, image=COLLECTOR, count=1, zones=(Zone.WATCH,),
        resources=Resources(memory_mib=settings.collector_memory_mib, cpus=settings.collector_cpus),
        health=HealthCheck(answers(FIGURES_PORT, "/metrics")),
        command=("collector", f"--config={CONFIG_DIR}/{COLLECTOR_FILE}"),
        environment={"GOMEMLIMIT": f"{settings.collector_memory_mib * MEMORY_SHARE:.0f}MiB"},
        files=lambda _member: [tier.file(
            COLLECTOR_FILE, "collector/collector.yml.j2", effect=Effect.RESTART, stack=tier.context.stack,
            settings=settings, labels=LABELS, logs_dir=LOGS_DIR, data_dir=DATA_DIR, figures_port=FIGURES_PORT,
            loki=f"http://{names.member(LOKI, 1)}:{LOKI_PORT}/otlp")],
        reads_logs=True, metrics=(Metrics(FIGURES_PORT),),
        volumes=(Volume("data", size_gib=settings.buffer_mib / 1024, protected=False),), stop_grace_s=15)
