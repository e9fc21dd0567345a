"""`make bench`: how long it takes to stand the platform up, to see that nothing changed, and to stop it.

Warm means: tools and images are there, nothing runs. Every time is measured from outside, from the moment a command is
typed; a client that tries to place an order all the while says when the first one was accepted, for our start as for
the plain loop.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from rich.console import Console

from operations.benchmarks import plain_docker, report
from operations.benchmarks.bench_stack import BenchStack
from operations.benchmarks.report import Figure
from operations.setup import engine_state, status

STARTS, NO_OPS = 3, 5
IDLE_S = 60
ORDER_TIMEOUT_S = 120


def main() -> int:
    console = Console()
    with BenchStack() as stack:
        figures = Bench(stack, console).run()
    return 0 if report.publish("start", figures, console) else 1


@dataclass(frozen=True)
class Start:
    """When the first order was accepted and when the command ended, seconds after it was typed."""

    order_s: float
    table_s: float


def first_order(url: str) -> float:
    """Place an order through the front door as soon as one is accepted; when that was (``time.monotonic``)."""
    deadline = time.monotonic() + ORDER_TIMEOUT_S
    last = "no answer"
    # The certificate is checked by the tests; here only the time counts.
    with httpx.Client(verify=False, timeout=5) as client:  # noqa: S501
        while time.monotonic() < deadline:
            try:
                answer = client.post(f"{url}/api/orders", json={"item": "bench", "quantity": 1},
                                     headers={"Idempotency-Key": str(uuid.uuid4())})
                if answer.status_code == httpx.codes.CREATED:
                    return time.monotonic()
                last = f"{answer.status_code} {answer.text[:200]}"
            except httpx.TransportError as error:
                last = str(error)
            time.sleep(0.1)
    raise TimeoutError(f"no order was accepted at {url} within {ORDER_TIMEOUT_S} s; the last answer: {last}")


class Bench:
    """One stack of its own, started and stopped several times."""

    def __init__(self, stack: BenchStack, console: Console) -> None:
        self._stack = stack
        self._console = console

    def run(self) -> list[Figure]:
        fresh = [self.start("make up, without data")]
        memory = self.idle_memory()
        no_op = [self.timed("pulumi up, nothing to do", self.no_op) for _ in range(NO_OPS)]
        preview = [self.timed("pulumi preview, nothing to do", self.preview) for _ in range(NO_OPS)]
        plain, warm, down = [], [], []
        for _ in range(STARTS):
            down.append(self.timed("make down", partial(self._stack.make, "down")))
            warm.append(self.start("make up, with data"))
        # Afterwards: what the loop makes is unknown to Pulumi, whose next commands would take longer.
        for _ in range(STARTS):
            plain.append(self.start_plainly(plain_docker.take_away(self._stack.name)))
        ratio = [ours.order_s / theirs for ours, theirs in zip(warm, plain, strict=True)]
        return [
            Figure.of("warm start without data, to the first order", [one.order_s for one in fresh], "s", bound=90),
            Figure.of("the same, to the table of all members", [one.table_s for one in fresh], "s"),
            Figure.of("warm start with data, to the first order", [one.order_s for one in warm], "s", bound=90),
            Figure.of("the same, to the table of all members", [one.table_s for one in warm], "s"),
            Figure.of("plain loop of docker run, to the first order", plain, "s"),
            Figure.of("warm start against the plain loop, to the first order", ratio, "x", bound=1.5),
            Figure.of("pulumi up with nothing to do", no_op, "s", goal=5, bound=8),
            Figure.of("pulumi preview with nothing to do", preview, "s", goal=5, bound=8),
            Figure.of("make down", down, "s", bound=30),
            Figure.of(f"memory of all members after {IDLE_S} s idle", [memory], "MiB", goal=2560),
        ]

    def timed(self, what: str, action: Callable[[], Any]) -> float:
        began = time.monotonic()
        action()
        took = time.monotonic() - began
        self._console.print(f"  {took:6.2f} s  {what}")
        return took

    def start(self, what: str) -> Start:
        began = time.monotonic()
        with ThreadPoolExecutor(max_workers=1) as pool:
            ordered = pool.submit(first_order, self._stack.urls[0])
            self._stack.make("up")
            finished = time.monotonic()
            start = Start(ordered.result() - began, finished - began)
        self._console.print(f"  {start.order_s:6.2f} s  {what}, to the first order; {start.table_s:.2f} s to its end")
        return start

    def start_plainly(self, taken: plain_docker.Taken) -> float:
        began = time.monotonic()
        with ThreadPoolExecutor(max_workers=1) as pool:
            ordered = pool.submit(first_order, self._stack.urls[0])
            plain_docker.run(taken)
            took = ordered.result() - began
        self._console.print(f"  {took:6.2f} s  plain docker run, to the first order")
        return took

    def no_op(self) -> None:
        output = self._stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        assert "unchanged" in output

    def preview(self) -> None:
        self._stack.pulumi("preview", "--expect-no-changes")

    def idle_memory(self) -> float:
        """Working sets of all members, MiB."""
        time.sleep(IDLE_S)
        return sum(status.memory_mib(container) for container in engine_state.containers(self._stack.name))


if __name__ == "__main__":
    sys.exit(main())
