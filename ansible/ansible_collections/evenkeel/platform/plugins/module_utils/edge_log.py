"""What the edges' access logs say of requests: one JSON line each. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

SWITCHED = 101
"""A request that became a WebSocket."""


@dataclass(frozen=True)
class Line:
    """One request at an edge. ``attempts``: how many load balancers were asked; ``answer_ms`` None: none answered, or
    it became a WebSocket, of which Nginx tells how long it lived."""

    request_id: str
    status: int
    colour: str
    attempts: int
    answer_ms: float | None


def read(lines: Iterable[str]) -> list[Line]:
    """The lines that are requests which a load balancer was asked for; an answer from the cache is none."""
    found = []
    for text in lines:
        if not text.startswith("{"):
            continue
        try:
            entry = json.loads(text)
        except ValueError:
            continue  # the end of it is still in Nginx's buffer
        upstream = str(entry.get("upstream", ""))
        if upstream:
            times = [part for part in str(entry.get("upstream_answer_s", "")).replace(" ", "").split(",")
                     if part not in ("", "-")]
            status = int(entry.get("status", 0))
            found.append(Line(str(entry.get("request_id", "")), status, str(entry.get("colour", "")),
                              upstream.count(",") + 1,
                              float(times[-1]) * 1000 if times and status != SWITCHED else None))
    return found
