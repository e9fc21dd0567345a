"""Load on a running stack: k6 at a constant arrival rate, and what came of it, request by request."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from operations.releases.trial import CANCELLED
from operations.setup import toolchain
from operations.setup.errors import SetupError

SCRIPT = Path(__file__).parent / "k6" / "orders.js"
LONGEST_S = 3600
"""No load outlives this."""
END_S = 60


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it should be. ``at``: seconds since 1970."""

    at: float
    what: str


@dataclass(frozen=True)
class Outcome:
    """What a load came to. Times in ms; ``rate`` in requests a second, as answered; ``not_sent``: due, but no client of
    k6's was free (the load was then less than it should have been); ``acknowledged``: order -> when, in seconds since
    1970."""

    requests: int
    rate: float
    median_ms: float
    p95_ms: float
    p99_ms: float
    not_sent: int
    other_edge: int
    failures: tuple[Failure, ...]
    acknowledged: Mapping[str, float] = field(repr=False)

    def failures_between(self, begin: float, end: float) -> list[Failure]:
        return [failure for failure in self.failures if begin <= failure.at < end]

    def longest_pause_s(self, begin: float = 0, end: float = float("inf")) -> float:
        """Between two acknowledged orders of that time; 0 without any."""
        times = sorted(at for at in self.acknowledged.values() if begin <= at < end)
        return max((after - before for before, after in pairwise(times)), default=0.0)


def read(lines: Iterable[str], told_to_end: float = float("inf")) -> tuple[list[Failure], dict[str, float], int]:
    """What the script's console told: what failed, what was acknowledged (when), and how many requests were called off
    because the load was told to end at ``told_to_end``: those are no failures, nobody waited for them any more."""
    failures, acknowledged, called_off = [], {}, 0
    for line in lines:
        kind, *words = line.split(maxsplit=2)
        if kind == "ack":
            acknowledged[words[0]] = int(words[1]) / 1000
        elif kind == "failed" and int(words[0]) / 1000 >= told_to_end and CANCELLED in words[1]:
            called_off += 1
        elif kind == "failed":
            failures.append(Failure(int(words[0]) / 1000, words[1]))
    return failures, acknowledged, called_off


class Load:
    """A running k6: ``with Load(urls, rate=50) as load: ...``, then ``load.outcome``."""

    outcome: Outcome

    def __init__(self, urls: Sequence[str], *, rate: float = 0, clients: int = 0, seconds: int = LONGEST_S,
                 mix: str = "all", paths: Sequence[str] = ()) -> None:
        """``paths``: GET these in turn, whatever the application; without any, orders of the example (``mix``)."""
        found = toolchain.k6()
        if found is None:
            raise SetupError("The load generator is not here.", then="python3 -m operations.setup load-tools")
        self._folder = Path(tempfile.mkdtemp(prefix="evenkeel-load-"))
        how = {"VUS": str(clients)} if clients else {"RATE": f"{rate:.0f}"}
        variables = {"EDGES": ",".join(urls), "DURATION": f"{seconds}s", "MIX": mix, "PATHS": " ".join(paths), **how}
        self._command = [
            str(found), "run", "--quiet", "--no-usage-report", "--no-color", "--address", "", "--log-format", "raw",
            "--console-output", str(self._folder / "console"), "--summary-export", str(self._folder / "summary.json"),
            *(part for name, value in variables.items() for part in ("-e", f"{name}={value}")), str(SCRIPT)]
        self._seconds = seconds
        self._told_to_end = float("inf")

    def __enter__(self) -> Load:
        log = (self._folder / "log").open("w")
        # A session of its own: Ctrl-C reaches us only, and we end it.
        self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self._began = time.time()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._told_to_end = int(time.time() * 1000) / 1000  # as exact as the script's clock
            self._process.send_signal(signal.SIGINT)  # k6 ends what is under way, then sums up
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if kind is None:
            self.outcome = self._read()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether it still sends."""
        return self._process.poll() is None

    def finish(self) -> None:
        """Wait for the end of its time."""
        self._process.wait(self._seconds + END_S)

    def _read(self) -> Outcome:
        summary = self._folder / "summary.json"
        if not summary.exists():
            raise RuntimeError(f"k6 ended with {self._process.returncode} and no summary:\n"
                               f"{(self._folder / 'log').read_text()[-2000:]}")
        metrics = json.loads(summary.read_text())["metrics"]
        failures, acknowledged, called_off = read((self._folder / "console").read_text().splitlines(),
                                                  self._told_to_end)
        times = metrics["http_req_duration"]
        asked = metrics["asked"]
        return Outcome(
            int(asked["count"]) - called_off, asked["rate"], times["med"], times["p(95)"], times["p(99)"],
            int(metrics.get("dropped_iterations", {}).get("count", 0)),
            int(metrics.get("other_edge", {}).get("count", 0)), tuple(failures),
            acknowledged)


def capacity(urls: Sequence[str], *, clients: int = 32, seconds: int = 20, mix: str = "all") -> Outcome:
    """How much the platform answers when ``clients`` ask as fast as they get answers."""
    with Load(urls, clients=clients, seconds=seconds, mix=mix) as load:
        load.finish()
    return load.outcome
