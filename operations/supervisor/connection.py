"""HTTPS with a client certificate to the first of several equal servers that answers."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Sequence


class NobodyAnswersError(OSError):
    """None of the servers could be reached; says why of each."""


class Servers:
    """Equal servers, asked in turn until one answers. Connections are kept. For one thread."""

    def __init__(self, addresses: Sequence[str], tls: Callable[[], ssl.SSLContext], timeout_s: float) -> None:
        """``addresses``: ``host:port``, the preferred one first."""
        self._addresses = list(addresses)
        self._tls = tls
        self._timeout_s = timeout_s
        self._kept: http.client.HTTPSConnection | None = None

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Status and body. 502 to 504 count as no answer. Raises ``NobodyAnswersError``."""
        reasons: list[str] = []
        for _ in range(len(self._addresses) + 1):
            fresh = self._kept is None
            try:
                connection = self._connection()
                connection.request(method, path, body)
                response = connection.getresponse()
                status, content = response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if not fresh:
                    continue  # an idle connection may just have been closed: the same server, anew
                reasons.append(f"{self._addresses[0]}: {error or type(error).__name__}")
            else:
                if status not in (502, 503, 504):
                    return status, content
                self.close()
                reasons.append(f"{self._addresses[0]}: {status}")
            self._addresses.append(self._addresses.pop(0))
        raise NobodyAnswersError("; ".join(reasons))

    def stream(self, path: str, silence_s: float) -> http.client.HTTPResponse:
        """An answer to be read as it comes, over a connection of its own, from the server asked last; an ``OSError``
        after ``silence_s`` without a byte. Raises ``NobodyAnswersError``."""
        connection = self._open()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status != 200:
                raise NobodyAnswersError(f"{self._addresses[0]}: {response.status}")
            if connection.sock is not None:
                connection.sock.settimeout(silence_s)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._addresses.append(self._addresses.pop(0))
            raise NobodyAnswersError(str(error) or type(error).__name__) from error
        return response

    def close(self) -> None:
        """Forget the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _connection(self) -> http.client.HTTPSConnection:
        if self._kept is None:
            self._kept = self._open()
        return self._kept

    def _open(self) -> http.client.HTTPSConnection:
        host, _, port = self._addresses[0].rpartition(":")
        return http.client.HTTPSConnection(host, int(port), timeout=self._timeout_s, context=self._tls())
