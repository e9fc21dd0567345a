"""A stand-in for HashiCorp Vault: the part of its HTTP API that reads secrets, as its documentation describes it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN, ROLE, ROLE_SECRET, ROLE_TOKEN = "s.token", "role", "role-secret", "s.of-the-role"


@dataclass
class Vault:
    """What it holds and how it behaves. ``secrets``: path below the mount -> fields; ``deleted``: paths."""

    address: str = ""
    mount: str = "secret"
    version: int = 2
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    namespace: str = ""
    sealed: bool = False
    delay_s: float = 0
    nonsense: str = ""
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, token: str, namespace: str) -> tuple[int, Any]:
        """Status and body of a GET."""
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if namespace.strip("/") != self.namespace:
            return 404, {"errors": ["no handler for route"]}
        if token not in (TOKEN, ROLE_TOKEN):
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        return self._secret(path)

    def _secret(self, path: str) -> tuple[int, Any]:
        below = path.removeprefix(f"/v1/{self.mount}/")
        if self.version == 1:
            return (200, {"data": self.secrets[below]}) if below in self.secrets else (404, {"errors": []})
        name = below.removeprefix("data/")
        metadata = {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 1}
        if name in self.deleted:
            return 404, {"data": {"data": None, "metadata": {**metadata, "deletion_time": "2026-01-02T00:00:00Z"}}}
        if not below.startswith("data/") or name not in self.secrets:
            return 404, {"errors": []}
        return 200, {"request_id": "1", "lease_id": "", "renewable": False, "lease_duration": 0,
                     "data": {"data": self.secrets[name], "metadata": metadata}}

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and body of a POST: logging in by AppRole."""
        if path != "/v1/auth/approle/login":
            return 404, {"errors": ["no handler for route"]}
        if body != {"role_id": ROLE, "secret_id": ROLE_SECRET}:
            return 400, {"errors": ["invalid role or secret ID"]}
        return 200, {"auth": {"client_token": ROLE_TOKEN, "policies": ["default"], "lease_duration": 1200}}


@contextmanager
def serving(vault: Vault) -> Iterator[Vault]:
    """``vault`` on a port of this machine, its address filled in."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            vault.asked.append(self.path)
            time.sleep(vault.delay_s)
            self._answer(*vault.get(self.path, self.headers.get("X-Vault-Token", ""),
                                    self.headers.get("X-Vault-Namespace", "")))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(*vault.post(self.path, body))

        def _answer(self, status: int, body: Any) -> None:
            data = (vault.nonsense or json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vault.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()
