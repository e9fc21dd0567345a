"""Settings of the edge tier: Nginx, which faces the clients, and what both halves of the edge share."""

from __future__ import annotations

import ipaddress
import re
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob
from components.settings.traffic import Breaker, HAProxy, RateLimits, Timeouts, require_path

COOKIE_NAME = re.compile(r"^[A-Za-z0-9_.-]+$")


class Nginx(Model):
    """The members that face the clients."""

    members: int = knob(2, "Members. Either of two may die.", ge=1, le=15)
    https_port: int = knob(0, "Published HTTPS port of member 1; member n has the n-1 next one. 0: derived from the "
                              "stack's name, 8443 for `local`.", ge=0, le=65520)
    http_port: int = knob(0, "Published HTTP port of member 1, which only redirects to HTTPS. 0: derived from the "
                             "stack's name, 8080 for `local`.", ge=0, le=65520)
    workers: int = knob(2, "Worker processes per member.", ge=1, le=64)
    connections: int = knob(8000, "Connections per worker process, to clients and to HAProxy together.", ge=64)
    memory_mib: int = knob(192, "Memory limit of one member.", unit="MiB", ge=32)
    cpus: float = knob(1.0, "CPU limit of one member.", unit="cores", gt=0)
    trusted_proxies: list[str] = knob(
        list, "Addresses or networks of proxies and CDNs in front of the edge. Only they may say who the client is "
              "(`client_address_header`) and which tier of limits it has.")
    client_address_header: str = knob("X-Forwarded-For", "Header in which a trusted proxy names the client's address: "
                                      "of several the last that is no trusted proxy. CDNs often have one of their own.",
                                      pattern="^[A-Za-z0-9-]+$")
    private_paths: list[str] = knob(lambda: ["/metrics"], "Paths that clients are answered 404 for, and everything "
                                                          "below them.")
    access_log: bool = knob(True, "One JSON line per request on standard output, without query strings and cookies.")

    @model_validator(mode="after")
    def _networks_and_paths_are_valid(self) -> Self:
        for network in self.trusted_proxies:
            ipaddress.ip_network(network, strict=False)
        for path in self.private_paths:
            require_path(path)
        return self


class Tls(Model):
    """TLS towards the clients. Between the tiers it is always on, by the platform's own authority."""

    hostnames: list[str] = knob(list, "Names of the site, put into the certificate that the platform issues.")
    own_certificate: bool = knob(
        False, "Serve your certificate: `pulumi config set --secret edge:certificate` (PEM, leaf first) and "
               "`edge:certificate-key`.")
    session_s: int = knob(86400, "How long a TLS session may be resumed.", unit="s", ge=60)
    hsts_s: int = knob(31536000, "Strict-Transport-Security's max-age. Never sent to localhost or to an address: "
                                 "there it would outlive the experiment. 0: off.", unit="s", ge=0)
    ocsp_stapling: bool = knob(False, "Staple the certificate's OCSP answer. Only with a public authority.")


class Cache(Model):
    """What Nginx may answer by itself. It stores what the application marks cacheable (Cache-Control, Expires), never
    an answer with Set-Cookie, and never one to a request that carries Authorization or a session cookie."""

    enabled: bool = knob(True, "Cache at the edge, and answer stale when the application can't.")
    size_mib: int = knob(256, "Disk space per member.", unit="MiB", ge=8)
    keep_s: int = knob(86400, "How long an unused entry is kept, hence how old a stale answer may be.", unit="s", ge=60)
    coalesced_paths: list[str] = knob(
        lambda: ["/static/", "/assets/", "/api/catalogue"],
        "Path prefixes whose answers are expected to be cacheable: of parallel first requests one goes to the "
        "application, the others wait for its answer. On paths that turn out not to be cacheable that would queue "
        "requests behind each other, so it is not the default.")
    coalesce_wait_s: float = knob(2, "How long a coalesced request waits before it goes by itself.", unit="s", gt=0)
    ttl_s_by_path: dict[str, int] = knob(
        dict, "Path prefix -> lifetime of answers about whose caching the application says nothing.", unit="s")
    session_cookies: list[str] = knob(
        lambda: ["sess", "sid", "auth", "token", "jwt"],
        "A request with a cookie whose name contains one of these is never answered from the cache.")

    @model_validator(mode="after")
    def _paths_and_names_are_valid(self) -> Self:
        for path in [*self.coalesced_paths, *self.ttl_s_by_path]:
            require_path(path)
        for name in self.session_cookies:
            if not COOKIE_NAME.match(name):
                raise ValueError(f"cookie name {name!r}: letters, digits, `_`, `.` and `-` only")
        return self


