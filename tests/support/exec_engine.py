"""An engine's API that knows programs inside containers and nothing else, and answers as quickly as an engine can: the
headers and all that the program said arrive together."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def framed(kind: int, said: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(said)) + said


class _Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    said: bytes
    code: int
    unknown_for: int
    ends: threading.Event

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/start"):
            upgraded = "Upgrade" in self.headers
            first = b"101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp" if upgraded else b"200 OK"
            self.wfile.write(b"HTTP/1.1 " + first + b"\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
                             + self.said)
            self.ends.wait(10)
            self.close_connection = True
        else:
            self._json({"Id": "made"})

    def do_GET(self) -> None:
        cls = type(self)
        running, cls.unknown_for = cls.unknown_for > 0, cls.unknown_for - 1
        self._json({"Running": running, "ExitCode": None if running else cls.code, "Id": "member", "Config": {}})

    def _json(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def exec_engine(said: bytes, code: int = 0, unknown_for: int = 0, ends: threading.Event | None = None) -> Iterator[str]:
    """Its address. Every program says ``said`` and ends with ``code``, at once or when ``ends`` is set. The engine
    knows its code from the look after ``unknown_for`` others."""
    if ends is None:
        ends = threading.Event()
        ends.set()
    handler = type("Engine", (_Engine,), {"said": said, "code": code, "unknown_for": unknown_for, "ends": ends})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
