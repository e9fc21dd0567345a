"""The exporters: which processes the one container runs, and how Prometheus asks each of them about a member.

Three of them are told in the request whom to ask (blackbox, also for certificates; pgbouncer, redis), so one process
does for all members; of the other two (nginx, postgres) each member has a process of its own. When any process ends,
the container ends and is started anew: none dies unseen.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.names import Names
from components.settings import Settings
from components.settings.checks import Check
from components.workload import CONFIG_DIR, Member, Metrics, Workload

WORKLOAD = "exporters"
NODE_PORT, BLACKBOX_PORT, REDIS_PORT, PGBOUNCER_PORT = 9100, 9115, 9121, 9127
FIRST_PORT = {"postgres": 9200, "nginx": 9300}
"""Exporters with a process per member; member n is asked at this port + n."""
PATHS = {"blackbox": "/probe", "certificate": "/probe", "nginx": "/metrics", "pgbouncer": "/probe",
         "postgres": "/metrics", "redis": "/scrape"}
SELDOM_S = {"certificate": 60}
"""What changes once a year need not be asked every five seconds."""
CHECK = "check"
CHECK_PREFIX = "check_"
FRONT_DOOR, CERTIFICATE = "front_door", "certificate"
"""Blackbox's modules: one asks as a client of the site does, one only looks at what is shown."""
TLS = f"{CONFIG_DIR}/tls"
USED_OF_NODE = ("cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo", "pressure", "stat", "uname", "vmstat")


@dataclass(frozen=True)
class Asked:
    """One question to an exporter; ``member`` is whom it is about, None where only the workload has a name."""

    address: str
    member: Member | None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """One process. ``environment`` holds no secret."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """As a shell reads it."""
        return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in self.environment.items()),
                         shlex.join(self.words)])


def asked(workload: Workload, metrics: Metrics, names: Names) -> list[Asked]:
    """How the exporter of ``metrics`` is asked about each member."""
    here = names.service(WORKLOAD)
    found = []
    for member, host in _hosts(workload, names):
        target = f"{host}:{metrics.port}"
        match metrics.exporter:
            case "blackbox":
                parameters = {"target": f"https://{target}{metrics.path}", "module": FRONT_DOOR}
                found.append(Asked(f"{here}:{BLACKBOX_PORT}", member, parameters))
            case "certificate":
                parameters = {"target": target, "module": CERTIFICATE}
                found.append(Asked(f"{here}:{BLACKBOX_PORT}", member, parameters))
            case "redis":
                found.append(Asked(f"{here}:{REDIS_PORT}", member, {"target": f"rediss://{target}"}))
            case "pgbouncer":
                found.append(Asked(f"{here}:{PGBOUNCER_PORT}", member, {"target": target}))
            case single:
                port = FIRST_PORT[single] + (member.ordinal if member else 1)
                found.append(Asked(f"{here}:{port}", member))
    return found


def checked(name: str, check: Check, edges: Sequence[tuple[Member | None, str]], names: Names) -> list[Asked]:
    """How blackbox is asked to make the request of a check: through every edge, or to an address elsewhere."""
    here, module = f"{names.service(WORKLOAD)}:{BLACKBOX_PORT}", f"{CHECK_PREFIX}{name}"
    if not check.through_edges:
        return [Asked(here, None, {"target": check.url, "module": module})]
    return [Asked(here, member, {"target": f"https://{address}{check.url}", "module": module})
            for member, address in edges]


def front_doors(declared: Sequence[Workload], names: Names) -> list[tuple[Member | None, str]]:
    """Every edge, with the address that a client's request goes to."""
    return [(member, f"{host}:{metrics.port}") for workload, metrics in _told(declared, "blackbox")
            for member, host in _hosts(workload, names)]


def redis_targets(declared: Sequence[Workload], names: Names) -> list[str]:
    """Every address that the Redis exporter has a password for."""
    return [one.parameters["target"] for workload, metrics in _told(declared, "redis")
            for one in asked(workload, metrics, names)]


