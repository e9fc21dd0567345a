"""`make bench-release`: ten releases in a row, a rollback, a drain and a rolling release, under load, and what clients
noticed.

The load is 60 % of the capacity measured just before, open loop, with 200 WebSockets beside; it runs across every
switch, the rollback and the drain. All figures but the playbook's overhead are the receipts'.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from components.targets.docker import engine
from operations.benchmarks import report
from operations.benchmarks.bench_stack import BenchStack
from operations.benchmarks.report import Figure
from operations.releases import trial
from operations.releases.described import plan
from operations.setup import engine_state

SETTINGS = {"app": {"pools": {"web": {"workers": 2, "cpus": 0.4}}}}
"""Workers small enough to be what limits the platform, not the machine."""
SHARE = 0.6
SOCKETS = 200
CLIENTS, WARM_S, CAPACITY_S = 32, 5, 20
"""How the capacity is measured: closed loop."""
RELEASES = 10
REQUESTS = 100_000
"""At least so many in all; how long each release is watched follows from it."""
LEAST_WINDOW_S = 30
SWITCH_BOUND_MS, TYPED_BOUND_S, OVERHEAD_BOUND_S = 10, 3, 15
BEFORE_S = 3
RESTING = 3
"""Releases with a light load, before the others: what the playbook itself takes where the machine isn't busy."""
TOTAL = re.compile(r"([\d.]+) s in all")
WAITED = re.compile(r"pulumi up: .*\(([\d.]+) s\)|members serve, after ([\d.]+) s")


@dataclass(frozen=True)
class Load:
    """What runs across a release, and how long it is watched."""

    rate: int
    sockets: int
    window_s: int


LIGHT = Load(20, 10, 5)


