"""The front door (TLS, Nginx, HAProxy) against the bare workers: the same requests, the same workers, in one run.

k6 runs in a container of its own in the stack's networks, so that both ways begin at the same place. The route reads
one order from the database and is cached nowhere.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence

from docker.models.containers import Container
from rich.console import Console

from components.targets.docker import engine
from operations.benchmarks.load import SCRIPT
from operations.benchmarks.report import Figure
from operations.setup import toolchain
from operations.setup.images import BASE, image_tag

ROUNDS, SECONDS, CLIENTS = 3, 15, 24
WORKERS, EDGES = 2, 2
HALF = 0.5
SUMMARY = "/tmp/summary.json"  # noqa: S108 - inside the container


def measure(stack: str, console: Console) -> list[Figure]:
    """Throughput of both ways, in turn; then p99 of both at half of what the front door carries. Needs two workers."""
    front = [f"https://nginx-{n}:8443" for n in range(1, EDGES + 1)]
    bare = [f"http://web-blue-{n}:8000" for n in range(1, WORKERS + 1)]
    with _Client(stack) as ask:
        carried: dict[str, list[float]] = {"front": [], "bare": []}
        for _ in range(ROUNDS):
            for way, urls in (("bare", bare), ("front", front)):
                carried[way].append(ask(urls, VUS=CLIENTS)["asked"]["rate"])
                console.print(f"  {carried[way][-1]:6.0f} requests/s  {way}")
        half = HALF * statistics.median(carried["front"])
        slow: dict[str, list[float]] = {"front": [], "bare": []}
        for _ in range(ROUNDS):
            for way, urls in (("bare", bare), ("front", front)):
                slow[way].append(ask(urls, RATE=round(half))["http_req_duration"]["p(99)"])
                console.print(f"  {slow[way][-1]:6.1f} ms at p99  {way}, {half:.0f} requests/s")
    share = [100 * ours / theirs for ours, theirs in zip(carried["front"], carried["bare"], strict=True)]
    more = [ours - theirs for ours, theirs in zip(slow["front"], slow["bare"], strict=True)]
    return [
        Figure.of("front door, reads of one order", carried["front"], "1/s"),
        Figure.of("bare workers, the same", carried["bare"], "1/s"),
        Figure.of("front door's share of the bare workers' throughput, at least 85", share, "%", floor=85),
        Figure.of("p99 at half load: front door more than bare workers", more, "ms", bound=1),
    ]


class _Client:
    """A container with k6 between the edge's clients and the workers' network."""

    def __init__(self, stack: str) -> None:
        self._stack = stack

    def __enter__(self) -> Callable[..., dict]:
        program = toolchain.k6()
        if program is None:
            raise RuntimeError("the load generator is not here: python3 -m operations.setup load-tools")
        client = engine.client()
        self._container: Container = client.containers.create(
            image_tag(BASE), entrypoint=["sleep", "3600"], network=f"evenkeel-{self._stack}-edge", tty=False,
            labels={"evenkeel.stack": self._stack, "evenkeel.helper": "load"})
        client.networks.get(f"evenkeel-{self._stack}-app").connect(self._container)
        self._container.start()
        self._container.put_archive("/", engine.archive([
            engine.PlacedFile("k6", program.read_bytes(), 0o755, 0),
            engine.PlacedFile("orders.js", SCRIPT.read_bytes(), 0o755, 0)]))
        return self._ask

    def __exit__(self, *_: object) -> None:
        self._container.remove(force=True)

    def _ask(self, urls: Sequence[str], **variables: object) -> dict:
        """k6's metrics. Raises ``RuntimeError`` when a request failed: then nothing is compared."""
        told = {"EDGES": ",".join(urls), "MIX": "read", "DURATION": f"{SECONDS}s", **variables}
        command = ["/k6", "run", "--quiet", "--no-usage-report", "--address", "", "--summary-export", SUMMARY,
                   *(part for key, value in told.items() for part in ("-e", f"{key}={value}")), "/orders.js"]
        code, output = engine.run_inside(self._container, command)
        if code != 0:
            raise RuntimeError(f"k6 in {self._container.name} ended with {code}:\n{output[-2000:]}")
        metrics = json.loads(engine.run_inside(self._container, ["cat", SUMMARY])[1])["metrics"]
        if metrics.get("failed", {}).get("count"):
            raise RuntimeError(f"{metrics['failed']['count']} requests to {urls[0]} failed:\n{output[-2000:]}")
        return dict(metrics)

