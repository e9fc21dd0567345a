"""Settings of the application tier: the user's own image, its pools and its two colours."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob
from components.settings.jobs import Job
from components.settings.traffic import require_path

JOB_NAME = re.compile(r"^[a-z][a-z0-9-]{0,29}$")


class Credentials(StrEnum):
    """How passwords reach the application's process."""

    ENVIRONMENT = "environment"
    FILES = "files"


class Uptake(StrEnum):
    """How a running worker takes over credentials that changed."""

    RESTART = "restart"
    REREAD = "reread"
    SIGNAL = "signal"


class Balance(StrEnum):
    """How HAProxy chooses a worker."""

    LEASTCONN = "leastconn"
    ROUNDROBIN = "roundrobin"
    SOURCE = "source"
    WEIGHTED = "weighted"


class Sticky(StrEnum):
    """What ties a visitor to a worker, within a colour."""

    OFF = "off"
    COOKIE = "cookie"
    SOURCE = "source"


def default_workers() -> int:
    """Cores of this machine less one, at least 2 (feature A2; the documents' worker count)."""
    return max(2, (os.cpu_count() or 2) - 1)


class Colour(Model):
    """One of the two sides of a release."""

    image: str | None = knob(None, "Image of this colour; empty: `app.image`.")
    workers: int | None = knob(None, "Members of every pool in this colour; empty: each pool's own `workers`.", ge=0)
    pool_workers: dict[str, int] = knob(
        dict, "Members of single pools in this colour, name: number; before `workers`. A rolling release writes it "
        "while it moves workers from one colour to the other.")

    def count(self, name: str, pool: Pool) -> int:
        """Members of a pool in this colour."""
        return self.pool_workers.get(name, pool.workers if self.workers is None else self.workers)


class Colours(Model):
    """Both colours are always declared. Which one serves is operational state (the split), never a setting."""

    blue: Colour = knob(Colour, "The colour that serves on a new platform.")
    green: Colour = knob(lambda: Colour(workers=0), "The other one, empty until a release fills it.")

    @model_validator(mode="after")
    def _somebody_serves(self) -> Self:
        if self.blue.workers == 0 and self.green.workers == 0:
            raise ValueError("both colours have zero workers: nobody would serve; give one of them at least 1")
        return self


class StaticFiles(Model):
    """For a pool whose answers are files, the same for every visitor: the edge caches them whatever cookies a request
    carries, and takes cookies out of the answers."""

    ttl_s: int = knob(600, "How long the edge keeps a file about whose caching the pool says nothing (neither "
                           "Cache-Control nor Expires).", unit="s", ge=1)
    fallback: str | None = knob(
        None, "Path of the pool, sent with 200 in place of a page (`Accept: text/html`) that the pool answers 404 for: "
        "a single-page application's index.html. Empty: 404 stays 404.", pattern="^/")


class Pool(Model):
    """A group of workers of one kind."""

    image: str | None = knob(None, "Image of this pool, the same in both colours; empty: the colour's, else "
                                   "`app.image`.")
    command: list[str] | None = knob(None, "Command of this pool's members; empty: the image's own.")
    workers: int = knob(default_workers, "Members per colour. Default: cores - 1, at least 2.", ge=1, le=100)
    port: int | None = knob(None, "Port of this pool; empty: `app.port`. 0: takes no requests (a queue worker).",
                            ge=0, le=65535)
    paths: list[str] = knob(list, "Path prefixes routed to this pool. The pool `web` takes whatever nobody else does.")
    balance: Balance = knob(Balance.LEASTCONN, "How a worker is chosen: leastconn, roundrobin, source or weighted.")
    sticky: Sticky = knob(Sticky.OFF, "What ties a visitor to a worker: off, cookie or source. Within a colour.")
    static: StaticFiles | None = knob(None, "Set (`{}` is enough): this pool answers with static files.")
    health_path: str | None = knob(None, "Answers 200 when a member of this pool may get requests; empty: "
                                         "`app.health_path` and `app.readonly_health_path`.", pattern="^/")
    metrics_path: str | None = knob(None, "Where a member of this pool tells its figures; unset: `app.metrics_path`. "
                                          "`\"\"`: nowhere.", pattern="^(/.*)?$")
    max_connections: int = knob(256, "Requests in flight per worker; more wait in HAProxy's queue.", ge=1)
    memory_mib: int = knob(256, "Memory limit of one member.", unit="MiB", ge=32)
    cpus: float = knob(1.0, "CPU limit of one member.", unit="cores", gt=0)
    health_command: list[str] | None = knob(
        None, "Command run inside a member of this pool, exit 0 = healthy; unset: `app.health_command`. A pool without "
        "a port has none unless it is set here.")

    @model_validator(mode="after")
    def _paths_are_valid(self) -> Self:
        for path in self.paths:
            require_path(path)
        if self.static and self.port == 0:
            raise ValueError("static: a pool without a port answers no requests, hence serves no files")
        fallback = self.static.fallback if self.static else None
        if fallback:
            require_path(fallback)
            if self.paths and not any(fallback.startswith(path) for path in self.paths):
                raise ValueError(f"static.fallback {fallback!r} is not below the pool's paths: "
                                 f"{', '.join(self.paths)}")
        return self


