"""Settings of the edge's second half: HAProxy, its checks, limits and breakers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob

PATH = re.compile(r"^/[A-Za-z0-9/._~-]*$")
HEADER_NAME = re.compile(r"^[A-Za-z0-9-]+$")


def require_path(path: str) -> None:
    """Raise ``ValueError`` unless ``path`` is a plain path prefix that needs no quoting in Nginx and HAProxy."""
    if not PATH.match(path):
        raise ValueError(f"path {path!r}: begins with `/`, then letters, digits and `/._~-` only")


def require_statuses(name: str, statuses: Sequence[int]) -> None:
    """Raise ``ValueError`` for the first that is no HTTP status; ``name`` is the setting's."""
    if wrong := [status for status in statuses if not 100 <= status <= 599]:
        raise ValueError(f"{name}: {wrong[0]} is no HTTP status (100 to 599)")


class SplitBy(StrEnum):
    """What decides on which side of a percentage a request falls."""

    VISITOR = "visitor"
    CLIENT = "client"
    REQUEST = "request"


class RateKey(StrEnum):
    """Whom a limit counts."""

    IP = "ip"
    USER = "user"


class Checks(Model):
    """Health checks of the workers, by every HAProxy."""

    interval_ms: int = knob(1000, "Between two checks of a healthy worker.", unit="ms", ge=100)
    fast_ms: int = knob(250, "Between two checks of a worker that is down or changing.", unit="ms", ge=50)
    timeout_ms: int = knob(1500, "An answer must come in this time. More than the second for which a worker may wait "
                                 "for its database.", unit="ms", ge=50)
    fall: int = knob(3, "Failed checks in a row after which a worker gets no more requests. A database that pauses for "
                        "up to 3 s (a switchover, a restart for a parameter) makes requests wait and refuses none.",
                     ge=1)
    rise: int = knob(1, "Passed checks in a row after which it gets them again.", ge=1)


class HAProxy(Model):
    """The load balancers."""

    members: int = knob(2, "Members. Either of two may die.", ge=1, le=15)
    threads: int = knob(1, "Threads per member.", ge=1, le=64)
    connections: int = knob(7500, "Connections from Nginx per member. Each takes up to two open files.", ge=64)
    memory_mib: int = knob(256, "Memory limit of one member.", unit="MiB", ge=64)
    cpus: float = knob(1.0, "CPU limit of one member.", unit="cores", gt=0)
    max_workers: int = knob(12, "Workers that one pool may have in one colour: the room that is kept for them.",
                            ge=1, le=256)
    queue: int = knob(512, "Requests that may wait for a free worker, per pool; more are refused with 503.", ge=0)
    websockets_per_worker: int = knob(8000, "Open WebSockets per worker and HAProxy.", ge=1)
    split_by: SplitBy = knob(
        SplitBy.VISITOR,
        "Who stays on a side while traffic is split between the colours. visitor: a cookie remembers the draw (only "
        "while a split is on), who keeps no cookies is drawn per request, so the percentage is exact under load. "
        "client: by the client's address, without a cookie. request: drawn each time.")
    testers: dict[str, str] = knob(
        lambda: {"blue": "blue", "green": "green"},
        "Value of the header or cookie `X-Evenkeel-Colour` -> colour that it leads to. Initial content of a file that "
        "operations own afterwards.")
    sticky_cookie: str = knob("evenkeel", "Prefix of the cookies that tie a visitor to a worker.", pattern="^[a-z_-]+$")
    checks: Checks = knob(Checks, "Health checks of the workers.")
    access_log: bool = knob(False, "Log every request; otherwise only failed and retried ones (Nginx logs all).")

    @model_validator(mode="after")
    def _testers_lead_to_colours(self) -> Self:
        for value, colour in self.testers.items():
            if not HEADER_NAME.match(value) or colour not in ("blue", "green"):
                raise ValueError(f"testers: {value!r}: {colour!r}: a value of letters, digits and dashes, then blue or "
                                 "green")
        return self