class Limits(Model):
    """What a client may take. Beyond it: 413, 414, 429 or a closed connection."""

    body_mib: int = knob(4, "Largest request body.", unit="MiB", ge=0)
    upload_body_mib: int = knob(64, "Largest request body on the paths of the rate class `upload`.", unit="MiB", ge=0)
    connections_per_client: int = knob(256, "Requests and WebSockets at once per client address and member.", ge=1)
    header_kib: int = knob(16, "Largest request line or header line.", unit="KiB", ge=1, le=64)
    slow_client_s: int = knob(15, "A client that sends or reads nothing for so long is cut off.", unit="s", ge=1)
    idle_client_s: int = knob(65, "How long an idle client connection is kept.", unit="s", ge=0)


class Headers(Model):
    """Security headers; empty: not sent. A header that the application sends itself wins."""

    frame_options: str = knob("SAMEORIGIN", "X-Frame-Options.")
    referrer_policy: str = knob("strict-origin-when-cross-origin", "Referrer-Policy.")
    permissions_policy: str = knob("camera=(), geolocation=(), microphone=()", "Permissions-Policy.")
    content_security_policy: str = knob("", "Content-Security-Policy.")
    diagnostics: bool = knob(True, "Tell clients what served them: X-Cache-Status, X-Evenkeel-Balancer.")

    @model_validator(mode="after")
    def _one_line_each(self) -> Self:
        for name in ("frame_options", "referrer_policy", "permissions_policy", "content_security_policy"):
            if re.search(r'["$\\\r\n]', getattr(self, name)):
                raise ValueError(f"headers.{name}: no quotation marks, dollar signs, backslashes or line breaks")
        return self


class BasicAuth(Model):
    """Authentication at the edge, for example for a staging stack."""

    users: list[str] = knob(list, "User names. Their passwords are generated: `pulumi stack output --show-secrets "
                                  "edge_passwords`. Empty: no authentication at the edge.")
    realm: str = knob("Restricted", "What a browser shows when it asks.", pattern=r'^[^"$\\\r\n]+$')

    @model_validator(mode="after")
    def _names_are_valid(self) -> Self:
        for user in self.users:
            if not COOKIE_NAME.match(user):
                raise ValueError(f"user name {user!r}: letters, digits, `_`, `.` and `-` only")
        return self


class Edge(Model):
    """Nginx and HAProxy."""

    nginx: Nginx = knob(Nginx, "The members that face the clients.")
    haproxy: HAProxy = knob(HAProxy, "The load balancers behind them.")
    tls: Tls = knob(Tls, "TLS towards the clients.")
    timeouts: Timeouts = knob(Timeouts, "Everything has its time; what can't be answered in it is refused.")
    cache: Cache = knob(Cache, "What Nginx may answer by itself.")
    limits: Limits = knob(Limits, "What a client may take.")
    headers: Headers = knob(Headers, "Response headers.")
    basic_auth: BasicAuth = knob(BasicAuth, "Authentication at the edge.")
    rate_limits: RateLimits = knob(RateLimits, "Requests per client and time, summed over all load balancers.")
    breaker: Breaker = knob(Breaker, "When a worker or a pool that fails is left alone for a while.")