class Bench:
    """One stack, released again and again."""

    def __init__(self, stack: BenchStack, console: Console) -> None:
        self._stack, self._console = stack, console
        self._receipts: list[dict[str, Any]] = []
        self._overheads: list[float] = []
        self._resting: list[float] = []
        self._serial = 0

    def run(self) -> list[Figure]:
        self._stack.make("up")
        most = self._capacity()
        rate = round(SHARE * most)
        window = max(LEAST_WINDOW_S, round(REQUESTS / RELEASES / rate))
        self._say(f"capacity {most:.0f} requests/s; load {rate} requests/s, watched for {window} s")
        self._resting = [self._release(LIGHT) for _ in range(RESTING)]
        load = Load(rate, SOCKETS, window)
        for number in range(1, RELEASES + 1):
            self._overheads.append(self._release(load))
            self._receipts.append(self._receipt(self._serial))
            self._say(f"release {number}: dropped {self._receipts[-1]['dropped']} of {self._receipts[-1]['sent']}, "
                      f"switch {self._receipts[-1]['switch_ms']} ms, overhead {self._overheads[-1]:.1f} s")
        back = self._rollback(rate)
        drain = self._retire(rate)
        self._release(load, "STRATEGY=rolling")  # ends workers while WebSockets are on them
        return self._figures(most, rate, [back, drain, self._receipt(self._serial)])

    def _capacity(self) -> float:
        """Requests a second that are answered of this very load, its WebSockets beside: each hears of every order."""
        name = f"{self._stack.name}-capacity"
        load = plan(self._stack.name, name, 0, SOCKETS, os.getpid())
        trial.start(name, replace(load, clients=CLIENTS))
        time.sleep(WARM_S)
        since = time.time()
        time.sleep(CAPACITY_S)
        until = time.time()
        trial.stop(name)
        seen = trial.events(name)
        assert seen
        answered = sum(1 for one in seen.requests if one.status and since <= one.sent + one.took_ms / 1000 < until)
        return answered / (until - since)

    def _release(self, load: Load, *how: str) -> float:
        """The playbook's own seconds: without Pulumi's, the waits for health, and those before and after the switch."""
        self._serial += 1
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"release_load_rate": load.rate, "release_load_sockets": load.sockets,
                            "release_rollback_window_s": load.window_s, "release_limits": {"p95_ms": 0}}, file)
            file.flush()
            said = self._stack.make("release", f"IMAGE={self._images[self._serial % 2]}", f"WITH={file.name}", *how)
        waited = sum(float(one or other) for one, other in WAITED.findall(said))
        return float(TOTAL.findall(said)[-1]) - waited - load.window_s - BEFORE_S

    def _rollback(self, rate: int) -> dict[str, Any]:
        """Of the last release, under a load of its own."""
        name = f"{self._stack.name}-{self._serial:04}"
        asked = (f"stack={self._stack.name} project={Path.cwd()} name={name} state=running outlive=true rate={rate} "
                 f"sockets={SOCKETS}")
        self._stack.run("ansible", "-i", "localhost,", "-c", "local", "localhost", "-e",
                        f"ansible_python_interpreter={sys.executable}", "-m", "evenkeel.platform.release_load",
                        "-a", asked)
        self._stack.make("rollback")
        return self._receipt(self._serial)

    def _retire(self, rate: int) -> dict[str, Any]:
        self._stack.run("ansible-playbook", "ansible/playbooks/retire.yml", "-e", f"stack={self._stack.name}", "-e",
                        f"release_load_rate={rate}", "-e", f"release_load_sockets={SOCKETS}")
        return self._receipt(self._serial, "-drain")

    def _receipt(self, number: int, what: str = "") -> dict[str, Any]:
        folder = trial.folder(f"{self._stack.name}-{number:04}{what}")
        return dict(json.loads((folder / "receipt.json").read_text()))

    def _figures(self, most: float, rate: int, others: Sequence[Mapping[str, Any]]) -> list[Figure]:
        back, _, rolling = others
        everything = [*self._receipts, *others]
        sent = sum(one["sent"] for one in everything)
        taken_back = next(mark for mark in back["switches"] if mark["what"] == "rollback")
        agreed = sum(1 for one in everything if one["reconciled"])
        return [
            Figure.of(f"capacity with {SOCKETS} WebSockets, {CLIENTS} clients", [most], "1/s"),
            Figure.of("load", [float(rate)], "1/s"),
            Figure.of(f"dropped of {sent} requests", [_sum(everything, "dropped")], "", bound=0),
            Figure.of(f"wrong of {sent} requests", [_sum(everything, "wrong")], "", bound=0),
            Figure.of("switch: first command to last request to the former colour",
                      [float(one["switch_ms"]) for one in self._receipts], "ms", bound=SWITCH_BOUND_MS),
            Figure.of("slowest switch", [max(float(one["switch_ms"]) for one in self._receipts)], "ms"),
            Figure.of("rollback: likewise", [float(back["rollback_ms"])], "ms", bound=SWITCH_BOUND_MS),
            Figure.of("rollback: from the typed command",
                      [(taken_back["typed_to_command_ms"] + back["rollback_ms"]) / 1000], "s", bound=TYPED_BOUND_S),
            Figure.of(f"WebSockets cut, of {SOCKETS} through it all",
                      [float(sum(one["websockets"]["cut"] for one in everything))], "", bound=0),
            Figure.of("of them told to reconnect by workers that a rolling release ended",
                      [float(rolling["websockets"]["told_to_reconnect"])], "", floor=1),
            Figure.of(f"the playbook's own overhead, with {LIGHT.rate} requests/s", self._resting, "s",
                      bound=OVERHEAD_BOUND_S),
            Figure.of("the playbook's own overhead, under that load", self._overheads, "s", bound=OVERHEAD_BOUND_S),
            Figure.of(f"receipts whose counts agree, of {len(everything)}", [float(agreed)], "",
                      floor=float(len(everything))),
        ]

    @cached_property
    def _images(self) -> list[str]:
        """Two that do the same as the one that runs: a label more."""
        running = next(str(one.attrs["Config"]["Image"]) for one in engine_state.containers(self._stack.name)
                       if one.labels["evenkeel.member"] == "web-blue-1")
        made = []
        for number in range(2):
            container = engine.client().containers.create(running)
            try:
                container.commit("evenkeel-bench/orders", str(number), changes=[f"LABEL evenkeel.bench={number}"])
            finally:
                container.remove()
            made.append(f"evenkeel-bench/orders:{number}")
        return made

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", highlight=False)


def _sum(receipts: Sequence[Mapping[str, Any]], what: str) -> float:
    return float(sum(one[what] for one in receipts))


def main() -> int:
    console = Console()
    with BenchStack(SETTINGS) as stack:
        figures = Bench(stack, console).run()
    return 0 if report.publish("release", figures, console) else 1


if __name__ == "__main__":
    sys.exit(main())
