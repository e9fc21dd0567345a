"""`make bench-monitoring`: how soon people are told, what watching costs, and whether a line is ever lost.

Messages go to a receiver inside an alert manager's container: nothing leaves the platform. Lines are said by a
container with the labels of a member, whose file the engine renames meanwhile as it does with every member's.
"""

from __future__ import annotations

import json
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from docker.types import LogConfig
from rich.console import Console

from components.monitoring_collector import COLLECTOR
from components.monitoring_logs import LOKI
from components.settings import Settings
from components.targets.docker import engine, inputs, naming
from components.workload import Member
from operations.benchmarks import report
from operations.benchmarks.bench_stack import BenchStack
from operations.benchmarks.report import Figure
from operations.dashboard import server
from operations.monitoring import kept
from operations.policies.subject import config_of
from operations.setup import engine_state, status
from operations.setup.images import image_tag

RECEIVER, PORT, MESSAGES = "alertmanager-2", 9999, "/tmp/messages"  # noqa: S108 - inside the container
HOOK = textwrap.dedent(f"""
    import json, time
    from http.server import BaseHTTPRequestHandler, HTTPServer
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with open("{MESSAGES}", "a") as messages:
                for alert in told["alerts"]:
                    print(json.dumps([time.time(), alert["labels"]["alertname"], alert["status"]]), file=messages)
            self.send_response(200)
            self.end_headers()
    HTTPServer(("", {PORT}), Hook).serve_forever()
""")
SETTINGS: Mapping[str, Any] = {
    "app": {"metrics_path": "/metrics"},
    # Nobody is to bring back what is broken on purpose: the fault has to last until it is told.
    "supervision": {"enabled": False},
    "monitoring": {
        "logs": {"enabled": True},
        "alertmanager": {"group_interval_s": 5},
        "routes": {"hook": {"kind": "webhook", "url": f"http://{RECEIVER}:{PORT}/", "severities": ["critical"]}}}}
FAULTS = {"ServiceDown": ("pgbouncer-1", "pgbouncer-2"), "FrontDoorClosed": ("nginx-1", "nginx-2"),
          "NoWorker": ("web-blue-1", "web-blue-2")}
"""Critical alert -> whose end it tells."""
RUNS, TOLD_BOUND_S, PATIENCE_S = 3, 30, 120
IDLE_S = 60
PER_SECOND, SPEAK_S, CATCH_UP_S = 2000, 60, 120
SAY = textwrap.dedent(f"""
    import sys, time
    begin = time.monotonic()
    for second in range({SPEAK_S}):
        for number in range(second * {PER_SECOND}, (second + 1) * {PER_SECOND}):
            print(number, "of many:", "what a member says has about two hundred characters. " * 3)
        sys.stdout.flush()
        time.sleep(max(0, begin + second + 1 - time.monotonic()))
    print("took", time.monotonic() - begin, file=sys.stderr, flush=True)
    time.sleep(600)
""")
PAGES = 10


