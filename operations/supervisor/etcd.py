"""etcd by its JSON gateway: a lease, a key that one of a pair may have, and what both must know."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from operations.supervisor.connection import Servers

TIMEOUT_S = 1.0
"""A member without its quorum does not answer: the next one is asked then."""


class EtcdError(OSError):
    """etcd answered, but not with what was asked for."""


@dataclass(frozen=True)
class Key:
    """A key as it was read: ``revision`` is that of its last write, ``lease`` what it hangs on ("" where on none)."""

    value: str
    revision: str
    lease: str = ""


class Etcd:
    """A client for one thread. Every call raises an ``OSError`` when no member answers in its time."""

    def __init__(self, members: Sequence[str], tls: Callable[[], ssl.SSLContext]) -> None:
        self._servers = Servers(members, tls, TIMEOUT_S)

    def grant(self, ttl_s: int) -> str:
        """A new lease; its id. etcd may give it a longer life than asked for."""
        return str(self._call("lease/grant", {"TTL": ttl_s})["ID"])

    def keep_alive(self, lease: str) -> bool:
        """False when the lease has ended."""
        result = self._call("lease/keepalive", {"ID": lease}).get("result", {})
        return int(result.get("TTL", 0)) > 0

    def revoke(self, lease: str) -> None:
        """End a lease, and with it the keys that hang on it."""
        self._call("lease/revoke", {"ID": lease})

    def claim(self, key: str, value: str, lease: str) -> bool:
        """Make a key unless it exists. True when we made it."""
        answer = self._call("kv/txn", {
            "compare": [{"key": _encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}],
            "success": [{"request_put": {"key": _encoded(key), "value": _encoded(value), "lease": lease}}]})
        return bool(answer.get("succeeded", False))

    def put(self, key: str, value: str, lease: str | None = None) -> None:
        """Write a key; with a lease it goes when that ends."""
        request = {"key": _encoded(key), "value": _encoded(value)}
        self._call("kv/put", request | ({"lease": lease} if lease else {}))

    def delete(self, key: str) -> bool:
        """True when there was one."""
        return int(self._call("kv/deleterange", {"key": _encoded(key)}).get("deleted", 0)) > 0

    def read(self, key: str) -> Key | None:
        """One key, as a majority has it; None when there is none."""
        found = self._call("kv/range", {"key": _encoded(key)}).get("kvs", [])
        if not found:
            return None
        return Key(_decoded(found[0].get("value", "")), str(found[0]["mod_revision"]), str(found[0].get("lease", "")))

    def delete_if(self, key: str, as_read: Key) -> bool:
        """Delete a key if nobody has written it since it was read, in one transaction. True when it was deleted."""
        answer = self._call("kv/txn", {
            "compare": [{"key": _encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": as_read.revision},
                        {"key": _encoded(key), "target": "VALUE", "result": "EQUAL", "value": _encoded(as_read.value)}],
            "success": [{"request_delete_range": {"key": _encoded(key)}}]})
        return bool(answer.get("succeeded", False))

    def life(self, lease: str) -> tuple[float, float]:
        """Seconds that a lease has left, and that it had when it was last renewed."""
        told = self._call("lease/timetolive", {"ID": lease})
        return float(told.get("TTL", 0)), float(told.get("grantedTTL", 0))

    def below(self, prefix: str) -> dict[str, str]:
        """Every key that begins with ``prefix``, without it -> its value."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self._call("kv/range", {"key": _encoded(prefix), "range_end": _encoded(end)}).get("kvs", [])
        return {_decoded(pair["key"]).removeprefix(prefix): _decoded(pair.get("value", "")) for pair in found}

    def _call(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        status, body = self._servers.ask("POST", f"/v3/{path}", json.dumps(request))
        try:
            answer: dict[str, Any] = json.loads(body)
        except ValueError:
            raise EtcdError(f"{path}: {status} {body[:200]!r}") from None
        if status != 200 or "error" in answer:
            raise EtcdError(f"{path}: {status} {answer.get('error')}")
        return answer


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
