"""What Nginx's template needs, from settings: decisions are made here, none in the template."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import edge_haproxy
from components.names import Names
from components.pools import HttpPool, StaticFiles
from components.settings.edge import Edge, Headers
from components.workload import CONFIG_DIR, Member

WORKLOAD = "nginx"
HTTPS_PORT = 8443
HTTP_PORT = 8080
STATUS_PORT = 8081
"""Ports inside a member, above 1023 because nobody is root. ``STATUS_PORT`` is never published."""

CACHE_DIR = "/var/cache/evenkeel"

COMPRESSED_TYPES = (
    "application/javascript", "application/json", "application/ld+json", "application/manifest+json",
    "application/problem+json", "application/xml", "application/xhtml+xml", "image/svg+xml", "text/css",
    "text/javascript", "text/plain", "text/xml",
)
"""What shrinks. ``text/html`` always does; images, fonts and archives are compressed already."""


HIDDEN_HEADERS = ("X-Evenkeel-Level", "X-Request-ID")
"""Of HAProxy's answers: Nginx says these itself, since an answer from its cache has them, too."""
DIAGNOSTIC_HEADERS = ("X-Evenkeel-Balancer",)


@dataclass(frozen=True)
class Location:
    """How requests below a path prefix are treated, or of one path alone where ``exact``."""

    path: str
    exact: bool
    body_mib: int
    coalesced: bool
    ttl_s: int
    static: bool
    """Answers are files: cached whatever cookies come and go."""
    fallback: str
    """What is sent in place of a page that isn't there; empty: nothing."""


@dataclass(frozen=True)
class Header:
    """A response header that the edge sends unless the application does."""

    name: str
    value: str


def values(edge: Edge, pools: Sequence[HttpPool], names: Names, member: Member,
           traced_percent: str | None = None) -> Mapping[str, Any]:
    """Everything ``templates/nginx/nginx.conf.j2`` mentions. ``traced_percent``: of ``components/tracing``."""
    return {
        "member": member.name,
        "config_dir": CONFIG_DIR,
        "run_dir": "/run",
        "cache_dir": CACHE_DIR,
        "https_port": HTTPS_PORT,
        "http_port": HTTP_PORT,
        "status_port": STATUS_PORT,
        "public_port": public_port(edge, member),
        "workers": edge.nginx.workers,
        "connections": edge.nginx.connections,
        "traced_percent": traced_percent,
        "access_log": edge.nginx.access_log,
        "private_paths": [path.rstrip("/") for path in edge.nginx.private_paths if path.rstrip("/")],
        "trusted_proxies": edge.nginx.trusted_proxies,
        "client_address_header": edge.nginx.client_address_header,
        "tier_header": edge.rate_limits.tier_header,
        "tier_variable": variable_of(edge.rate_limits.tier_header),
        "balancers": edge_haproxy.balancers(edge, names),
        "balancer_port": edge_haproxy.PORT,
        "balancer_name": names.service(edge_haproxy.WORKLOAD),
        "resolver": names.resolver,
        "idle_ms": round(edge.timeouts.idle_s * 1000),
        "coalesce_wait_ms": round(edge.cache.coalesce_wait_s * 1000),
        "handshake_ms": edge.timeouts.handshake_ms,
        # HAProxy refuses in its own time; Nginx only waits longer, for the case that HAProxy itself hangs.
        "upstream_answer_s": math.ceil(edge.timeouts.queue_ms / 1000) + edge.timeouts.answer_s + 5,
        "answer_s": edge.timeouts.answer_s,
        "tunnel_s": edge.timeouts.tunnel_s,
        "drain_s": edge.timeouts.drain_s,
        "retry_after_s": edge_haproxy.RETRY_AFTER_S,
        "limits": edge.limits,
        "cache": edge.cache,
        "session_cookies": [name.replace(".", r"\.") for name in edge.cache.session_cookies],
        "session_s": edge.tls.session_s,
        "hsts_s": edge.tls.hsts_s,
        "ocsp_stapling": edge.tls.ocsp_stapling,
        "certificate": f"{CONFIG_DIR}/{'public' if edge.tls.own_certificate else 'tls'}/cert.pem",
        "key": f"{CONFIG_DIR}/{'public' if edge.tls.own_certificate else 'tls'}/key.pem",
        "basic_auth": bool(edge.basic_auth.users),
        "realm": edge.basic_auth.realm,
        "diagnostics": edge.headers.diagnostics,
        "security_headers": security_headers(edge.headers),
        "compressed_types": COMPRESSED_TYPES,
        "locations": locations(edge, pools),
        "hidden_headers": HIDDEN_HEADERS + (() if edge.headers.diagnostics else DIAGNOSTIC_HEADERS),
    }


