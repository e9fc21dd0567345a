"""The client of a Prometheus: instant queries, and the measures of a colour made from them."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils.verdict import Measure

TIMEOUT_S = 5.0
WORKLOAD, PORT = "prometheus", 9090
"""The platform's own."""
WORKERS_P95 = ('1000 * histogram_quantile(0.95, sum by (le) (rate({__name__=~"(.+_)?http_request(_duration)?_seconds_'
               'bucket",route!~"/health.*",colour="{colour}"}[{window}])))')
"""By the histogram of answer times that workers tell where `app.metrics_path` says."""
ANSWERS = "haproxy_backend_http_responses_total"


class PrometheusError(Exception):
    """It can't be asked, or refuses the query; the message says why."""


class Prometheus:
    """``url`` is its base, for example ``http://127.0.0.1:9090``."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise PrometheusError(f"{url!r} is no address of a Prometheus: http://HOST:PORT")
        self._url = url.rstrip("/")

    def value(self, query: str) -> float | None:
        """The sum of what the query gives now; None when it gives nothing, or nothing that is a number."""
        address = f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s), checked above
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise PrometheusError(f"Prometheus refuses {query!r}: {_words(error.read())}") from None
        except (OSError, ValueError) as error:
            raise PrometheusError(f"Prometheus at {self._url} can't be asked: {error}") from None
        return total(told)

    def measure(self, queries: Mapping[str, str]) -> Measure | None:
        """From the queries ``requests``, ``failed`` and ``p95_ms`` (empty: not asked). None: no data."""
        asked = {name: self.value(query) if query else None for name, query in queries.items()}
        if asked.get("requests") is None:
            return None
        requests, failed = round(asked["requests"] or 0), round(asked.get("failed") or 0)
        return Measure(requests, max(0, requests - failed), failed, asked.get("p95_ms"))


def queries(colour: str, window_s: int, p95: str = "") -> dict[str, str]:
    """What HAProxy's own exporter knows of a colour in the last ``window_s`` seconds. It has no percentiles: ``p95`` is
    a query of the user's, with ``{colour}`` and ``{window}`` filled in, in ms."""
    chosen = f'{ANSWERS}{{proxy=~".+_{colour}_(read|write|socket)"'
    return {"requests": f"sum(increase({chosen}}}[{window_s}s]))",
            "failed": f'sum(increase({chosen},code="5xx"}}[{window_s}s]))',
            "p95_ms": p95.replace("{colour}", colour).replace("{window}", f"{window_s}s")}


def total(told: Mapping[str, Any]) -> float | None:
    """From the answer of ``/api/v1/query``."""
    data = told.get("data") or {}
    if data.get("resultType") == "scalar":
        values = [data["result"][1]]
    else:
        values = [sample["value"][1] for sample in data.get("result") or ()]
    numbers = [float(value) for value in values]
    known = [number for number in numbers if math.isfinite(number)]
    return sum(known) if known else None


def _words(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
