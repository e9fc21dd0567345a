"""Runs inside a Redis member, started over a stream: carries out orders on any member of the cluster.

It is sent as a whole, so it imports nothing of ours. The password and the certificates are read where they are; nothing
of them leaves the member or shows in a process list. Each line of input is an order, each line of output its answer
(JSON). It ends with its input, and never between the begin and the end of a slot's move: an operator who goes away
leaves no slot open.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/evenkeel")
USER = "platform"
TIMEOUT_S = 10.0
BATCH = 64
"""Keys of one MIGRATE, for whose time the source serves nobody else."""
MIGRATE_TIMEOUT_MS = 5000


class ReplyError(Exception):
    """Redis answered with an error; the message is Redis' own."""


class Connection:
    """Logged in to one member. Keys are binary: they pass as surrogate escapes, in both directions."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, password: str) -> None:
        plain = socket.create_connection((host, port), timeout=TIMEOUT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = tls.wrap_socket(plain, server_hostname=host)
        self._reader = self._socket.makefile("rb")
        self.call("AUTH", USER, password)

    def call(self, *words: str | int) -> Any:
        """The reply to one command. Raises ``ReplyError``, or ``OSError`` when the member can't be reached."""
        reply = self.several([words])[0]
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def several(self, commands: list[tuple[str | int, ...]]) -> list[Any]:
        """The replies to commands sent at once; errors stand among them."""
        self._socket.sendall(b"".join(encode(words) for words in commands))
        return [self._reply() for _ in commands]

    def together(self, commands: list[tuple[str | int, ...]]) -> list[Any]:
        """The replies to commands between which nobody else is served (MULTI). Raises ``ReplyError`` where the member
        did not take them."""
        replies = self.several([("MULTI",), *commands, ("EXEC",)])
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise reply
        return list(replies[-1])

    def _reply(self) -> Any:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"-":
            return ReplyError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        if kind != b"$":
            return rest
        data = self._reader.read(int(rest) + 2) if rest != "-1" else b""
        return data[:-2].decode(errors="surrogateescape")


def encode(words: tuple[str | int, ...]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = str(word).encode(errors="surrogateescape")
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Agent:
    """Connections by host, made when first needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._password = (CONFIG / "platform.password").read_text().strip()
        self._tls = ssl.create_default_context(cafile=str(CONFIG / "tls/ca.pem"))
        self._tls.load_cert_chain(CONFIG / "tls/cert.pem", CONFIG / "tls/key.pem")
        self._open: dict[str, Connection] = {}

    def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        """The answer to one order: ``call`` (commands on a host) or ``move`` (slots from a host to another)."""
        if "call" in order:
            host = self._to(order["on"])
            return {"replies": [host.call(*words) for words in order["call"]]}
        return {"keys": sum(self.move(slot, order) for slot in order["move"])}

    def _to(self, host: str) -> Connection:
        if host not in self._open:
            self._open[host] = Connection(host, self._port, self._tls, self._password)
        return self._open[host]

    def move(self, slot: int, order: dict[str, Any]) -> int:
        """Move one slot with its keys; how many these were.

        Where one MIGRATE takes all keys, the source gives keys and slot away in one transaction: a client sees the slot
        at one member or at the other (MOVED), and never half of it (ASK, TRYAGAIN), which not every client follows to a
        member that it has not met. Otherwise as Redis documents it: the slot stays open until its last key has moved.
        ``open`` says that an earlier run began it, ``given`` that the source has already given it away.
        """
        source, target = self._to(order["from"]), self._to(order["to"])
        moved, given = 0, bool(order["given"])
        if not given:
            target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", order["from_id"])
            if not order["open"]:
                moved, given = self._at_once(slot, source, order)
        if not given:
            source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", order["to_id"])
            while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, BATCH):
                source.call(*self._migrate(order["to"], keys))
                moved += len(keys)
        target.call("CLUSTER", "SETSLOT", slot, "NODE", order["to_id"])
        if not given:
            source.call("CLUSTER", "SETSLOT", slot, "NODE", order["to_id"])
        return moved

    def _at_once(self, slot: int, source: Connection, order: dict[str, Any]) -> tuple[int, bool]:
        """Keys moved, and whether the source has given the slot away."""
        keys = source.call("CLUSTER", "GETKEYSINSLOT", slot, BATCH + 1)
        if len(keys) > BATCH:
            return 0, False
        give: tuple[str | int, ...] = ("CLUSTER", "SETSLOT", slot, "NODE", order["to_id"])
        steps = [("CLUSTER", "SETSLOT", slot, "MIGRATING", order["to_id"]), self._migrate(order["to"], keys), give]
        replies = source.together(steps if keys else [give])
        # Refused where a client has written a new key since the keys were listed: then the slot stays, open.
        return len(keys), not isinstance(replies[-1], ReplyError)

    def _migrate(self, host: str, keys: list[str]) -> tuple[str | int, ...]:
        """A key that an earlier run has copied and not yet removed is copied again: the source has the newer one."""
        login = ("AUTH2", USER, self._password)
        return ("MIGRATE", host, self._port, "", 0, MIGRATE_TIMEOUT_MS, "REPLACE", *login, "KEYS", *keys)


def main(port: int) -> None:
    """Answer orders until the input ends."""
    agent = Agent(port)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = agent.carry_out(order)
        except (OSError, ReplyError) as error:
            answer = {"error": f"{type(error).__name__}: {error}" if isinstance(error, OSError) else str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
