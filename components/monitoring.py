"""The monitoring tier: Prometheus asks every member for its figures and judges them; two alert managers tell people.

    prometheus -> members that speak its format (HAProxy, Patroni, etcd, workers, supervisors ...)
               -> exporters -> those that don't (Postgres, PgBouncer, Redis, Nginx), the machine, the front door
               -> alertmanager -> people

What members say is kept besides, and where requests spend their time, where the settings ask for it
(``monitoring_collector``, ``monitoring_logs``, ``monitoring_traces``).

Whom to ask is told by the platform itself: each workload says where it tells its figures (``Workload.metrics``), and
``monitoring_targets`` makes targets of that. Rules are in ``components/alerts``.

It deliberately does not publish anything: figures are no secret, but they are no visitor's business either. The alert
managers obey whoever reaches them, so only this tier does (``Zone.WATCH``). And it protects no volume: what it keeps
can be done without, and a setting must be enough to switch it off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from components import monitoring_collector, monitoring_logs, monitoring_traces
from components import monitoring_exporters as exporters
from components import monitoring_targets as targets
from components.alerts import groups
from components.alerts.watching import WATCHING
from components.settings.monitoring import Monitoring as MonitoringSettings
from components.stack_config import own_secret
from components.tier import Tier
from components.workload import (
    CONFIG_DIR,
    DATA_DIR,
    ConfigFile,
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

PROMETHEUS, ALERTMANAGER, EXPORTERS = "prometheus", "alertmanager", "exporters"
PROMETHEUS_PORT, ALERTMANAGER_PORT, GOSSIP_PORT = 9090, 9093, 9094
PROMETHEUS_FILE, ALERTMANAGER_FILE = "prometheus.yml", "alertmanager.yml"
SECRETS = "secrets"
TEST_LABEL = "test_route"
"""Label of an alert that is only to try the route which it names (``make alert-test``)."""
HEAD_GIB = 1
"""What the newest hours and a compaction take besides what is kept."""


class Monitoring(Tier):
    """Workloads ``exporters``, ``alertmanager``, ``prometheus``, and those that keep logs and traces."""

    kind = "monitoring"

    @property
    def settings(self) -> MonitoringSettings:
        return self.context.settings.monitoring

    def workloads(self) -> list[Workload]:
        if not self.settings.enabled:
            return []
        return [self._exporters(), self._alertmanager(), self._prometheus(),
                *monitoring_logs.workloads(self, self.settings.logs),
                *monitoring_traces.workloads(self, self.settings.traces),
                *monitoring_collector.workloads(self, self.settings)]

    def _prometheus(self) -> Workload:
        settings, own = self.settings, self.settings.prometheus
        tls = self.tls_files(PROMETHEUS, 1)
        return Workload(
            name=PROMETHEUS, tier=self.kind, image="prometheus", count=1, zones=(Zone.EDGE, Zone.DATA, Zone.WATCH),
            resources=Resources(memory_mib=own.memory_mib, cpus=own.cpus),
            health=HealthCheck(answers(PROMETHEUS_PORT, "/-/ready")),
            command=("prometheus", f"--config.file={CONFIG_DIR}/{PROMETHEUS_FILE}", f"--storage.tsdb.path={DATA_DIR}",
                     f"--storage.tsdb.retention.time={own.retention_days}d",
                     f"--storage.tsdb.retention.size={int(own.retention_gib * 1024)}MB",
                     f"--web.listen-address=:{PROMETHEUS_PORT}", "--log.level=warn",
                     # Aligned, figures keep a time that the clock has left when it is set back, and are refused.
                     "--no-scrape.adjust-timestamps",
                     # What is pending at a restart is neither forgotten nor told anew.
                     "--rules.alert.for-outage-tolerance=1h", "--rules.alert.for-grace-period=10s"),
            files=lambda _member: [*_with_effect(tls, Effect.NONE), *self._prometheus_files(settings)],
            check=("promtool", "check", "config", f"{CONFIG_DIR}/{PROMETHEUS_FILE}"), reload=_hang_up(),
            ports=(Port("prometheus", PROMETHEUS_PORT),), metrics=(Metrics(PROMETHEUS_PORT),),
            volumes=(Volume("data", size_gib=own.retention_gib + HEAD_GIB, protected=False),), stop_grace_s=30)

    def _prometheus_files(self, settings: MonitoringSettings) -> Sequence[ConfigFile]:
        declared, names = self.context.declared, self.context.names
        jobs = targets.jobs(self.context.stack, declared, names, settings.checks)
        managers = [f"{names.member(ALERTMANAGER, n)}:{ALERTMANAGER_PORT}"
                    for n in range(1, settings.alertmanager.members + 1)]
        return [
            self.file(PROMETHEUS_FILE, "prometheus/prometheus.yml.j2", stack=self.context.stack,
                      interval_s=settings.prometheus.interval_s, config_dir=CONFIG_DIR, jobs=jobs, managers=managers,
                      dropped="|".join(targets.DROPPED), most_samples=targets.MOST_SAMPLES),
            self.file("rules.yml", "prometheus/rules.yml.j2", groups=groups(self.context.settings, declared)),
        ]

    def _alertmanager(self) -> Workload:
        own, names = self.settings.alertmanager, self.context.names
        members = range(1, own.members + 1)
        peers = tuple(f"--cluster.peer={names.member(ALERTMANAGER, n)}:{GOSSIP_PORT}" for n in members)
        return Workload(
            name=ALERTMANAGER, tier=self.kind, image="alertmanager", count=own.members, zones=(Zone.WATCH,),
            resources=Resources(memory_mib=own.memory_mib, cpus=own.cpus),
            health=HealthCheck(answers(ALERTMANAGER_PORT, "/-/ready")),
            command=("prometheus-alertmanager", f"--config.file={CONFIG_DIR}/{ALERTMANAGER_FILE}",
                     f"--storage.path={DATA_DIR}", f"--web.listen-address=:{ALERTMANAGER_PORT}",
                     f"--cluster.listen-address=:{GOSSIP_PORT}", *peers, "--log.level=warn",
                     # How long the second one waits for the first to have told; half a minute from fault to message
                     # leaves no room for the usual 15 s.
                     "--cluster.peer-timeout=5s", "--cluster.settle-timeout=10s"),
            files=lambda _member: self._alertmanager_files(),
            check=("amtool", "check-config", f"{CONFIG_DIR}/{ALERTMANAGER_FILE}"), reload=_hang_up(),
            ports=(Port("alerts", ALERTMANAGER_PORT), Port("gossip", GOSSIP_PORT)),
            metrics=(Metrics(ALERTMANAGER_PORT),), volumes=(Volume("data", size_gib=0.1, protected=False),),
            stop_grace_s=10)

    def _alertmanager_files(self) -> Sequence[ConfigFile]:
        routes = self.settings.routes
        return [
            self.file(ALERTMANAGER_FILE, "alertmanager/alertmanager.yml.j2", own=self.settings.alertmanager,
                      config_dir=CONFIG_DIR, secrets_dir=f"{CONFIG_DIR}/{SECRETS}", routes=routes, test=TEST_LABEL,
                      watching=WATCHING),
            self.file("messages.tmpl", "alertmanager/messages.tmpl.j2"),
            # Read for every message.
            *(ConfigFile(f"{SECRETS}/{name}", own_secret(f"alert-{name}"), secret=True, effect=Effect.NONE)
              for name, route in routes.items() if route.has_secret),
        ]

    def _exporters(self) -> Workload:
        own = self.settings.exporters
        tls = self.tls_files(EXPORTERS, 1)
        return Workload(
            name=EXPORTERS, tier=self.kind, image="exporters", count=1, zones=(Zone.EDGE, Zone.DATA),
            resources=Resources(memory_mib=own.memory_mib, cpus=own.cpus),
            health=HealthCheck(answers(exporters.NODE_PORT, "/")),
            command=("bash", f"{CONFIG_DIR}/exporters.sh"),
            files=lambda _member: [*_with_effect(tls, Effect.RESTART), *self._exporter_files()],
            ports=(Port("node", exporters.NODE_PORT),), metrics=(Metrics(exporters.NODE_PORT),), tmpfs_mib=8,
            stop_grace_s=5)

    def _exporter_files(self) -> Sequence[ConfigFile]:
        settings, declared, names = self.context.settings, self.context.declared, self.context.names
        password = self.context.secrets.password("redis-monitor")
        redis = exporters.redis_targets(declared, names)
        return [
            self.file("exporters.sh", "exporters/exporters.sh.j2", effect=Effect.RESTART, config_dir=CONFIG_DIR,
                      commands=exporters.commands(declared, names)),
            self.file("blackbox.yml", "exporters/blackbox.yml.j2", effect=Effect.RESTART, config_dir=CONFIG_DIR,
                      **exporters.probe(settings)),
            self.file("postgres.yml", "exporters/postgres.yml.j2", effect=Effect.RESTART),
            ConfigFile("redis-passwords.json", password.apply(
                lambda known: json.dumps(dict.fromkeys(redis, known))), secret=True, effect=Effect.RESTART),
        ]


def _hang_up() -> tuple[str, ...]:
    """Process 1 is tini, which hands signals on."""
    return ("sh", "-c", "kill -HUP 1")


def _with_effect(files: list[ConfigFile], effect: Effect) -> list[ConfigFile]:
    """Prometheus reads its certificate whenever it connects, the exporters only when they start."""
    return [replace(file, effect=effect) for file in files]
