"""`make bench`: how long it takes to stand the platform up, to see that nothing changed, and to stop it.

Warm means: tools and images are there, nothing runs. Every time is measured from outside, on whole commands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import httpx
from docker.models.containers import Container
from rich.console import Console

from components.targets.docker import engine
from operations.benchmarks import plain_docker, report
from operations.benchmarks.report import Figure
from operations.setup import engine_state
from operations.setup.env import pulumi_environment
from operations.setup.paths import ROOT

STACK = f"bench-{os.getpid()}"
STARTS, NO_OPS = 3, 5
IDLE_S = 60
ORDER_TIMEOUT_S = 120


def main() -> int:
    console = Console()
    environment = {**os.environ, **pulumi_environment()}
    stack_file = ROOT / "stacks" / f"Pulumi.{STACK}.yaml"
    stack_file.write_text((ROOT / "stacks" / "Pulumi.local.yaml").read_text().split("encryptionsalt")[0])
    bench = Bench(console, environment)
    try:
        figures = bench.run()
    finally:
        bench.make("down", "DATA=delete")
        stack_file.unlink(missing_ok=True)
    return 0 if report.publish("start", figures, console) else 1


class Bench:
    """One stack of its own, started and stopped several times."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        self._console = console
        self._environment = dict(environment)

    def run(self) -> list[Figure]:
        fresh = [self.timed("make up, without data", self.start)]
        memory = self.idle_memory()
        no_op = [self.timed("pulumi up, nothing to do", self.no_op) for _ in range(NO_OPS)]
        preview = [self.timed("pulumi preview, nothing to do", self.preview) for _ in range(NO_OPS)]
        plain, warm, down = [], [], []
        for _ in range(STARTS):
            containers = plain_docker.take_away(STACK)
            plain.append(self.timed("plain docker run", partial(self.start_plainly, containers)))
            down.append(self.timed("make down", partial(self.make, "down")))
            warm.append(self.timed("make up, with data", self.start))
        ratio = [ours / theirs for ours, theirs in zip(warm, plain, strict=True)]
        return [
            Figure.of("warm start without data, to the first order", fresh, "s", bound=90),
            Figure.of("warm start with data, to the first order", warm, "s", bound=90),
            Figure.of("plain loop of docker run, to the first order", plain, "s"),
            Figure.of("warm start against the plain loop", ratio, "x", bound=1.5),
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

    def make(self, *arguments: str) -> None:
        self._run("make", *arguments, f"STACK={STACK}")

    def start(self) -> None:
        self.make("up")
        self.first_order()

    @cached_property
    def url(self) -> str:
        return str(json.loads(self._run("pulumi", "stack", "output", "url", "--json", "--stack", STACK)))

    def start_plainly(self, containers: Sequence[Container]) -> None:
        plain_docker.run(containers)
        self.first_order()

    def first_order(self) -> None:
        """Place an order through the front door, as soon as it is accepted."""
        deadline = time.monotonic() + ORDER_TIMEOUT_S
        url = self.url
        last = "no answer"
        # The certificate is checked by the tests; here only the time counts.
        with httpx.Client(verify=False, timeout=5) as client:  # noqa: S501
            while time.monotonic() < deadline:
                try:
                    answer = client.post(f"{url}/api/orders", json={"item": "bench", "quantity": 1},
                                         headers={"Idempotency-Key": str(uuid.uuid4())})
                    if answer.status_code == httpx.codes.CREATED:
                        return
                    last = f"{answer.status_code} {answer.text[:200]}"
                except httpx.TransportError as error:
                    last = str(error)
                time.sleep(0.1)
        raise TimeoutError(f"no order was accepted at {url} within {ORDER_TIMEOUT_S} s; the last answer: {last}")

    def no_op(self) -> None:
        output = self._run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK,
                           "--expect-no-changes")
        assert "unchanged" in output

    def preview(self) -> None:
        self._run("pulumi", "preview", "--non-interactive", "--stack", STACK, "--expect-no-changes")

    def idle_memory(self) -> float:
        """Working sets of all members, MiB."""
        time.sleep(IDLE_S)
        total = 0.0
        for container in engine_state.containers(STACK):
            usage = engine.client().api.stats(container.id or "", stream=False, one_shot=True)["memory_stats"]
            total += usage["usage"] - usage["stats"].get("inactive_file", 0)
        return total / 2**20

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, check=False, cwd=ROOT, env=self._environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"`{' '.join(command)}` failed ({done.returncode}):\n{done.stdout}")
        return done.stdout


if __name__ == "__main__":
    sys.exit(main())
