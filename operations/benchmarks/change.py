"""`make bench-change`: what users notice while the platform under them changes.

A constant load (k6, open loop, 60 % of the capacity measured just before) goes through both edges all the time, while
settings of every tier are changed one after the other by editing the stack's file and `pulumi up`, images of all tiers
are replaced, every secret is rotated and members are killed. Every request that was not answered as it should be is
counted, and attributed to the change under way.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

import docker.errors
import httpx
from docker.models.containers import Container
from rich.console import Console

from components.targets.docker import engine
from operations.benchmarks import front_door, report
from operations.benchmarks.bench_stack import BenchStack
from operations.benchmarks.changes import CHANGES
from operations.benchmarks.load import Load, Outcome, capacity
from operations.benchmarks.report import Figure
from operations.setup import engine_state

SETTINGS = {"app": {"pools": {"web": {"workers": 2, "cpus": 0.4}}}}
"""Workers small enough to be what limits the platform, not the machine."""
DOOR_SETTINGS = {"app": {"pools": {"web": {"cpus": 0.2}}}}
"""For the comparison of the front door with bare workers: two cores also carry Nginx, HAProxy, Postgres and the load.
Only where workers are what ends first on both ways is the door measured, and not the machine."""
SHARE = 0.6
"""Of the capacity: the load under which changes are made."""
SETTLE_S = 5
PAUSE_BOUND_S = 2
"""The product's figure, for changes that are said beforehand to pause the writer."""
LEDGER_PAGE = 1000
UNDER_LOAD = {"settings": "settings", "upgrade": "upgrade of all images", "rotation": "rotation of all secrets"}
PARTS = ("door", *UNDER_LOAD, "crashes")
CRASHED = ("web-blue-1", "redis-1", "haproxy-1", "nginx-1", "etcd-1")
BACK_WITHIN_S = 60
POLL_S = 0.1
KIND, TOLD = 80, 12
"""Failures whose first characters are the same are told as one, for each second; so many lines per change."""
REASON = re.compile(r'"reason": ?"([^"]+)"')
"""As `examples/orders` logs what it could not do."""


@dataclass(frozen=True)
class Step:
    """One change under load."""

    name: str
    began: float
    ended: float
    pauses: bool = False
    """It was said beforehand to pause the writer."""

    @property
    def took(self) -> float:
        return self.ended - self.began

    def pause_s(self, outcome: Outcome) -> float:
        """The longest time between two acknowledged orders."""
        return outcome.longest_pause_s(self.began, self.ended + SETTLE_S)


