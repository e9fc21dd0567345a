"""A small blocking client of Redis' protocol (RESP2) over TLS."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from redis_member.settings import Settings


class ReplyError(Exception):
    """Redis answered with an error; the message is Redis' own."""


class Connection:
    """A logged-in connection to one member.

    ``OSError`` (also ``ssl.SSLError``, timeouts and unknown names) says that the member can't be reached,
    ``ReplyError`` that it refused. After an ``OSError`` the connection is of no more use.
    """

    def __init__(self, host: str, settings: Settings, tls: ssl.SSLContext, timeout_s: float = 2.0) -> None:
        plain = socket.create_connection((host, settings.port), timeout=timeout_s)
        self.address: str = plain.getpeername()[0]
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self._reader = self._socket.makefile("rb")
        try:
            self.call("AUTH", settings.user, settings.password)
        except BaseException:
            self.close()
            raise

    def call(self, *words: str | int) -> Any:
        """Run one command. Bulk strings come as ``str``, arrays as lists."""
        self._socket.sendall(encode(words))
        return self._reply()

    def ends_within(self, seconds: float) -> bool:
        """Whether the server ends the connection within that time. Only while no answer is awaited."""
        before = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(before)

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def _reply(self) -> Any:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise ReplyError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise ConnectionResetError(f"not Redis' protocol: {line[:40]!r}")

    def _bulk(self, length: int) -> str | None:
        if length < 0:
            return None
        data = self._reader.read(length + 2)
        if len(data) < length + 2:
            raise ConnectionResetError("the server closed the connection")
        return data[:-2].decode(errors="replace")


def encode(words: tuple[str | int, ...]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)
