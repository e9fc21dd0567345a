"""What a supervisor tells Prometheus: who leads, when it last saw the engine, who runs, who came back how often."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from operations.supervisor.engine import Listed
from operations.supervisor.pair import Role
from operations.supervisor.usage import Usage

PORT = 9102
PATIENCE_S = 5.0
RETURNS = frozenset({"started", "restarted", "returned"})
"""Actions after which a member runs again."""
COUNTED = ("failed", "not released", "released", *sorted(RETURNS))
OF_USAGE: Sequence[tuple[str, str, str, Callable[[Usage], float]]] = (
    ("cpu_seconds_total", "counter", "Processor time that the member took since its start", lambda one: one.cpu_s),
    ("cpu_throttled_seconds_total", "counter", "Time in which its limit held it up", lambda one: one.throttled_s),
    ("cpu_limit_cores", "gauge", "Processors that it may use", lambda one: one.cpus),
    ("memory_bytes", "gauge", "Memory in use, without what the kernel gives back when it is short",
     lambda one: one.memory_bytes),
    ("memory_limit_bytes", "gauge", "Memory at which the kernel ends it", lambda one: one.memory_limit_bytes),
)
LABELS = ("tier", "workload", "member", "domain", "colour", "pool")


class Figures:
    """Kept by the loop and by whoever reports; read by the server's threads."""

    def __init__(self, role: Callable[[], Role]) -> None:
        self._role = role
        self._lock = threading.Lock()
        self._actions = dict.fromkeys(COUNTED, 0)
        self._returns: dict[str, int] = {}
        self._seen: tuple[float, Sequence[Listed]] = (0.0, ())
        self._usage: Mapping[str, Usage] = {}

    def count(self, action: str, member: str | None) -> None:
        """Something was done, and said."""
        with self._lock:
            if action in self._actions:
                self._actions[action] += 1
            if action in RETURNS and member:
                self._returns[member] = self._returns.get(member, 0) + 1

    def look(self, now: float, listed: Sequence[Listed]) -> None:
        """All containers were seen at ``now`` (seconds since 1970)."""
        with self._lock:
            self._seen = (now, listed)

    def listed(self) -> Sequence[Listed]:
        """All members, as last seen."""
        with self._lock:
            return self._seen[1]

    def measure(self, usage: Mapping[str, Usage]) -> None:
        """What each member takes."""
        with self._lock:
            self._usage = usage

    def text(self) -> str:
        """In Prometheus' format."""
        with self._lock:
            at, listed = self._seen
            actions, returns = dict(self._actions), dict(self._returns)
            usage = self._usage
        return "\n".join([*_lines(self._role(), at, actions), *_of_members(listed, returns),
                          *_of_usage(listed, usage), ""])


def serve(figures: Figures, directory: Path, port: int = PORT) -> ThreadingHTTPServer:
    """Answer ``/metrics`` to whoever has a certificate of the platform's authority; returns at once."""
    server = _Server(("", port), _handler(figures), directory / "tls")
    threading.Thread(target=server.serve_forever, daemon=True, name="figures").start()
    return server


class _Server(ThreadingHTTPServer):
    """Reads the certificate for every connection, so that a rotated one is shown by the next."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], tls: Path) -> None:
        super().__init__(address, handler)
        self._tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(PATIENCE_S)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._tls / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self._tls / "cert.pem", self._tls / "key.pem")
        with context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off, or has no certificate, is its own affair."""


def _handler(figures: Figures) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/metrics"
            body = figures.text().encode() if known else b"only /metrics\n"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Nobody needs a line for every scrape."""

    return Handler


def _lines(role: Role, at: float, actions: dict[str, int]) -> Iterator[str]:
    yield from _head("evenkeel_supervisor_leads", "gauge", "1 while this one leads")
    yield f"evenkeel_supervisor_leads {int(role is Role.LEADER)}"
    yield from _head("evenkeel_supervisor_engine_seen_seconds", "gauge", "When all containers were last seen, 1970 on")
    yield f"evenkeel_supervisor_engine_seen_seconds {at:.3f}"
    yield from _head("evenkeel_supervisor_actions_total", "counter", "What was done or refused, as the log says it")
    for action, count in sorted(actions.items()):
        yield f'evenkeel_supervisor_actions_total{{action="{action}"}} {count}'


def _of_members(listed: Sequence[Listed], returns: dict[str, int]) -> Iterator[str]:
    """What runs by the clock is left out: most of the time it is not there."""
    members = [(_labels(one), one) for one in listed if one.is_member and one.schedule is None]
    yield from _head("evenkeel_member_running", "gauge", "1 while the member's container runs")
    for labels, one in members:
        yield f"evenkeel_member_running{{{labels}}} {int(one.status == 'running')}"
    yield from _head("evenkeel_member_returns_total", "counter", "How often this supervisor saw the member come back")
    for labels, one in members:
        yield f"evenkeel_member_returns_total{{{labels}}} {returns.get(one.labels.get('evenkeel.member', ''), 0)}"


def _of_usage(listed: Sequence[Listed], usage: Mapping[str, Usage]) -> Iterator[str]:
    """Nothing where another supervisor leads."""
    told = [(_labels(one), usage[member]) for one in listed
            if one.is_member and (member := one.labels["evenkeel.member"]) in usage]
    for name, kind, meaning, figure in OF_USAGE:
        yield from _head(f"evenkeel_member_{name}", kind, meaning)
        yield from (f"evenkeel_member_{name}{{{labels}}} {figure(one):.15g}" for labels, one in told)


def _labels(one: Listed) -> str:
    known = ((name, one.labels.get(f"evenkeel.{name}")) for name in LABELS)
    return ",".join(f'{name}="{value}"' for name, value in known if value)


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