class Bench:
    """One stack with everything that watches."""

    def __init__(self, stack: BenchStack, console: Console) -> None:
        self._stack, self._console = stack, console

    def run(self) -> list[Figure]:
        self._stack.make("up")
        self._container(RECEIVER).exec_run(["python3", "-c", HOOK], detach=True)
        figures = self._idle()
        figures += [self._page(), *self._lines()]
        for figure in figures:
            self._console.print(f"  {figure.value:8.2f} {figure.unit}  {figure.name}", highlight=False)
        for alert in FAULTS:
            took = [self._told(alert) for _ in range(RUNS)]
            figures.append(Figure(f"from the fault to the message: {alert}, slowest", max(took), "s", TOLD_BOUND_S,
                                  None, took))
        return figures

    # -- what it costs -------------------------------------------------------------------------------------------------

    def _idle(self) -> list[Figure]:
        """Processor time and memory of the tier while nobody asks anything of the platform."""
        time.sleep(IDLE_S)
        before, begin = self._cpu_s(), time.monotonic()
        time.sleep(IDLE_S)
        seconds = time.monotonic() - begin
        percent = {name: 100 * (after - before[name]) / seconds for name, after in self._cpu_s().items()}
        memory = {one.labels["evenkeel.member"]: status.memory_mib(one) for one in self._tier()}
        logs = {f"{LOKI}-1", f"{COLLECTOR}-1"}
        return [
            Figure.of("asking and judging (prometheus-1), idle", [percent["prometheus-1"]], "% of a core", bound=5),
            Figure.of("the rest of the tier without logs, idle", [sum(
                value for name, value in percent.items() if name not in logs | {"prometheus-1"})], "% of a core"),
            Figure.of("keeping logs, idle", [sum(percent[name] for name in logs)], "% of a core"),
            Figure.of("memory of the tier", [sum(memory.values())], "MiB", goal=600, note=", ".join(
                f"{name} {mib:.0f}" for name, mib in sorted(memory.items()))),
        ]

    def _cpu_s(self) -> dict[str, float]:
        api = engine.client().api
        return {one.labels["evenkeel.member"]: api.stats(one.id, stream=False, one_shot=True)["cpu_stats"]["cpu_usage"][
            "total_usage"] / 1e9 for one in self._tier()}

    def _page(self) -> Figure:
        """As a browser gets it: asked of Prometheus anew and drawn."""
        name = self._stack.name
        settings = Settings.load(config_of(name), stack=name, where=name)
        took = []
        for _ in range(PAGES):
            served = server.serve(server.Source(name, settings, served=True), 0)
            with _serving(served), httpx.Client(trust_env=False, timeout=30) as client:
                begin = time.monotonic()
                client.get(f"http://{server.ADDRESS}:{served.server_port}/").raise_for_status()
                took.append(time.monotonic() - begin)
        return Figure("the page, slowest", max(took), "s", 1, None, took)

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _lines(self) -> list[Figure]:
        count, began = PER_SECOND * SPEAK_S, datetime.now(UTC) - timedelta(seconds=1)
        with self._speaker() as (member, container):
            self._until(lambda: b"took" in container.logs(stdout=False), SPEAK_S * 3, "everything is said")
            seconds = float(container.logs(stdout=False).split()[-1])
            ended = time.monotonic()
            loki = self._container(f"{LOKI}-1")

            def missing() -> int:
                # Counted where they are kept first: fetching them all each time would be a load of its own.
                told = kept.asked(loki, "/loki/api/v1/query", query=f'sum(count_over_time({{member="{member}"}}[10m]))')
                return count + 1 - (int(told["result"][0]["value"][1]) if told["result"] else 0)

            self._until(lambda: missing() <= 0, CATCH_UP_S, "everything is kept", fail=False)
            waited = time.monotonic() - ended
            said = kept.lines(loki, self._stack.name, member, began, None)
            found = Counter(line.text.split(" ", 1)[0] for line in said)
        lost = sum(1 for number in range(count) if not found[str(number)])
        twice = sum(found[str(number)] - 1 for number in range(count) if found[str(number)] > 1)
        return [
            Figure.of(f"lines lost of {count:,}", [float(lost)], "", bound=0),
            Figure.of("lines kept twice", [float(twice)], "", bound=0),
            Figure.of("lines said in a second", [count / seconds], "", floor=PER_SECOND * 0.95),
            Figure.of("from the last line until all are kept", [waited], "s"),
        ]

    @contextmanager
    def _speaker(self) -> Iterator[tuple[str, Any]]:
        member = "speaker-1"
        labels = naming.labels(self._stack.name, "app", Member("speaker", 1))
        container = engine.client().containers.run(
            image_tag("base"), ["python3", "-c", SAY], name=f"evenkeel-{self._stack.name}-{member}", detach=True,
            labels=labels, network_mode="none", log_config=LogConfig(type="json-file", config=dict(inputs.LOGS)))
        try:
            yield member, container
        finally:
            container.remove(force=True)

    # -- messages ------------------------------------------------------------------------------------------------------

    def _told(self, alert: str) -> float:
        """Seconds from the last member's end to the message."""
        containers = [self._container(member) for member in FAULTS[alert]]
        known = len(self._messages())
        for container in containers:
            container.kill()
        at = time.time()
        try:
            told: float = self._until(lambda: self._told_of(alert, "firing", known), PATIENCE_S, f"{alert} is told")
        finally:
            for container in containers:
                container.start()
        self._until(lambda: self._told_of(alert, "resolved", known), 2 * PATIENCE_S, f"{alert} is over")
        # What follows from it, errors and a budget that is spent, may last: the next one is another alert.
        time.sleep(10)
        self._console.print(f"  {told - at:6.2f} s  {alert}")
        return told - at

    def _messages(self) -> list[tuple[float, str, str]]:
        code, output = engine.run_inside(self._container(RECEIVER), ["cat", MESSAGES])
        return [tuple(json.loads(line)) for line in output.splitlines()] if code == 0 else []

    def _told_of(self, alert: str, status: str, after: int) -> float | None:
        return next((at for at, name, state in self._messages()[after:] if (name, state) == (alert, status)), None)

    # -- the stack -----------------------------------------------------------------------------------------------------

    def _tier(self) -> list[Any]:
        return [one for one in engine_state.containers(self._stack.name) if one.labels["evenkeel.tier"] == "monitoring"]

    def _container(self, member: str) -> Any:
        return engine.find(f"evenkeel-{self._stack.name}-{member}")

    @staticmethod
    def _until(condition: Any, seconds: float, what: str, *, fail: bool = True) -> Any:
        """What the condition came to, once that is true."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > end:
                if fail:
                    raise TimeoutError(f"not within {seconds:g} s: {what}")
                break
            time.sleep(0.5)
        return found


@contextmanager
def _serving(served: Any) -> Iterator[None]:
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


def main() -> int:
    console = Console()
    with BenchStack(SETTINGS) as stack:
        figures = Bench(stack, console).run()
    return 0 if report.publish("monitoring", figures, console) else 1


if __name__ == "__main__":
    sys.exit(main())
