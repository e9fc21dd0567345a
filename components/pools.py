"""What the application offers the edge: HTTP pools, in words both tiers know."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = ("blue", "green")


@dataclass(frozen=True)
class StaticFiles:
    """A pool's answers are files, the same for every visitor."""

    ttl_s: int
    """How long the edge keeps a file about whose caching the pool says nothing."""
    fallback: str
    """Path whose answer is sent in place of a page that isn't there; empty: none is."""


@dataclass(frozen=True)
class HttpPool:
    """A pool that answers HTTP, once per colour: workload ``<name>-<colour>``."""

    name: str
    workload_by_colour: dict[str, str]
    port: int
    paths: tuple[str, ...]
    """Path prefixes routed here; empty for ``web``, which takes the rest."""
    balance: str
    sticky: str
    max_connections: int
    """Requests in flight per worker."""
    ready_path: str
    readonly_path: str
    keep_alive_s: float
    """How long a worker keeps an idle connection open; the edge's own must be shorter."""
    static: StaticFiles | None = None