class Bench:
    """One stack under load."""

    def __init__(self, stack: BenchStack, console: Console) -> None:
        self._stack = stack
        self._console = console
        self._steps: list[Step] = []

    def run(self, parts: Collection[str]) -> list[Figure]:
        """Measure these of ``PARTS``."""
        self._stack.make("up")
        figures = self._door() if "door" in parts else []
        rate = 0.0
        if set(parts) & set(UNDER_LOAD):
            most = capacity(self._stack.urls)
            rate = SHARE * most.rate
            self._say(f"capacity {most.rate:.0f} requests/s; load {rate:.0f} requests/s")
            figures.append(Figure.of("capacity (7 reads, 2 orders, 1 session of 10)", [most.rate], "1/s"))
        actions = {"settings": self._change_settings, "upgrade": self._upgrade, "rotation": self._rotate}
        for part, what in UNDER_LOAD.items():
            if part in parts:
                figures += self._under_load(what, rate, actions[part])
        return figures + (self._crashes() if "crashes" in parts else [])

    def _door(self) -> list[Figure]:
        self._stack.set(DOOR_SETTINGS)
        self._stack.up()
        figures = front_door.measure(self._stack.name, self._console)
        self._stack.set(SETTINGS)
        self._stack.up()
        return figures

    def _under_load(self, what: str, rate: float, action: Callable[[], None]) -> list[Figure]:
        self._steps = []
        with Load(self._stack.urls, rate=rate) as load:
            time.sleep(SETTLE_S)
            began = time.monotonic()
            action()
            took = time.monotonic() - began
            time.sleep(SETTLE_S)
        for step in self._steps:
            self._tell(step, load.outcome)
        lost = load.outcome.acknowledged.keys() - self._ledger()
        return [
            Figure.of(f"{what}: failed requests of {load.outcome.requests}", [len(load.outcome.failures)], "", bound=0),
            Figure.of(f"{what}: acknowledged orders lost of {len(load.outcome.acknowledged)}", [len(lost)], "",
                      bound=0),
            Figure.of(f"{what}: longest pause of writes where one was announced",
                      [step.pause_s(load.outcome) for step in self._steps if step.pauses], "s", bound=PAUSE_BOUND_S),
            Figure.of(f"{what}: duration", [took], "s"),
            Figure.of(f"{what}: slowest 1 % of requests", [load.outcome.p99_ms], "ms"),
        ]

    def _change_settings(self) -> None:
        for change in CHANGES:
            self._stack.set(change.nested)
            self._step(change.setting, self._stack.up, pauses=change.pauses)

    def _upgrade(self) -> None:
        """New images for every tier: the same files with one more layer, as a security update of the base would be."""
        images = sorted({str(container.attrs["Config"]["Image"]) for container in self._members()})
        replaced = {name: _descendant(image) for image in images if (name := _ours(image))}
        app = replaced.pop("orders", None)
        self._stack.set({"images": replaced, **({"app": {"image": app}} if app else {})})
        self._step("upgrade", lambda: self._stack.make("upgrade"), pauses=True)

    def _rotate(self) -> None:
        self._step("rotation", lambda: self._stack.make("rotate", "WHAT=all"), pauses=True)

    def _crashes(self) -> list[Figure]:
        return [Figure.of(f"{member} killed: back in service", [self._crash(member)], "s", bound=10)
                for member in CRASHED]

    def _crash(self, member: str) -> float:
        container = next(one for one in self._members() if one.labels["evenkeel.member"] == member)
        test = engine.health_command(container)
        container.kill()
        began = time.monotonic()
        while time.monotonic() < began + BACK_WITHIN_S:
            time.sleep(POLL_S)
            container.reload()
            try:
                if container.status == "running" and engine.run_inside(container, test)[0] == 0:
                    return time.monotonic() - began
            except docker.errors.APIError:
                continue  # it ended again meanwhile
        raise TimeoutError(f"{member} was not back {BACK_WITHIN_S} s after `docker kill`")

    def _step(self, name: str, action: Callable[[], object], *, pauses: bool = False) -> None:
        began = time.time()
        action()
        self._steps.append(Step(name, began, time.time(), pauses))

    def _tell(self, step: Step, outcome: Outcome) -> None:
        failures = outcome.failures_between(step.began, step.ended + SETTLE_S)
        self._say(f"{step.took:6.1f} s  {step.name}: {len(failures)} failed" + (
            f", writes paused for {step.pause_s(outcome):.1f} s" if step.pauses else ""))
        alike = Counter((int(failure.at - step.began), failure.what[:KIND]) for failure in failures)
        for (second, what), times in sorted(alike.items())[:TOLD]:
            self._say(f"            {times} times {second} s after its begin: {what}")
        if failures:
            for reason, times in self._reasons(step).most_common(TOLD):
                self._say(f"            {times} times a worker said: {reason}")

    def _reasons(self, step: Step) -> Counter[str]:
        """Why workers did not answer: for their log, not for their clients."""
        found: Counter[str] = Counter()
        for member in self._members():
            if member.labels["evenkeel.tier"] == "app":
                log = member.logs(since=step.began, until=step.ended + SETTLE_S).decode(errors="replace")
                found.update(reason[:2 * KIND] for reason in REASON.findall(log))
        return found

    def _ledger(self) -> set[str]:
        """Idempotency keys of every order in the database, asked of the primary."""
        found: set[str] = set()
        after: int | None = 0
        with httpx.Client(base_url=self._stack.urls[0], verify=False, timeout=15) as client:  # noqa: S501
            while after is not None:
                page = client.get("/api/orders/ledger", params={"after": after, "limit": LEDGER_PAGE}).json()
                found |= {entry[2] for entry in page["entries"]}
                after = page["next"]
        return found

    def _members(self) -> list[Container]:
        return engine_state.containers(self._stack.name)

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", highlight=False)


def _ours(image: str) -> str | None:
    """``evenkeel/redis:0123`` -> ``redis``; None for somebody else's."""
    return image.removeprefix("evenkeel/").partition(":")[0] if image.startswith("evenkeel/") else None


def _descendant(image: str) -> str:
    """Another image that does the same: a label more. Its reference."""
    repository, _, tag = image.partition(":")
    made = engine.client().containers.create(image)
    try:
        made.commit(repository, f"{tag}-next", changes=["LABEL evenkeel.bench=next"])
    finally:
        made.remove()
    return f"{repository}:{tag}-next"


def main() -> int:
    console = Console()
    parts = tuple(part for argument in sys.argv[1:] for part in argument.removeprefix("PART=").split(",") if part)
    if unknown := set(parts) - set(PARTS):
        console.print(f"PART={','.join(sorted(unknown))}: {', '.join(PARTS)}, or several with commas; none: all")
        return 2
    with BenchStack(SETTINGS) as stack:
        figures = Bench(stack, console).run(parts or PARTS)
    return 0 if report.publish("-".join(["change", *parts]), figures, console) else 1


if __name__ == "__main__":
    sys.exit(main())
