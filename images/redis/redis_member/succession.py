"""The succession: a replica takes over at once from a master that has provably ended.

Redis itself first waits until a majority of the masters missed the master for ``cluster-node-timeout``, and then half a
second to a whole one more. Silence proves nothing, so where there is only silence (a partition, a process that hangs)
that remains the way. But where the master ended its connections and its address refuses new ones, its kernel says that
nobody serves there any more. The takeover is an election like any other: a majority of the masters votes, and each of
them only once per epoch, so two members never own the same slots in one epoch.
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from redis_member.resp import Connection, ReplyError
from redis_member.settings import Settings
from redis_member.sight import Node, read_node

LOOK_S = 1.0
"""How often a member looks whom it follows."""
SPREAD_S = 0.1
"""Replicas of several masters that end together ask for votes at times of their own within it: a master votes once per
epoch."""
TURN_S = 1.0
"""How long a replica leaves its elder brother for the takeover."""
ANSWER_S = 0.3
"""How long an address has for its answer; none is no refusal."""
ENDING_S = 0.5
"""A server that ends closes its clients' connections a moment before it refuses new ones, and a tenth of a second later
its address is gone from the network and says nothing any more."""
AGAIN_S = 0.01


@dataclass(frozen=True)
class Followed:
    """The master of this member, whose data it has. ``turn``: how many other replicas come before it, from 0."""

    id: str
    host: str
    turn: int


def followed(nodes: str, replication: str) -> Followed | None:
    """From the answers to CLUSTER NODES and INFO replication; None for a master, and for one without its data."""
    table = _table(nodes)
    own = _own(table)
    master = table.get(own.master or "")
    if master is None or "master_link_status:up" not in replication:
        return None
    brothers = sorted(node.id for node in table.values()
                      if node.master == master.id and (node.id == own.id or node.introduced))
    return Followed(master.id, master.host, brothers.index(own.id))


def _table(nodes: str) -> dict[str, Node]:
    return {node.id: node for node in map(read_node, nodes.splitlines())}


def _own(table: dict[str, Node]) -> Node:
    return next(node for node in table.values() if "myself" in node.flags)


def accepts(address: str, port: int) -> bool | None:
    """Whether somebody listens at an address, as the kernel behind it says; None where it says nothing."""
    try:
        socket.create_connection((address, port), timeout=ANSWER_S).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True


def has_ended(address: str, port: int) -> bool:
    """Whether the server at an address, which just ended a connection, refuses new ones."""
    begin = time.monotonic()
    while time.monotonic() - begin < ENDING_S:
        answer = accepts(address, port)
        if not answer:
            return answer is False
        time.sleep(AGAIN_S)
    return False


class Succession:
    """The watch of one member over its master, whoever that is just now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own: Connection | None = None
        self._watched: tuple[str, Connection] | None = None

    def step(self) -> None:
        """Look whom this member follows, and watch that one for a second.

        ``OSError`` and ``ReplyError`` say that the own server does not answer, or not now.
        """
        master = self._look()
        connection = self._watch(master)
        if master is None or connection is None:
            time.sleep(LOOK_S)
        elif connection.ends_within(LOOK_S):
            self._watch(None)
            self._succeed(master, connection.address)

    def close(self) -> None:
        """Both connections; the next step opens them anew."""
        self._watch(None)
        if self._own:
            self._own.close()
            self._own = None

    def _look(self) -> Followed | None:
        own = self._server()
        return followed(own.call("CLUSTER", "NODES"), own.call("INFO", "replication"))

    def _watch(self, master: Followed | None) -> Connection | None:
        """The connection to this master alone; None while it can't be reached."""
        if self._watched and (master is None or self._watched[0] != master.id):
            self._watched[1].close()
            self._watched = None
        if master and self._watched is None:
            with suppress(OSError, ReplyError):
                self._watched = master.id, self._connection(master.host)
        return self._watched[1] if self._watched else None

    def _succeed(self, master: Followed, address: str) -> None:
        port = self._settings.port
        if not has_ended(address, port):
            return
        time.sleep(master.turn * TURN_S + self._share() * SPREAD_S)
        own = self._server()
        if _own(_table(own.call("CLUSTER", "NODES"))).master == master.id and not accepts(address, port):
            say(f"{master.host} has ended: it refused connections; asks the masters for its place")
            own.call("CLUSTER", "FAILOVER", "FORCE")

    def _share(self) -> float:
        """A number from 0 to 1 that no other member has."""
        members = self._settings.members
        return next(one.ordinal for one in members if one.name == self._settings.me) / len(members)

    def _server(self) -> Connection:
        if self._own is None:
            self._own = self._connection("localhost")
        return self._own

    def _connection(self, host: str) -> Connection:
        return Connection(host, self._settings, self._settings.tls())


def run(settings: Settings) -> int:
    """Until the member ends."""
    succession = Succession(settings)
    while True:
        try:
            succession.step()
        except (OSError, ReplyError):
            # The server loads, or a password is being rotated.
            succession.close()
            time.sleep(LOOK_S)


def say(text: str) -> None:
    """One line in the member's log, in one write: the server beside it writes there, too."""
    sys.stdout.write(f"succession: {text}\n")
    sys.stdout.flush()
