"""Commands inside members whose words nobody else may read: they go in by standard input, never as arguments."""

from __future__ import annotations

import socket
from typing import Any

from docker.models.containers import Container

from components.targets.docker import engine, execs

TIMEOUT_S = 30


def run(container: Container, command: list[str], text: str) -> tuple[int, str]:
    """Exit code and output of ``command`` with ``text`` as its standard input."""
    api = engine.client().api
    execution = api.exec_create(container.id, command, stdin=True, stdout=True, stderr=True)["Id"]
    stream: Any = api.exec_start(execution, socket=True)
    raw: socket.socket = getattr(stream, "_sock", stream)
    raw.settimeout(TIMEOUT_S)
    raw.sendall(text.encode())
    raw.shutdown(socket.SHUT_WR)
    received = b""
    while chunk := raw.recv(65536):
        received += chunk
    stream.close()
    said = b"".join(execs.unframed([received]))
    return execs.exit_code(api, execution), said.decode(errors="replace").strip()
