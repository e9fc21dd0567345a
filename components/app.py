"""The application tier: each pool in two colours, and every connection the platform offers.

It deliberately does not know which colour serves: that is the split, operational state of the edge.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.connections import Connection, connections
from components.pools import COLOURS, HttpPool
from components.rendering import join
from components.settings.app import App as AppSettings
from components.settings.app import Credentials, Pool, Uptake
from components.stack_config import own_secret
from components.tier import Tier, environment
from components.workload import (
    CONFIG_DIR,
    ConfigFile,
    Effect,
    HealthCheck,
    Port,
    Resources,
    Workload,
    Zone,
)

UPTAKE_EFFECTS = {Uptake.RESTART: Effect.RESTART, Uptake.REREAD: Effect.NONE, Uptake.SIGNAL: Effect.RELOAD}
"""What a changed credential does to a worker."""
LAUNCHER = "launch.sh"
SECRETS = "secrets/environment"
WITHOUT_PORT = 0
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
            ready_path=settings.health_path,
            readonly_path=settings.readonly_health_path or settings.health_path,
            keep_alive_s=settings.keep_alive_s,
        )
        for name, pool in settings.pools.items() if _port(settings, pool) != WITHOUT_PORT
    ]


def workload_name(pool: str, colour: str) -> str:
    """``web`` in blue is the workload ``web-blue``."""
    return f"{pool}-{colour}"


class App(Tier):
    """Workers of both colours."""

    kind = "app"

    def workloads(self) -> list[Workload]:
        settings = self.context.settings.app
        offered = connections(self.context)
        return [self._workload(name, pool, colour, offered) for name, pool in settings.pools.items()
                for colour in COLOURS]

    def _workload(self, name: str, pool: Pool, colour: str, offered: Sequence[Connection]) -> Workload:
        settings = self.context.settings.app
        side = settings.colours.blue if colour == "blue" else settings.colours.green
        image = side.image or settings.image
        port = _port(settings, pool)
        by_file = settings.credentials is Credentials.FILES
        return Workload(
            name=workload_name(name, colour),
            tier=self.kind,
            image=image,
            count=pool.workers if side.workers is None else side.workers,
            zones=(Zone.APP, Zone.DATA),
            resources=Resources(memory_mib=pool.memory_mib, cpus=pool.cpus),
            health=_health(settings, pool, port),
            launcher=None if by_file else ("/bin/sh", f"{CONFIG_DIR}/{LAUNCHER}"),
            command=tuple(pool.command) if pool.command else None,
            environment=self._environment(name, colour, port, offered, by_file),
            files=lambda _member: self._files(offered, by_file),
            reload=("/bin/sh", "-c", "kill -HUP 1") if settings.uptake is Uptake.SIGNAL else None,
            ports=(Port("http", port),) if port != WITHOUT_PORT else (),
            tmpfs=(*WRITABLE, *settings.writable_paths),
            stop_signal=settings.stop_signal,
            stop_grace_s=settings.drain_s,
            labels={"colour": colour, "pool": name},
        )

    def _environment(self, pool: str, colour: str, port: int, offered: Sequence[Connection],
                     by_file: bool) -> Mapping[str, str]:
        settings = self.context.settings.app
        limits = settings.database_pool
        given: dict[str, str] = {}
        for connection in offered:
            given |= connection.variables
            if by_file:
                given |= connection.file_variables
        return {
            **environment(
                PORT=port or None, EVENKEEL_POOL=pool, EVENKEEL_COLOUR=colour, EVENKEEL_STACK=self.context.stack,
                DRAIN_SECONDS=settings.drain_s, KEEP_ALIVE_SECONDS=f"{settings.keep_alive_s:g}",
                DB_POOL_MAX=limits.maximum, DB_POOL_MIN=limits.minimum,
                DB_READ_POOL_MAX=limits.read_maximum, DB_READ_POOL_MIN=limits.read_minimum),
            **given,
            **settings.environment,
        }

    def _files(self, offered: Sequence[Connection], by_file: bool) -> list[ConfigFile]:
        effect = UPTAKE_EFFECTS[self.context.settings.app.uptake]
        files = [ConfigFile("tls/ca.pem", self.context.certificates.authority, effect=effect)]
        if by_file:
            for connection in offered:
                files += [ConfigFile(path, content, secret=True, effect=effect)
                          for path, content in connection.secret_files.items()]
            files += [ConfigFile(f"secrets/{name}", own_secret(f"app-secret-{name}"), secret=True, effect=effect)
                      for name in self.context.settings.app.secrets]
            return files
        lines: list[pulumi.Input[str]] = []
        for connection in offered:
            lines += [_assignment(key, value) for key, value in connection.secret_variables.items()]
        lines += [_assignment(name, own_secret(f"app-secret-{name}")) for name in self.context.settings.app.secrets]
        files.append(ConfigFile(SECRETS, join(lines), secret=True, effect=Effect.RESTART))
        files.append(self.file(LAUNCHER, "app/launch.sh.j2", secrets_path=f"{CONFIG_DIR}/{SECRETS}",
                               effect=Effect.RESTART))
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
    filled = tuple(part.replace("{port}", str(port)).replace("{path}", settings.health_path) for part in command)
    return HealthCheck(filled, start_s=settings.start_s)
