"""Logs: what every member says, kept by Loki.

    every container -> the engine's file of it -> collector (``monitoring_collector``) -> loki

A line is labelled with stack, tier, workload, member, domain, colour and pool, each of a few values. The request that
it belongs to is kept beside it (``trace_id``), not as a label: every value of one is a stream with files of its own.

No member knows that it is read, and none waits for it: where the collector or Loki is gone, lines stay in the engine's
files, 30 MB of each container, and are read afterwards.
"""

from __future__ import annotations

from components.settings.logs import Logs
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

LOKI = "loki"
LOKI_PORT = 3100
LOKI_FILE = "loki.yml"
LABELS = ("stack", "tier", "workload", "member", "domain", "colour", "pool")


def workloads(tier: Tier, settings: Logs) -> list[Workload]:
    """Loki; nothing where logs are not kept."""
    return [_loki(tier, settings)] if settings.enabled else []


def _loki(tier: Tier, settings: Logs) -> Workload:
    return Workload(
        name=LOKI, tier=tier.kind, image=LOKI, count=1, zones=(Zone.WATCH,),
        resources=Resources(memory_mib=settings.loki_memory_mib, cpus=settings.loki_cpus),
        health=HealthCheck(answers(LOKI_PORT, "/ready")),
        command=("loki", f"-config.file={CONFIG_DIR}/{LOKI_FILE}"),
        environment=go_environment(settings.loki_memory_mib),
        files=lambda _member: [tier.file(LOKI_FILE, "loki/loki.yml.j2", effect=Effect.RESTART, settings=settings,
                                         labels=LABELS, port=LOKI_PORT, data_dir=DATA_DIR)],
        ports=(Port("loki", LOKI_PORT),), metrics=(Metrics(LOKI_PORT),),
        volumes=(Volume("data", size_gib=settings.size_gib, protected=False),), stop_grace_s=30)
