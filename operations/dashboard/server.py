"""The small server behind ``make dashboard``, on 127.0.0.1 only: the page, its figures, the runbooks it links
to, and the platform's health for programs."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker.errors

from components.alerts.rule import CRITICAL
from components.settings import Settings
from operations.dashboard import page
from operations.dashboard.sight import Asked
from operations.dashboard.style import EVERY_S
from operations.monitoring import api
from operations.monitoring.health import Health
from operations.setup.errors import SetupError
from operations.setup.paths import ROOT

ADDRESS = "127.0.0.1"
RUNBOOK = re.compile(r"^/docs/runbooks/([a-z-]+|README)\.md$")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"


class Source:
    """Asks Prometheus once for all who look, however many they are."""

    def __init__(self, stack: str, settings: Settings, *, served: bool,
                 connect: Callable[[str], api.Line] = api.Line) -> None:
        self._stack, self._asked, self._served, self._connect = stack, Asked(settings), served, connect
        self._lock = threading.Lock()
        self._line: api.Line | None = None
        self._last: tuple[float, dict[str, Any]] | None = None
        self._health: Health | None = None

    def told(self) -> dict[str, Any]:
        """What is seen now, or was a moment ago; where Prometheus does not answer, that."""
        with self._lock:
            if self._last and time.monotonic() - self._last[0] < EVERY_S * 0.8:
                return self._last[1]
            try:
                found = self.see()
            except SetupError as error:
                found, self._health = page.silent(str(error)), None
            self._last = (time.monotonic(), found)
            return found

    def see(self) -> dict[str, Any]:
        """Ask. Raises ``SetupError``; the next time another way is looked for."""
        try:
            self._line = self._line or self._connect(self._stack)
            sight = self._asked.see(self._line, self._stack, time.time())
        except SetupError:
            self._line = None
            raise
        except docker.errors.DockerException as error:
            self._line = None
            raise SetupError("Prometheus could not be asked", why=str(error),
                             then=f"make status STACK={self._stack}") from error
        self._health = sight.health
        return page.told(page.View(sight, self._asked.settings, self._served))

    def health(self) -> tuple[int, dict[str, Any]]:
        """For programs: 200 while no critical alert fires, else 503; and 503 while nobody knows."""
        self.told()
        found = self._health
        if found is None or found.score is None:
            return 503, {"score": None, "says": "health is not known: Prometheus does not answer" if found is None
                         else found.line}
        fit = all(reason.severity != CRITICAL for reason in found.reasons)
        return 200 if fit else 503, {"score": round(found.score, 1), "says": found.line, "tiers": dict(found.tiers),
                                     "reasons": [asdict(reason) for reason in found.reasons]}


def serve(source: Source, port: int) -> ThreadingHTTPServer:
    """Listening, not yet serving. Raises ``SetupError`` where the port is taken."""
    try:
        return _Server((ADDRESS, port), _handler(source))
    except OSError as error:
        raise SetupError(f"Port {port} of {ADDRESS} can't be listened on", why=str(error),
                         then=f"make dashboard PORT={port + 1}") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that breaks off is its own affair."""


def _handler(source: Source) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            runbook = RUNBOOK.match(self.path)
            if not self._asked_for_us():
                self._answer(403, TEXT, "this is for a browser on this machine\n")
            elif self.path == "/":
                self._answer(200, HTML, page.whole(source.told(), refreshes=True))
            elif self.path == "/data.json":
                self._answer(200, JSON, json.dumps(source.told()))
            elif self.path == "/health":
                status, told = source.health()
                self._answer(status, JSON, json.dumps(told))
            elif runbook and (file := ROOT / "docs" / "runbooks" / f"{runbook[1]}.md").is_file():
                self._answer(200, TEXT, file.read_text())
            else:
                self._answer(404, TEXT, "/, /health, /data.json and /docs/runbooks/NAME.md are here\n")

        def _asked_for_us(self) -> bool:
            """Not by a page of somebody else's whose name was made to lead here."""
            return self.headers.get("Host", "").rpartition(":")[0] in (ADDRESS, "localhost")

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Nobody needs a line every five seconds."""

    return Handler