class DatabasePool(Model):
    """How many connections one worker may keep to PgBouncer; handed over as DB_POOL_MAX and so on."""

    maximum: int = knob(20, "DB_POOL_MAX: connections for reading and writing.", ge=1)
    minimum: int = knob(2, "DB_POOL_MIN: of these, kept open.", ge=0)
    read_maximum: int = knob(15, "DB_READ_POOL_MAX: connections for reading only.", ge=1)
    read_minimum: int = knob(1, "DB_READ_POOL_MIN: of these, kept open.", ge=0)


class Load(Model):
    """Requests that stand for the application's own where a load is made: across the switches of a release."""

    read: list[str] = knob(lambda: ["/"], "Paths that are read, in turn. They answer below 400.")
    write: str | None = knob(None, "Path that takes a POST of `body`, with a fresh id in `id_header`; empty: nothing "
                                   "is written.", pattern="^/")
    body: str = knob("{}", "JSON that is posted.")
    id_header: str = knob("Idempotency-Key", "Header of a POST that carries its id.", pattern="^[A-Za-z0-9-]+$")
    websocket: str | None = knob(None, "Path of a WebSocket; empty: none is opened.", pattern="^/")

    @model_validator(mode="after")
    def _something_is_read(self) -> Self:
        for path in self.read:
            require_path(path)
        if not self.read:
            raise ValueError("load.read: at least one path")
        return self


