"""Asks this member for URLs, so that it has their answers before a visitor comes."""

from __future__ import annotations

import http.client
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PORT = 8443
CACHED = ("HIT", "STALE", "UPDATING", "REVALIDATED", "EXPIRED")
BUSY = (429, 503)
TRIES = 3
LONGEST_WAIT_S = 5.0
WRITTEN_S = 0.05
"""Nginx puts an answer into its place a moment after the client has all of it."""


@dataclass(frozen=True)
class Result:
    """``kept``: answers that were in the cache afterwards; ``filled``: of these, how many were not there before.
    ``passed``: answered, but not to be kept (the application says so). ``failed``: path -> what came instead."""

    asked: int
    kept: int
    filled: int
    passed: list[str]
    failed: dict[str, str]
    statuses: dict[str, int]


@dataclass(frozen=True)
class _Outcome:
    status: int
    kept: bool = False
    filled: bool = False
    problem: str = ""


@dataclass(frozen=True)
class _Answer:
    status: int
    cache: str
    retry_after_s: float


def warm(host: str, paths: Sequence[str], parallel: int = 4, timeout_s: float = 30, port: int = PORT) -> Result:
    """Ask for every path of ``host`` twice: the second answer says whether the first one was kept."""
    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        outcomes = list(pool.map(lambda path: _one(host, path, timeout_s, port), paths))
    statuses = Counter(str(outcome.status) for outcome in outcomes)
    by_path = dict(zip(paths, outcomes, strict=True))
    return Result(
        asked=len(outcomes),
        kept=sum(outcome.kept for outcome in outcomes),
        filled=sum(outcome.filled for outcome in outcomes),
        passed=[path for path, outcome in by_path.items() if not outcome.kept and not outcome.problem],
        failed={path: outcome.problem for path, outcome in by_path.items() if outcome.problem},
        statuses=dict(sorted(statuses.items())),
    )


def _one(host: str, path: str, timeout_s: float, port: int) -> _Outcome:
    try:
        first = _ask(host, path, timeout_s, port)
        if first.status >= 400:
            return _Outcome(first.status, problem=f"HTTP {first.status}")
        if first.cache in CACHED:
            return _Outcome(first.status, kept=True)
        time.sleep(WRITTEN_S)
        kept = _ask(host, path, timeout_s, port).cache in CACHED
        return _Outcome(first.status, kept=kept, filled=kept)
    except (OSError, http.client.HTTPException) as error:
        return _Outcome(0, problem=f"{type(error).__name__}: {error}")


def _ask(host: str, path: str, timeout_s: float, port: int) -> _Answer:
    """One answer, read to its end. Waits where the limits for this address say so."""
    for attempt in range(TRIES):
        answer = _get(host, path, timeout_s, port)
        if answer.status not in BUSY or attempt == TRIES - 1:
            break
        time.sleep(min(answer.retry_after_s, LONGEST_WAIT_S))
    return answer


def _get(host: str, path: str, timeout_s: float, port: int) -> _Answer:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout_s, context=_unverified())
    try:
        connection.request("GET", path, headers={"Host": host, "Accept": "*/*", "User-Agent": "evenkeel-warm"})
        response = connection.getresponse()
        response.read()
        wait = response.getheader("Retry-After", "1")
        return _Answer(response.status, response.getheader("X-Cache-Status", ""), float(wait) if wait.isdigit() else 1)
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    """We talk to ourselves over loopback, and the certificate is the site's: made for other names than ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
