"""The client of all load balancers at once: runtime sockets and files, over streams that are opened beforehand."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.shell import Shell
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import (
    DockerStreams,
    Member,
    Stream,
    StreamError,
)

WORKLOAD = "haproxy"
SOCKET = ("socat", "-t", "60", "-", "UNIX-CONNECT:/run/haproxy.sock")
PROMPT = "\n> "
ANSWER_S = 5.0
OWNER = 10001
AT_ONCE = 4
"""Load balancers that are opened at the same time: a program is started in each."""


@dataclass
class Opened:
    """One HAProxy within reach: its runtime socket, and a shell for its files."""

    member: Member
    socket: Stream
    shell: Shell

    @property
    def name(self) -> str:
        return self.member.name

    def ask(self, *commands: str) -> str:
        """What the runtime socket answers to these commands, one after the other."""
        self.order(commands)
        return self.answer(len(commands))

    def order(self, commands: Sequence[str]) -> None:
        """Send commands in one line: HAProxy carries them out without waiting for us in between."""
        self.socket.send(f"{';'.join(commands)}\n")

    def answer(self, count: int) -> str:
        """What came of that many commands: each ends with a prompt of its own."""
        deadline = time.monotonic() + ANSWER_S
        return "".join(self.socket.read_until(PROMPT, max(0.0, deadline - time.monotonic())) for _ in range(count))

    def run(self, script: str) -> str:
        """Run a line of shell. Raises ``StreamError`` with what it said when it fails."""
        return self.shell.run(script)

    def ask_anew(self, command: str) -> str:
        """What the process answers that takes connections now: after a reload that is another one. Costs a `socat`, not
        a program started through the engine."""
        return self.run(f"echo {shlex.quote(command)} | {' '.join(SOCKET)}")

    def close(self) -> None:
        self.socket.close()
        self.shell.close()


class Opening:
    """Load balancers that are being opened, each in its own time, while something else is done."""

    def __init__(self, members: Sequence[Member], opener: Callable[[Member], Opened]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE)
        self._asked = [(member, self._pool.submit(opener, member)) for member in members]
        self._found: list[Opened] = []

    def __enter__(self) -> tuple[list[Opened], dict[str, str]]:
        out_of_reach: dict[str, str] = {}
        for member, answer in self._asked:
            try:
                self._found.append(answer.result())
            except StreamError as error:
                out_of_reach[member.name] = str(error)
        self._pool.shutdown()
        return self._found, out_of_reach

    def __exit__(self, *_: object) -> None:
        for one in self._found:
            one.close()


class Balancers:
    """Every HAProxy of one stack."""

    def __init__(self, streams: DockerStreams) -> None:
        self._streams = streams

    @property
    def members(self) -> list[Member]:
        return self._streams.of(WORKLOAD)

    def opened(self) -> Opening:
        """``with balancers.opened() as (opened, out_of_reach)``: those that can be reached, and member -> why not of
        the others. It begins at once, whenever it is entered."""
        return Opening(self.members, self._open)

    def _open(self, member: Member) -> Opened:
        if not member.running:
            raise StreamError(f"{member.name} does not run")
        socket = self._streams.open(member, *SOCKET)
        try:
            socket.ask("prompt\n", PROMPT, ANSWER_S)
            shell = Shell(self._streams.open(member, "sh"))
        except StreamError:
            socket.close()
            raise
        one = Opened(member, socket, shell)
        try:
            one.run(f"cd {shlex.quote(haproxy.DATA)}")
        except StreamError:
            one.close()
            raise
        return one

    def place_in_stopped(self, member: str, files: Mapping[str, str]) -> None:
        """Write files into the volume of a HAProxy that does not run. Raises ``StreamError``."""
        stopped = next(one for one in self.members if one.name == member)
        self._streams.put(stopped, haproxy.DATA, files, OWNER)


def require_all(out_of_reach: Mapping[str, str], stack: str) -> None:
    """Raise ``RefusedError`` unless every load balancer is within reach."""
    if out_of_reach:
        raise RefusedError(f"not every load balancer is within reach: {'; '.join(out_of_reach.values())}. Nothing was "
                           f"changed. Next: `make up STACK={stack}`, then run the same command again")


def states(opened: Sequence[Opened]) -> dict[str, list[haproxy.Server]]:
    """Balancer -> its servers."""
    return {one.name: haproxy.servers(one.ask("show servers state")) for one in opened}


COUNTERS = "show stat -1 3 -1"


def counters(opened: Sequence[Opened]) -> dict[str, dict[str, haproxy.Counters]]:
    """Balancer -> backend or frontend -> what it did."""
    return {one.name: haproxy.counters(one.ask(COUNTERS)) for one in opened}


def summed(found: Mapping[str, Mapping[str, haproxy.Counters]]) -> dict[str, haproxy.Counters]:
    """The same, summed over the balancers."""
    added: dict[str, haproxy.Counters] = {}
    for each in found.values():
        for name, counter in each.items():
            added[name] = added.get(name, haproxy.Counters()) + counter
    return added


def processes(opened: Sequence[Opened]) -> dict[str, tuple[int, int]]:
    """Balancer -> its process and when that began: another one has counted from 0."""
    return {one.name: haproxy.process(one.ask("show info")) for one in opened}


def restarted(before: Mapping[str, Sequence[int]], after: Mapping[str, Sequence[int]]) -> list[str]:
    """Balancers that aren't the same process any more, or weren't asked both times."""
    return sorted(name for name in {*before, *after} if list(before.get(name, ())) != list(after.get(name, ())))
