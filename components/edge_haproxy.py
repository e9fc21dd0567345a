"""What HAProxy's templates need, from settings and pools: decisions are made here, none in the templates.

One backend per pool, colour and access: ``web_blue_read`` (safe methods; checks whether a worker can read),
``web_blue_write`` (the rest, and readers' stand-in) and ``web_blue_socket`` (WebSockets, which would otherwise hold
the places of requests for hours).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.names import Names
from components.pools import COLOURS, HttpPool
from components.settings.edge import Edge
from components.settings.traffic import RateKey
from components.workload import CONFIG_DIR, DATA_DIR, Member

WORKLOAD = "haproxy"
PORT = 8443
STATUS_PORT = 8404
PEER_PORT = 10000
"""Ports inside a member; none is published."""

CLIENT_NAME = "nginx"
"""Common name of the only certificate that may connect: the workload's name."""

RETRY_AFTER_S = 5
"""When a refused client should come back: checks find a worker that is up again within a second."""
HANDOVER_S = 2
"""How long after a reload the former process still chooses a worker itself. A worker that leaves serves on for about
that long, and the new process has had its answer from DNS by then."""

READ, WRITE, SOCKET = "read", "write", "socket"

BALANCE = {
    "leastconn": "leastconn",
    "roundrobin": "roundrobin",
    "weighted": "roundrobin",  # roundrobin follows weights, which operations set through the runtime socket
    "source": "hdr(X-Real-IP)",  # the connection's own source is Nginx (decision 5)
}


@dataclass(frozen=True)
class Balancer:
    """One HAProxy as the others and Nginx reach it."""

    name: str
    host: str
    address: str


@dataclass(frozen=True)
class Backend:
    """Workers of one pool and colour, for one kind of access."""

    name: str
    colour: str
    access: str
    service: str
    port: int
    balance: str
    check_path: str
    max_connections: int
    purge_ms: int
    """Half of the unneeded idle connections are closed every so often; 0: none are kept."""
    cookie: str
    table: bool


@dataclass(frozen=True)
class RateClass:
    """A class of routes that is limited."""

    name: str
    limit: int
    window_s: int
    by_user: bool


def values(edge: Edge, pools: Sequence[HttpPool], names: Names, member: Member,
           traced_percent: str | None = None) -> Mapping[str, Any]:
    """Everything ``templates/haproxy/haproxy.cfg.j2`` mentions. ``traced_percent``: of ``components/tracing``."""
    haproxy, timeouts, limits = edge.haproxy, edge.timeouts, edge.rate_limits
    classes = rate_classes(edge)
    return {
        "member": member.name,
        "ordinal": member.ordinal,
        "config_dir": CONFIG_DIR,
        "data_dir": DATA_DIR,
        "run_dir": "/run",
        "port": PORT,
        "status_port": STATUS_PORT,
        "peer_port": PEER_PORT,
        "client_name": CLIENT_NAME,
        "resolver": names.resolver,
        "balancers": balancers(edge, names),
        "threads": haproxy.threads,
        "connections": haproxy.connections,
        "traced_percent": traced_percent,
        "access_log": haproxy.access_log,
        "diagnostics": edge.headers.diagnostics,
        "split_by": haproxy.split_by.value,
        "queue": haproxy.queue,
        "slots": haproxy.max_workers,
        "checks": haproxy.checks,
        "breaker": edge.breaker.enabled,
        "retry_after_s": RETRY_AFTER_S,
        "connect_ms": timeouts.connect_ms,
        "request_s": timeouts.request_s,
        "queue_ms": timeouts.queue_ms,
        "answer_s": timeouts.answer_s,
        "tunnel_s": timeouts.tunnel_s,
        "drain_s": timeouts.drain_s,
        "handover_s": HANDOVER_S,
        "balancer_idle_s": math.ceil(2 * timeouts.idle_s),
        "entries": limits.entries,
        "classes": classes,
        "default_class": next((name for name, rate in limits.classes().items() if "/" in rate.paths), "none"),
        "class_prefixes": sorted(
            ({"name": name, "path": path} for name, rate in limits.classes().items() for path in rate.paths
             if path != "/"), key=lambda prefix: (len(prefix["path"]), prefix["path"])),
        "user_header": limits.user_header,
        "tier_header": limits.tier_header,
        "tiers": limits.tiers,
        "routes": routes(pools),
        "backends": backends(edge, pools, names),
    }


