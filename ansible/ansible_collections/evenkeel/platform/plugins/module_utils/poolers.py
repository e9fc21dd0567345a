"""PgBouncer and the proxies behind it, over streams: pausing all writers at once, and letting go of one server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from ansible_collections.evenkeel.platform.plugins.module_utils.streams import (
    DockerStreams,
    Member,
    Stream,
    StreamError,
)

CONSOLE = "psql -X -At -h /run -p 6432 -U pgbouncer -d pgbouncer"
PAUSE_LIMIT_S = 20
"""A pause ends by itself so long after the console was opened, whatever becomes of us."""
CONSOLE_SCRIPT = f"timeout {PAUSE_LIMIT_S} {CONSOLE} 2>&1; {CONSOLE} -c RESUME >/dev/null 2>&1"
"""The console reads from our stream. When that ends (we died) or the time is up, the pooler goes on."""
PROXY_SOCKET = ("socat", "-t", "60", "-", "UNIX-CONNECT:/run/haproxy.sock")
PROMPT = "> "
ANSWER_S = 5.0


class Console:
    """The consoles of all poolers, opened beforehand. Leaving the context resumes whatever is still paused."""

    def __init__(self, streams: DockerStreams, poolers: Sequence[Member]) -> None:
        self._streams = streams
        self._poolers = [member for member in poolers if member.running]
        self._open: list[tuple[Member, Stream]] = []
        self._busy = False

    def __enter__(self) -> Console:
        for pooler in self._poolers:
            self._open.append((pooler, self._streams.open(pooler, "sh", "-c", CONSOLE_SCRIPT)))
        for _, stream in self._open:
            stream.ask("\\echo here\n", "here\n", ANSWER_S)
        return self

    def __exit__(self, *error: object) -> None:
        for _, stream in self._open:
            stream.close()

    def pause(self, timeout_s: float) -> None:
        """Return when no statement is under way at any server; new ones wait. Raises ``StreamError``."""
        self._busy = True
        for _, stream in self._open:
            stream.send("PAUSE;\n\\echo paused\n")
        deadline = time.monotonic() + timeout_s
        for _, stream in self._open:
            said = stream.read_until("paused\n", max(0.0, deadline - time.monotonic()))
            if "ERROR" in said:
                raise StreamError(f"{stream.member} refused to pause: {said.strip()}")
        self._busy = False

    def resume(self) -> None:
        """Let all go on, by the open streams; a pooler whose stream is gone, by a command of its own."""
        if self._busy:  # the consoles still wait for their pause and would not read
            for member, _ in self._open:
                self._streams.ask(member, "sh", "-c", f"{CONSOLE} -c RESUME")
            return
        for _, stream in self._open:
            with contextlib.suppress(StreamError):
                stream.send("RESUME;\n\\echo resumed\n")
        for member, stream in self._open:
            try:
                stream.read_until("resumed\n", 1.0)
            except StreamError:
                self._streams.ask(member, "sh", "-c", f"{CONSOLE} -c RESUME")


@contextlib.contextmanager
def proxies(streams: DockerStreams, members: Sequence[Member]) -> Iterator[list[Stream]]:
    """The runtime sockets of every running proxy, each answering until ``PROMPT``."""
    opened: list[Stream] = []
    try:
        for member in members:
            if member.running:
                stream = streams.open(member, *PROXY_SOCKET)
                opened.append(stream)
                stream.ask("prompt\n", PROMPT, ANSWER_S)
        yield opened
    finally:
        for stream in opened:
            stream.close()


def reconnect(streams: DockerStreams, poolers: Sequence[Member], timeout_s: float) -> None:
    """Renew every server connection of every pooler as its transaction ends, and return when the old ones are gone."""
    for member in poolers:
        if member.running:
            streams.need(member, "sh", "-c", f"{CONSOLE} -c RECONNECT >/dev/null && timeout {timeout_s:.0f} {CONSOLE} "
                                             "-c WAIT_CLOSE")