class Timeouts(Model):
    """The longest of everything."""

    connect_ms: int = knob(500, "Opening a connection to a worker.", unit="ms", ge=10)
    handshake_ms: int = knob(
        2000, "Opening a connection from Nginx to HAProxy, TLS included; then the other HAProxy is tried. On a busy "
        "machine many handshakes at once, as after a reload, take longer than a lost HAProxy would.",
        unit="ms", ge=10, le=2400)
    request_s: int = knob(10, "Receiving a request's head, and a pause within its body.", unit="s", ge=1)
    queue_ms: int = knob(2000, "Waiting for a free worker.", unit="ms", ge=1)
    answer_s: int = knob(30, "A worker's answer: until it begins, and any pause within it.", unit="s", ge=1)
    tunnel_s: int = knob(3600, "Silence on a WebSocket.", unit="s", ge=1)
    idle_s: float = knob(20, "How long Nginx keeps an idle connection to HAProxy, which keeps it twice as long.",
                         unit="s", ge=1)
    drain_s: int = knob(3600, "How long WebSockets and requests in flight may go on in the old process after a reload.",
                        unit="s", ge=1)


class RateLimit(Model):
    """One class of routes. A request belongs to the class with the longest prefix of its path."""

    paths: list[str] = knob(..., "Path prefixes.")
    limit: int = knob(..., "Requests per window and key. 0: unlimited.", ge=0)
    window_s: int = knob(60, "Length of the sliding window.", unit="s", ge=1, le=86400)
    key: RateKey = knob(RateKey.IP, "Whom it counts: `ip` (IPv6: the /64) or `user` (the user header, else ip).")

    @model_validator(mode="after")
    def _paths_are_plain(self) -> Self:
        for path in self.paths:
            require_path(path)
        return self


class RateLimits(Model):
    """Limits per class of routes. The documents name the classes and no figures; these let an office behind one
    address work and stop password guessing. Beyond a limit: 429, Retry-After and a JSON body."""

    enabled: bool = knob(True, "Count and refuse.")
    api: RateLimit = knob(lambda: RateLimit(paths=["/"], limit=3000), "Everything that no other class has.")
    auth: RateLimit = knob(
        lambda: RateLimit(paths=["/auth", "/login", "/api/auth", "/api/login", "/api/v1/auth"], limit=20),
        "Logging in.")
    upload: RateLimit = knob(
        lambda: RateLimit(paths=["/upload", "/api/upload", "/api/v1/upload"], limit=60), "Uploads.")
    static: RateLimit = knob(
        lambda: RateLimit(paths=["/static/", "/assets/"], limit=12000), "Static files that the cache didn't have.")
    user_header: str = knob("Authorization", "Header that tells users apart where the key is `user`; only its hash is "
                                             "kept.", pattern="^[A-Za-z0-9-]+$")
    tier_header: str = knob("X-Plan", "Header that names a client's tier. Believed only from `nginx.trusted_proxies`.",
                            pattern="^[A-Za-z0-9-]+$")
    tiers: dict[str, int] = knob(dict, "Tier -> how many times the limit its clients have.")
    entries: int = knob(50000, "Keys remembered per class and HAProxy, about 200 bytes each; the oldest go first.",
                        ge=1000)

    @model_validator(mode="after")
    def _tiers_are_valid(self) -> Self:
        for tier, multiplier in self.tiers.items():
            if not HEADER_NAME.match(tier) or not 1 <= multiplier <= 1000:
                raise ValueError(f"tier {tier!r}: {multiplier}: letters, digits and dashes, then a number of 1 to 1000")
        return self

    def classes(self) -> dict[str, RateLimit]:
        """Every class by its name."""
        return {"api": self.api, "auth": self.auth, "upload": self.upload, "static": self.static}


class Breaker(Model):
    """Errors that count: 5xx answers of a worker and answers that didn't come in time. Not those that the application
    marks `X-Evenkeel-Cause: database`: a failover of the database must not take the workers out as well."""

    enabled: bool = knob(True, "Leave alone what keeps failing.")
    failures: int = knob(5, "Failures in a row that open a worker's breaker; a pool's opens when all of its workers' "
                            "have.", ge=1)
    open_s: int = knob(60, "How long it stays open. Then the next passed health check closes it.", unit="s", ge=1)
