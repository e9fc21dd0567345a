"""Purge and warm-up over every edge of a stack. Each edge keeps a cache of its own, so each is told.

The work is done by a command inside the members (``images/nginx/edge_cache``), reached over the engine's streams:
nothing of it is published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import docker.errors
from docker.models.containers import Container

from components.edge_nginx import WORKLOAD
from components.targets.docker import engine
from operations.setup import engine_state

AGAIN_AFTER_S = 1.0
"""A second look catches answers that were under way during the first."""
AT_ONCE = 500
"""Paths per command: a command line has its limits."""


class CacheError(Exception):
    """Nothing was done, with the reason and the next command."""


@dataclass(frozen=True)
class Outcome:
    """What one edge did. ``problem``: why it could not; the others did their part all the same."""

    member: str
    result: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def purge(stack: str, patterns: Sequence[str], *, dry_run: bool = False) -> list[Outcome]:
    """Remove from every edge's cache what ``patterns`` match: ``/path``, ``host/path`` or ``https://host/path``, with
    ``*`` at its end for everything that begins so, ``*`` alone for everything. ``dry_run``: only say what.

    A result has ``examined``, ``files``, ``bytes`` and ``removed`` (host and path of each). Raises ``CacheError``.
    """
    if not patterns:
        raise CacheError("Nothing says what to purge. Next: name it, for example `make purge URLS='/app/*'`, or "
                         "everything: `make purge URLS='*'`.")
    request = {"patterns": list(patterns), "dry_run": dry_run, "again_after_s": AGAIN_AFTER_S}
    return _everywhere(stack, [("purge", request)])


def warm(stack: str, host: str, paths: Sequence[str], *, parallel: int = 4, timeout_s: float = 30) -> list[Outcome]:
    """Ask every edge for ``paths`` as a visitor of ``host`` would, ``parallel`` at a time, so that the answers are
    cached that may be.

    A result has ``asked``, ``kept``, ``filled`` (of the kept, those that were not there before), ``passed`` (answered,
    but not to be kept), ``failed`` (path -> reason) and ``statuses``. Raises ``CacheError``.
    """
    wrong = [path for path in paths if not path.startswith("/")]
    if wrong or not paths:
        raise CacheError(f"Paths begin with a slash, and there must be one: {', '.join(wrong) or 'none was given'}. "
                         "Next: for example `make warm URLS='/app/ /app/page.js'`.")
    common = {"host": host, "parallel": parallel, "timeout_s": timeout_s}
    batches = [paths[begin:begin + AT_ONCE] for begin in range(0, len(paths), AT_ONCE)]
    return _everywhere(stack, [("warm", {**common, "paths": list(batch)}) for batch in batches])


def _everywhere(stack: str, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Outcome]:
    members = [container for container in engine_state.containers(stack)
               if container.labels["evenkeel.workload"] == WORKLOAD]
    if not members:
        raise CacheError(f"The stack {stack!r} has no edge here. Next: `make status STACK={stack}` shows what runs.")
    with ThreadPoolExecutor(max_workers=len(members)) as pool:
        return list(pool.map(lambda member: _ask(member, requests), members))


def _ask(member: Container, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> Outcome:
    name = member.labels["evenkeel.member"]
    results: list[Mapping[str, Any]] = []
    for command, request in requests:
        try:
            code, output = engine.run_inside(member, ["python3", "-m", "edge_cache", command, json.dumps(request)])
        except docker.errors.APIError as error:
            code, output = 1, str(error.explanation)
        if code != 0:
            return Outcome(name, merge(results), output)
        results.append(json.loads(output))
    return Outcome(name, merge(results))


def merge(results: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The results of several batches as one: numbers added, lists joined, maps of numbers added key by key."""
    total: dict[str, Any] = {}
    for result in results:
        for key, value in result.items():
            if isinstance(value, Mapping):
                known = dict(total.get(key, {}))
                total[key] = known | {name: known[name] + one if name in known and isinstance(one, int) else one
                                      for name, one in value.items()}
            else:
                total[key] = total[key] + value if key in total else value
    return total