def commands(declared: Sequence[Workload], names: Names) -> list[Command]:
    """Every process of the container."""
    found = [
        Command("node", ("prometheus-node-exporter", f"--web.listen-address=:{NODE_PORT}", "--log.level=warn",
                         "--collector.disable-defaults", *(f"--collector.{name}" for name in USED_OF_NODE),
                         # Of what is mounted here only the volumes lie on a disk of the machine that fills.
                         "--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|tmp|etc/host.*|etc/resolv.conf)"
                         "($|/)", "--collector.filesystem.fs-types-exclude=^(tmpfs|overlay|proc|sysfs|devpts|mqueue|"
                         "cgroup2?)$")),
        Command("blackbox", ("prometheus-blackbox-exporter", f"--config.file={CONFIG_DIR}/blackbox.yml",
                             f"--web.listen-address=:{BLACKBOX_PORT}", "--log.level=warn")),
    ]
    if _told(declared, "redis"):
        found.append(Command("redis", (
            "prometheus-redis-exporter", f"-web.listen-address=:{REDIS_PORT}", "-redis.addr=", "-redis.user=monitor",
            f"-redis.password-file={CONFIG_DIR}/redis-passwords.json", f"-tls-ca-cert-file={TLS}/ca.pem",
            f"-tls-client-cert-file={TLS}/cert.pem", f"-tls-client-key-file={TLS}/key.pem", "-redis-only-metrics",
            "-set-client-name=false", "-config-command=-", "-connection-timeout=3s")))
    if _told(declared, "pgbouncer"):
        found.append(Command("pgbouncer", ("pgbouncer-exporter", str(PGBOUNCER_PORT), TLS)))
    for workload, metrics in _told(declared, "postgres"):
        for member, host in _hosts(workload, names):
            found.append(_postgres(member, f"{host}:{metrics.port}"))
    for workload, metrics in _told(declared, "nginx"):
        for member, host in _hosts(workload, names):
            port = FIRST_PORT["nginx"] + (member.ordinal if member else 1)
            found.append(Command(f"nginx of {host}", (
                "prometheus-nginx-exporter", f"-nginx.scrape-uri=http://{host}:{metrics.port}{metrics.path}",
                f"-web.listen-address=:{port}")))
    return found


def probe(settings: Settings) -> dict[str, Any]:
    """What blackbox's configuration mentions. A certificate of the user's own is for the site's name and by an
    authority that everybody knows."""
    tls = settings.edge.tls
    own = tls.own_certificate
    return {"front_door": FRONT_DOOR, "certificate": CERTIFICATE, "tls_dir": TLS, "own_certificate": own,
            "server_name": tls.hostnames[0] if own and tls.hostnames else "",
            "statuses": settings.monitoring.probe.statuses, "checks": settings.monitoring.checks,
            "check_prefix": CHECK_PREFIX}


def _postgres(member: Member | None, target: str) -> Command:
    login = (f"postgresql://monitor@{target}/postgres?sslmode=verify-full&sslrootcert={TLS}/ca.pem&sslcert={TLS}/cert.pem"
             f"&sslkey={TLS}/key.pem&connect_timeout=3")
    port = FIRST_PORT["postgres"] + (member.ordinal if member else 1)
    # Its own questions are many and partly fail on a replica; ours are few.
    return Command(f"postgres of {member.name if member else target}", (
        "prometheus-postgres-exporter", f"--web.listen-address=:{port}", "--log.level=warn",
        "--disable-default-metrics", "--disable-settings-metrics", "--no-collector.bgwriter", "--no-collector.database",
        f"--extend.query-path={CONFIG_DIR}/postgres.yml"), {"DATA_SOURCE_NAME": login})


def _told(declared: Sequence[Workload], exporter: str) -> list[tuple[Workload, Metrics]]:
    return [(workload, metrics) for workload in declared if workload.count for metrics in workload.metrics
            if metrics.exporter == exporter]


def _hosts(workload: Workload, names: Names) -> list[tuple[Member | None, str]]:
    if not names.tells_apart(workload):
        return [(None, names.service(workload.name))]
    return [(member, names.member(workload.name, member.ordinal)) for member in workload.members]
