"""How connections are led away from a member, and back to it, by workload."""

from __future__ import annotations

import abc
from collections.abc import Mapping

from ansible_collections.evenkeel.platform.plugins.module_utils import poolers
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, Stream

DRAINED = 0x08
"""In HAProxy's administrative state of a server: drain was asked for."""


def administrative_state(servers_state: str, server: str) -> int | None:
    """Of ``server`` in the answer to ``show servers state <backend>`` (field 7); None when it isn't there."""
    for line in servers_state.splitlines():
        fields = line.split()
        if len(fields) > 6 and fields[0].isdigit() and fields[3] == server:
            return int(fields[6])
    return None


class Way(abc.ABC):
    """One member's connections."""

    def __init__(self, streams: DockerStreams, name: str) -> None:
        self.streams, self.name = streams, name
        self.proxies = streams.of("pgproxy")
        self.poolers = streams.of("pgbouncer")

    @property
    @abc.abstractmethod
    def words(self) -> Mapping[str, str]:
        """State -> what was done."""

    @abc.abstractmethod
    def wrong(self, wanted: str) -> bool:
        """Whether something has to be done for ``wanted``."""

    @abc.abstractmethod
    def lead(self, wanted: str, timeout_s: float) -> None:
        """Do it."""


class Replica(Way):
    """A Postgres member, as readers reach it. (Writers follow the primary by themselves.)"""

    @property
    def words(self) -> Mapping[str, str]:
        return {"drained": f"readers are led away from {self.name}", "serving": f"readers may reach {self.name} again"}

    def wrong(self, wanted: str) -> bool:
        with poolers.proxies(self.streams, self.proxies) as sockets:
            return any(self._drained(socket) != (wanted == "drained") for socket in sockets)

    def lead(self, wanted: str, timeout_s: float) -> None:
        state = {"drained": "drain", "serving": "ready"}[wanted]
        with poolers.proxies(self.streams, self.proxies) as sockets:
            for socket in sockets:
                socket.ask(f"set server replicas/{self.name} state {state}\n", poolers.PROMPT, poolers.ANSWER_S)
        # Both ways: led away, they must leave; led back, they spread again.
        poolers.reconnect(self.streams, self.poolers, timeout_s)

    def _drained(self, socket: Stream) -> bool:
        said = socket.ask("show servers state replicas\n", poolers.PROMPT, poolers.ANSWER_S)
        return bool((administrative_state(said, self.name) or 0) & DRAINED)


WAYS: Mapping[str, type[Way]] = {"postgres": Replica}
"""By workload. Members that keep no data are drained by `pulumi up` itself."""