def public_port(edge: Edge, member: Member) -> str:
    """What follows the host in a redirect to HTTPS: ``:8443``, or nothing for 443 and where nothing is published."""
    port = edge.nginx.https_port + member.ordinal - 1 if edge.nginx.https_port else 443
    return "" if port == 443 else f":{port}"


def variable_of(header: str) -> str:
    """Nginx's variable of a request header: ``X-Plan`` -> ``http_x_plan``."""
    return "http_" + header.lower().replace("-", "_")


def locations(edge: Edge, pools: Sequence[HttpPool]) -> list[Location]:
    """One location per path prefix that any setting or pool names, and ``/`` for the rest."""
    cache, uploads = edge.cache, edge.rate_limits.upload.paths
    prefixes = {"/", *cache.coalesced_paths, *cache.ttl_s_by_path, *uploads}
    exact: set[str] = set()
    if any(pool.static for pool in pools):
        # What is cached without a look at cookies begins and ends exactly where HAProxy's route to that pool does.
        for path in (path for pool in pools for path in pool.paths):
            prefixes.add(path if path.endswith("/") else f"{path}/")
            exact |= set() if path.endswith("/") else {path}
    places = [*((path, False) for path in prefixes - exact), *((path, True) for path in exact)]
    return [_location(path, alone, edge, _static(path, pools)) for path, alone in sorted(places)]


def _location(path: str, exact: bool, edge: Edge, static: StaticFiles | None) -> Location:
    cache, uploads = edge.cache, edge.rate_limits.upload.paths
    given = cache.ttl_s_by_path.get(_longest(path, list(cache.ttl_s_by_path)), 0)
    return Location(
        path=path,
        exact=exact,
        body_mib=edge.limits.upload_body_mib if _below(path, uploads) else edge.limits.body_mib,
        coalesced=static is not None or _below(path, cache.coalesced_paths),
        ttl_s=given or (static.ttl_s if static else 0),
        static=static is not None,
        fallback=static.fallback if static else "",
    )


def _static(path: str, pools: Sequence[HttpPool]) -> StaticFiles | None:
    """Of the pool that HAProxy sends requests for ``path`` to: the longest prefix wins, ``web`` has the rest."""
    owners = {route.rstrip("/") + "/": pool for pool in pools for route in pool.paths}
    longest = _longest(path.rstrip("/") + "/", list(owners))
    owner = owners[longest] if longest else next((pool for pool in pools if pool.name == "web"), None)
    return owner.static if owner else None


def security_headers(headers: Headers) -> list[Header]:
    """Those that are switched on."""
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": headers.frame_options,
        "Referrer-Policy": headers.referrer_policy,
        "Permissions-Policy": headers.permissions_policy,
        "Content-Security-Policy": headers.content_security_policy,
    }
    return [Header(name, value) for name, value in wanted.items() if value]


def htpasswd(stack: str, slot: str, accepted: Mapping[str, Mapping[str, str]]) -> str:
    """The passwords of one slot; ``accepted`` is user -> slot -> password. Nginx looks at a user's first line only, so
    that two passwords of a user need two files."""
    return "".join(htpasswd_line(stack, user, values[slot]) for user, values in accepted.items() if slot in values)


def htpasswd_map(accepted: Mapping[str, Mapping[str, str]]) -> str:
    """Lines of an Nginx map, Authorization header -> slot whose file judges it; ``default`` where a header is in none.

    It only chooses the file (and doesn't tell capitals from small letters): the file decides. A user with one password
    needs a line, too, unless everybody's is in the same slot. As secret as the passwords, hence in a file of its own.
    """
    slots = sorted({slot for values in accepted.values() for slot in values})
    lines = [f"default {slots[0]};\n"]
    for user, values in accepted.items():
        for slot, password in values.items():
            if slot != slots[0]:
                credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
                lines.append(f'"Basic {credentials}" {slot};\n')
    return "".join(lines)


def htpasswd_line(stack: str, user: str, password: str) -> str:
    """``user:{SSHA}...``. The salt derives from stack and user, so that the same password gives the same file; the
    password is 192 random bits, which no dictionary holds."""
    salt = hashlib.sha256(f"{stack}/{user}".encode()).digest()[:8]
    digest = hashlib.sha1(password.encode() + salt).digest()  # noqa: S324 - the format's hash
    return f"{user}:{{SSHA}}{base64.b64encode(digest + salt).decode()}\n"


def _below(path: str, prefixes: list[str]) -> bool:
    return any(path.startswith(prefix) for prefix in prefixes)


def _longest(path: str, prefixes: list[str]) -> str:
    """The longest of ``prefixes`` that ``path`` begins with; empty when there is none."""
    return max((prefix for prefix in prefixes if path.startswith(prefix)), key=len, default="")
