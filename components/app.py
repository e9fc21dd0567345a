"""The application tier: each pool in two colours, and every connection the platform offers.

It deliberately does not know which colour serves: that is the split, operational state of the edge.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import tracing
from components.connections import Connection, connections
from components.pools import COLOURS, HttpPool, StaticFiles
from components.rendering import join
from components.settings.app import App as AppSettings
from components.settings.app import Credentials, Pool, Uptake
from components.settings.jobs import Job
from components.stack_config import own_secret
from components.tier import Tier, environment
from components.workload import (
    CONFIG_DIR,
    ConfigFile,
    Effect,
    HealthCheck,
    Metrics,
    Port,
    Resources,
    Schedule,
    Workload,
    Zone,
)

UPTAKE_EFFECTS = {Uptake.RESTART: Effect.RESTART, Uptake.REREAD: Effect.NONE, Uptake.SIGNAL: Effect.RELOAD}
"""What a changed credential does to a worker."""
LAUNCHER = "launch.sh"
SECRETS = "secrets/environment"
WITHOUT_PORT = 0
SETTLE_S = 3
"""Until the load balancers have found a new worker: they ask DNS every second and check it within a quarter of one."""
WRITABLE = ("/tmp", "/run")  # noqa: S108 - inside the container


def http_pools(settings: AppSettings) -> list[HttpPool]:
    """The pools that answer requests, as the edge needs to know them."""
    return [
        HttpPool(
            name=name,
            workload_by_colour={colour: workload_name(name, colour) for colour in COLOURS},
            port=_port(settings, pool),
            paths=tuple(pool.paths),
            balance=pool.balance.value,
            sticky=pool.sticky.value,
            max_connections=pool.max_connections,
            ready_path=pool.health_path or settings.health_path,
            readonly_path=pool.health_path or settings.readonly_health_path or settings.health_path,
            keep_alive_s=settings.keep_alive_s,
            static=StaticFiles(pool.static.ttl_s, pool.static.fallback or "") if pool.static else None,
        )
        for name, pool in settings.pools.items() if _port(settings, pool) != WITHOUT_PORT
    ]


def workload_name(pool: str, colour: str) -> str:
    """``web`` in blue is the workload ``web-blue``."""
    return f"{pool}-{colour}"


def job_workload_name(job: str) -> str:
    """The job ``report`` is the workload ``job-report``."""
    return f"job-{job}"


class App(Tier):
    """Workers of both colours, and scheduled jobs."""

    kind = "app"

    def workloads(self) -> list[Workload]:
        settings = self.context.settings.app
        offered = connections(self.context)
        workers = [self._workers(name, pool, colour, offered) for name, pool in settings.pools.items()
                   for colour in COLOURS]
        return [*workers, *(self._job(name, job, offered) for name, job in settings.jobs.items())]

    def _workers(self, name: str, pool: Pool, colour: str, offered: Sequence[Connection]) -> Workload:
        settings = self.context.settings.app
        side = settings.colours.blue if colour == "blue" else settings.colours.green
        image = pool.image or side.image or settings.image
        port = _port(settings, pool)
        metrics_path = settings.metrics_path if pool.metrics_path is None else pool.metrics_path
        return Workload(
            name=workload_name(name, colour),
            tier=self.kind,
            image=image,
            count=side.count(name, pool),
            zones=(Zone.APP, Zone.DATA),
            resources=Resources(memory_mib=pool.memory_mib, cpus=pool.cpus),
            health=_health(settings, pool, port),
            launcher=self._launcher() or None,
            command=tuple(pool.command) if pool.command else None,
            environment={
                **tracing.environment(self.context.settings.monitoring, self.context.names, name, colour=colour),
                **self._environment(offered, PORT=port or None, EVENKEEL_POOL=name, EVENKEEL_COLOUR=colour)},
            files=lambda _member: self._files(offered, UPTAKE_EFFECTS[settings.uptake]),
            reload=("/bin/sh", "-c", "kill -HUP 1") if settings.uptake is Uptake.SIGNAL else None,
            ports=(Port("http", port),) if port != WITHOUT_PORT else (),
            metrics=(Metrics(port, metrics_path),) if metrics_path and port != WITHOUT_PORT else (),
            tmpfs=(*WRITABLE, *settings.writable_paths),
            settle_s=SETTLE_S if port != WITHOUT_PORT else 0,
            stop_signal=settings.stop_signal,
            stop_grace_s=settings.drain_s,
            labels={"colour": colour, "pool": name},
        )

    def _job(self, name: str, job: Job, offered: Sequence[Connection]) -> Workload:
        """One member that is started by the clock. It belongs to no colour: which one serves is no setting."""
        settings = self.context.settings.app
        return Workload(
            name=job_workload_name(name),
            tier=self.kind,
            image=job.image or settings.image,
            count=1,
            zones=(Zone.APP, Zone.DATA),
            resources=Resources(memory_mib=job.memory_mib, cpus=job.cpus),
            schedule=Schedule(job.schedule, job.timeout_s),
            launcher=(*self._launcher(), "timeout", "-k", str(settings.drain_s), str(job.timeout_s)),
            command=tuple(job.command),
            # `timeout` is process 1: an image whose init is tini would complain of that in every run.
            environment=self._environment(offered, EVENKEEL_JOB=name, TINI_SUBREAPER=1),
            # A run reads them once; the next one reads what they are then.
            files=lambda _member: self._files(offered, Effect.NONE),
            tmpfs=(*WRITABLE, *settings.writable_paths),
            stop_signal=settings.stop_signal,
            stop_grace_s=settings.drain_s,
            labels={"job": name},
        )

    @property
    def _by_file(self) -> bool:
        return self.context.settings.app.credentials is Credentials.FILES

    def _launcher(self) -> tuple[str, ...]:
        return () if self._by_file else ("/bin/sh", f"{CONFIG_DIR}/{LAUNCHER}")

    def _environment(self, offered: Sequence[Connection], **own: Any) -> Mapping[str, str]:
        settings = self.context.settings.app
        limits, timing = settings.database_pool, self.context.settings.postgres.timing
        given: dict[str, str] = {}
        for connection in offered:
            given |= connection.variables
            if self._by_file:
                given |= connection.file_variables
        return {
            **environment(
                **own, EVENKEEL_STACK=self.context.stack,
                DRAIN_SECONDS=settings.drain_s, KEEP_ALIVE_SECONDS=f"{settings.keep_alive_s:g}",
                DB_POOL_MAX=limits.maximum, DB_POOL_MIN=limits.minimum,
                DB_READ_POOL_MAX=limits.read_maximum, DB_READ_POOL_MIN=limits.read_minimum,
                DB_DEADLINE_SECONDS=f"{timing.deadline_s:g}", DB_POOL_WAIT_SECONDS=f"{timing.pool_wait_s:g}"),
            **given,
            **settings.environment,
        }

    def _files(self, offered: Sequence[Connection], effect: Effect) -> list[ConfigFile]:
        files = [ConfigFile("tls/ca.pem", self.context.certificates.authority, effect=effect)]
        if self._by_file:
            for connection in offered:
                files += [ConfigFile(path, content, secret=True, effect=effect)
                          for path, content in connection.secret_files.items()]
            files += [ConfigFile(f"secrets/{name}", own_secret(f"app-secret-{name}"), secret=True,
                                 effect=effect) for name in self.context.settings.app.secrets]
            return files
        lines: list[pulumi.Input[str]] = []
        for connection in offered:
            lines += [_assignment(key, value) for key, value in connection.secret_variables.items()]
        lines += [_assignment(name, own_secret(f"app-secret-{name}")) for name in self.context.settings.app.secrets]
        files.append(ConfigFile(SECRETS, join(lines), secret=True, effect=effect))
        files.append(self.file(LAUNCHER, "app/launch.sh.j2", secrets_path=f"{CONFIG_DIR}/{SECRETS}", effect=effect))
        return files


def _assignment(name: str, value: pulumi.Input[str]) -> pulumi.Input[str]:
    """A line that a shell reads back exactly."""
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: f"{name}={shlex.quote(known)}\n")
    return f"{name}={shlex.quote(str(value))}\n"


def _port(settings: AppSettings, pool: Pool) -> int:
    return settings.port if pool.port is None else pool.port


def _health(settings: AppSettings, pool: Pool, port: int) -> HealthCheck | None:
    command: Any = pool.health_command
    if command is None:
        command = settings.health_command if port != WITHOUT_PORT else []
    if not command:
        return None
    path = pool.health_path or settings.health_path
    filled = tuple(part.replace("{port}", str(port)).replace("{path}", path) for part in command)
    return HealthCheck(filled, start_s=settings.start_s)
