"""What the environment says. Every variable, its unit and its default is in README.md."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from orders import __version__

REDIS_PORT = 6379


class ConfigurationError(ValueError):
    """A variable whose value can't be used; the text names it."""


@dataclass(frozen=True)
class PoolSize:
    """Connections of one pool."""

    minimum: int
    maximum: int


@dataclass(frozen=True)
class RedisAccess:
    """One user of the Redis Cluster, and the prefix that its keys carry."""

    purpose: str
    nodes: tuple[tuple[str, int], ...]
    """Where to ask for the cluster's layout: ``(host, port)``. Empty: no Redis."""
    user: str
    prefix: str
    password: str | None = field(default=None, repr=False)
    password_file: Path | None = None
    authority: str | None = None
    """File with the CA that signed Redis' certificates; without it the connection is plain TCP."""

    def read_password(self) -> str | None:
        """The password as of now: a file is read again for each new connection, so that rotation needs no restart."""
        if self.password is not None:
            return self.password
        return self.password_file.read_text().strip() if self.password_file else None


@dataclass(frozen=True)
class Configuration:
    """Everything that one worker needs to know."""

    version: str
    colour: str
    member: str
    host: str
    port: int
    database_url: str = field(repr=False)
    read_replica_url: str | None = field(repr=False)
    write_pool: PoolSize
    read_pool: PoolSize
    redis: Mapping[str, RedisAccess]
    deadline_s: float
    """Time in which every request that needs the database is answered."""
    pool_wait_s: float
    """The part of it that a request may wait for a free connection."""
    keep_alive_s: int
    drain_delay_s: float
    """Time between failing readiness and closing the listener: load balancers notice in it."""
    websocket_drain_s: float
    """Time over which WebSockets are closed, so that their clients don't all come back in the same instant."""
    stop_s: float
    """Time from the stop signal to the end of the process, all of the above included."""
    faults: bool
    access_log: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Configuration:
        """Reads the variables.

        Raises:
            ConfigurationError: a variable is missing, or isn't what it should be.
        """
        read = _Reader(environment)
        database_url = read.database("DATABASE_URL")
        if database_url is None:
            raise ConfigurationError("DATABASE_URL is not set; README.md says what it looks like")
        return cls(
            version=read.text("APP_VERSION", read.text("EVENKEEL_VERSION", __version__)),
            colour=read.text("EVENKEEL_COLOUR", "none"),
            member=read.text("EVENKEEL_MEMBER", socket.gethostname()),
            host=read.text("ORDERS_HOST", "0.0.0.0"),
            port=int(read.number("PORT", 8000, most=65535)),
            database_url=database_url,
            read_replica_url=read.database("DATABASE_READ_REPLICA_URL"),
            write_pool=read.pool("DB_POOL", PoolSize(2, 10)),
            read_pool=read.pool("DB_READ_POOL", PoolSize(2, 10)),
            redis={purpose: read.redis(purpose) for purpose in ("cache", "session", "queue")},
            deadline_s=read.number("ORDERS_DEADLINE_S", read.number("DB_DEADLINE_SECONDS", 5)),
            pool_wait_s=read.number("ORDERS_POOL_WAIT_S", read.number("DB_POOL_WAIT_SECONDS", 2)),
            keep_alive_s=int(read.number("ORDERS_KEEP_ALIVE_S", read.number("KEEP_ALIVE_SECONDS", 75))),
            drain_delay_s=read.number("ORDERS_DRAIN_DELAY_S", 2),
            websocket_drain_s=read.number("ORDERS_WEBSOCKET_DRAIN_S", 5),
            stop_s=read.number("DRAIN_SECONDS", 30),
            faults=read.text("ORDERS_FAULTS", "0") == "1",
            access_log=read.text("ORDERS_ACCESS_LOG", "0") == "1",
        )


class _Reader:
    """Typed access to the variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name) or default

    def database(self, name: str) -> str | None:
        value = self._environment.get(name)
        if not value:
            return None
        try:
            conninfo_to_dict(value)
        except ProgrammingError:
            # Neither the value nor what libpq says of it: both may contain the password.
            raise ConfigurationError(f"{name} is not a connection string that Postgres' libpq reads") from None
        return value

    def number(self, name: str, default: float, most: float = float("inf")) -> float:
        value = self._environment.get(name)
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            raise ConfigurationError(f"{name}={value!r}: not a number") from None
        if not 0 <= number <= most:
            raise ConfigurationError(f"{name}={value!r}: must be between 0 and {most:g}")
        return number

    def pool(self, name: str, default: PoolSize) -> PoolSize:
        size = PoolSize(minimum=int(self.number(f"{name}_MIN", default.minimum)),
                        maximum=int(self.number(f"{name}_MAX", default.maximum)))
        if size.maximum < max(1, size.minimum):
            raise ConfigurationError(f"{name}_MAX={size.maximum}: must be at least 1, and at least {name}_MIN")
        return size

    def redis(self, purpose: str) -> RedisAccess:
        name = f"REDIS_{purpose.upper()}"
        path = self._environment.get(f"{name}_PASSWORD_FILE")
        nodes = self.text("REDIS_CLUSTER_NODES", "").split(",")
        return RedisAccess(
            purpose=purpose,
            nodes=tuple(_node(text.strip()) for text in nodes if text.strip()),
            user=self.text(f"{name}_USER", purpose),
            prefix=self.text(f"{name}_PREFIX", f"{purpose}:"),
            password=self._environment.get(f"{name}_PASSWORD") or None,
            password_file=Path(path) if path else None,
            authority=self._environment.get("REDIS_TLS_CA") or None,
        )


def _node(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    if not host or not (port or str(REDIS_PORT)).isdecimal():
        raise ConfigurationError(f"REDIS_CLUSTER_NODES: {text!r} is not host:port")
    return host, int(port or REDIS_PORT)