class App(Model):
    """The application. Bring your own image; the defaults run `examples/orders`."""

    image: str = knob("orders", "Your image (`registry/name:tag`), or the name of an example the platform builds.")
    port: int = knob(8000, "Port on which the application listens for HTTP.", ge=1, le=65535)
    health_path: str = knob("/health/ready", "Answers 200 when a worker may get requests that write.", pattern="^/")
    readonly_health_path: str | None = knob(
        "/health/readonly", "Answers 200 when a worker may get requests that only read; empty: `health_path`.",
        pattern="^/")
    metrics_path: str = knob("", "Where each worker tells its figures in Prometheus' format, on its own port; clients "
                                 "are answered 404 there (`edge.nginx.private_paths`). Empty: nowhere.",
                             pattern="^(/.*)?$")
    health_command: list[str] = knob(
        lambda: ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:{port}{path}"],
        "Run inside a member: exit 0 when it may get requests; `{port}` and `{path}` are filled in. The default needs "
        "curl in the image. Empty: only the load balancers check.")
    environment: dict[str, str] = knob(dict, "Further environment variables. Never a secret: see `secrets`.")
    secrets: list[str] = knob(
        list, "Names of the application's own secrets (`pulumi config set --secret app-secret-NAME`), handed over.")
    credentials: Credentials = knob(
        Credentials.ENVIRONMENT,
        "How passwords reach the application: `environment` (its process finds them in DATABASE_URL and others; the "
        "container's configuration does not show them; the image needs /bin/sh) or `files` under /etc/evenkeel/secrets "
        "(libpq's service file, and files with whole URLs).")
    uptake: Uptake = knob(
        Uptake.RESTART,
        "How a running worker takes over credentials or an authority that changed: restart (one worker at a time, "
        "drained), reread (nothing is done to it: it reads the files again for every connection that it opens) or "
        "signal (SIGHUP to its process 1 after each change; the image needs /bin/sh). The latter two with "
        "`credentials: files` only.")
    database_pool: DatabasePool = knob(DatabasePool, "Database connections of one worker.")
    keep_alive_s: float = knob(5, "How long the application keeps an idle connection open. Node.js: 5.",
                               unit="s", ge=1)
    stop_signal: str = knob("SIGTERM", "Signal that asks a worker to finish: SIGTERM or SIGINT.",
                            pattern="^SIG(TERM|INT|QUIT)$")
    drain_s: int = knob(30, "Time for requests in flight and WebSockets after the stop signal, before SIGKILL.",
                        unit="s", ge=1, le=3600)
    start_s: int = knob(120, "How long a worker may take to become healthy.", unit="s", ge=1, le=3600)
    writable_paths: list[str] = knob(list, "Paths the application may write besides /tmp and /run (in memory).")
    pools: dict[str, Pool] = knob(lambda: {"web": Pool()}, "Pools by name; `web` must be one of them.")
    jobs: dict[str, Job] = knob(dict, "Scheduled jobs by name: lower-case letters, digits and dashes.")
    colours: Colours = knob(Colours, "The two colours of a release.")
    release: int = knob(0, "Serial of the release that this file describes, written by `release.yml`. A file whose "
                           "serial is lower than the running platform's would bring an older release back: refused.",
                        ge=0)
    load: Load = knob(Load, "Requests that stand for the application's own where a load is made.")

    @model_validator(mode="after")
    def _an_environment_is_read_once(self) -> Self:
        if self.credentials is Credentials.ENVIRONMENT and self.uptake is not Uptake.RESTART:
            raise ValueError(f"uptake: {self.uptake.value} needs credentials: files; a process reads its environment "
                             "once, at its start")
        return self

    @model_validator(mode="after")
    def _pools_are_routable(self) -> Self:
        if "web" not in self.pools:
            raise ValueError(f"pools must contain `web`, the one that takes unrouted requests (there: "
                             f"{', '.join(self.pools) or 'none'})")
        for name, pool in self.pools.items():
            if not name.isalnum() or not name.islower():
                raise ValueError(f"pool name {name!r}: lower-case letters and digits only")
            if name != "web" and pool.port != 0 and not pool.paths:
                raise ValueError(f"pool {name!r} takes requests but no path leads to it: set pools.{name}.paths, or "
                                 f"pools.{name}.port: 0 for a queue worker")
        return self

    @model_validator(mode="after")
    def _pools_of_colours_are_known_and_somebody_serves(self) -> Self:
        for colour, side in (("blue", self.colours.blue), ("green", self.colours.green)):
            for name, count in side.pool_workers.items():
                if name not in self.pools:
                    raise ValueError(f"colours.{colour}.pool_workers: there is no pool {name!r}, but "
                                     f"{', '.join(self.pools)}")
                if count < 0:
                    raise ValueError(f"colours.{colour}.pool_workers.{name}: {count}: 0 or more")
        for name, pool in self.pools.items():
            if self.colours.blue.count(name, pool) + self.colours.green.count(name, pool) == 0:
                raise ValueError(f"the pool {name!r} has zero workers in both colours (`pool_workers`): give one of "
                                 "them at least 1")
        return self

    @model_validator(mode="after")
    def _jobs_have_names_of_their_own(self) -> Self:
        for name in self.jobs:
            if not JOB_NAME.match(name):
                raise ValueError(f"job name {name!r}: lower-case letters, digits and dashes, a letter first, 30 "
                                 "characters at most")
        if "job" in self.pools and self.jobs.keys() & {"blue", "green"}:
            raise ValueError("a job named like a colour and a pool named `job` would be called the same: rename one")
        return self