def breaker_values(edge: Edge) -> Mapping[str, Any]:
    """Everything ``templates/haproxy/breaker.lua.j2`` mentions."""
    return {
        "failures": edge.breaker.failures,
        "open_s": edge.breaker.open_s,
        "check_s": math.ceil((edge.haproxy.checks.interval_ms + edge.haproxy.checks.timeout_ms) / 1000),
        "saved": "/run/haproxy-breakers.state",
    }


def balancers(edge: Edge, names: Names) -> list[Balancer]:
    """Every HAProxy."""
    members = [Member(WORKLOAD, ordinal) for ordinal in range(1, edge.haproxy.members + 1)]
    return [Balancer(member.name, names.member(WORKLOAD, member.ordinal),
                     names.stable_address(WORKLOAD, member.ordinal)) for member in members]


def backends(edge: Edge, pools: Sequence[HttpPool], names: Names) -> list[Backend]:
    """One per pool, colour and access."""
    return [_backend(edge, pool, colour, access, names)
            for pool in pools for colour in COLOURS for access in (READ, WRITE, SOCKET)]


def _backend(edge: Edge, pool: HttpPool, colour: str, access: str, names: Names) -> Backend:
    # Each HAProxy gets its share of a worker's places, so that all together keep to the setting.
    share = max(1, math.ceil(pool.max_connections / edge.haproxy.members))
    return Backend(
        name=f"{pool.name}_{colour}_{access}",
        colour=colour,
        access=access,
        service=names.service(pool.workload_by_colour[colour]),
        port=pool.port,
        balance=BALANCE[pool.balance],
        check_path=pool.ready_path if access == WRITE else pool.readonly_path,
        max_connections=edge.haproxy.websockets_per_worker if access == SOCKET else share,
        # Idle connections go well before the worker would close them.
        purge_ms=int(pool.keep_alive_s * 1000 / 4) if access == READ else 0,
        cookie=f"{edge.haproxy.sticky_cookie}-{pool.name}-{colour}" if pool.sticky == "cookie" else "",
        table=pool.sticky == "source" or pool.balance == "source",
    )


def routes(pools: Sequence[HttpPool]) -> list[Mapping[str, str]]:
    """Which paths lead to which pool, the longest prefix last because the last match wins. ``/ws`` means ``/ws`` and
    what is below it, not ``/wsx``."""
    prefixes = sorted(((path, pool.name) for pool in pools for path in pool.paths), key=lambda item: len(item[0]))
    return [{"pool": name, "condition": f"{{ path_beg {path} }}" if path.endswith("/")
             else f"{{ path {path} }} || {{ path_beg {path}/ }}"} for path, name in prefixes]


def rate_classes(edge: Edge) -> list[RateClass]:
    """The classes that have a limit."""
    if not edge.rate_limits.enabled:
        return []
    return [RateClass(name, rate.limit, rate.window_s, rate.key is RateKey.USER)
            for name, rate in edge.rate_limits.classes().items() if rate.limit and rate.paths]


def initial_maps(edge: Edge, pools: Sequence[HttpPool]) -> Mapping[str, str]:
    """First content of the maps that operations own: file name -> text."""
    return {
        "split.map": "".join(f"{pool.name} 0\n" for pool in pools),
        "testers.map": "".join(f"{value} {colour}\n" for value, colour in edge.haproxy.testers.items()),
        "level.map": "level auto\n",
    }
