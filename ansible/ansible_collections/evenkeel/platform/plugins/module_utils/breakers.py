"""Circuit breakers of HAProxy's servers, as its runtime socket tells them. Pure functions.

A breaker that is open keeps requests, and so answers to judge by, from a worker that fails: where all workers of a
backend have theirs open, whoever is sent there gets the fallback answer, and no counter of that backend moves.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy

SHOW = "show breakers"
STATES = frozenset({"open", "half-open"})
"""In which a server gets no requests."""


def opened(text: str) -> frozenset[tuple[str, str]]:
    """Backend and server of every breaker that is open, from ``show breakers``; none where breakers are switched off
    and HAProxy doesn't know the command."""
    found = set()
    for line in text.splitlines():
        part = line.split()
        if len(part) == 5 and part[1] in STATES and "/" in part[0]:
            backend, _, server = part[0].partition("/")
            found.add((backend, server))
    return frozenset(found)


def shut(servers: Iterable[haproxy.Server], opened_ones: frozenset[tuple[str, str]], colour: str) -> dict[str, int]:
    """Backend of a colour -> its workers, where the breakers of all that are up are open."""
    up: dict[str, list[bool]] = {}
    for server in servers:
        named = server.backend.rsplit("_", 2)
        if (len(named) == 3 and named[1] == colour and server.operational == haproxy.RUNNING
                and server.state == "ready" and server.address != haproxy.NOBODY):
            up.setdefault(server.backend, []).append((server.backend, server.slot) in opened_ones)
    return {backend: len(states) for backend, states in up.items() if all(states)}
