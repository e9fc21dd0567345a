"""The client that switches Postgres' primary: Patroni's API, the poolers' consoles and the proxies' sockets."""

from __future__ import annotations

import contextlib
import inspect
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.evenkeel.platform.plugins.module_utils import patroni, patroni_agent, poolers
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import (
    DockerStreams,
    Member,
    Stream,
    StreamError,
)

BETWEEN_ATTEMPTS_S = 2.0
STEP_S = 0.02
ANSWER_S = 1.0
ACCEPTED_S = 8.0
"""Patroni asks every member and writes a checkpoint before it stops its own."""
NEW_SEGMENT = ("SELECT pg_switch_wal() FROM pg_walfile_name_offset(pg_current_wal_lsn()) "
               "WHERE file_offset > 2 * 1024 * 1024")
CONFIRMED_S = 3.0
"""Until the replicas have the rest of a segment."""
AUTHORITY = "/etc/evenkeel/tls/ca.pem"
CONSOLE = ("psql", "-X", "-At", "-h", "/run", "-U", "postgres")

@dataclass(frozen=True)
class Opened:
    """What is opened before the pause: the agent in the member that leads, every proxy's socket, and a console of each
    member that may lead afterwards."""

    agent: Stream
    holds: bool
    """The agent says when Postgres is about to stop, and has it wait."""
    sockets: list[Stream]
    consoles: dict[str, Stream]


class Postgres:
    """The Postgres cluster of one stack."""

    def __init__(self, streams: DockerStreams) -> None:
        self._streams = streams
        self.members = streams.of("postgres")

    def look(self) -> patroni.Cluster:
        """Patroni's list, from the first member that answers."""
        said = "no member runs"
        for member in self.members:
            if member.running:
                code, said = self._streams.ask(member, "curl", "-sS", "--max-time", "3", "--cacert", AUTHORITY,
                                               "https://localhost:8008/cluster")
                if code == 0 and said.startswith("{"):
                    return patroni.read(said)
        raise StreamError(f"no Postgres member could be asked: {said}")

    def member(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)

    def switch(self, leader: str, candidate: str, *, pause_timeout_s: float, attempts: int,
               timeout_s: float) -> tuple[str, dict[str, int]]:
        """Switch over, with all clients paused. The new primary, and milliseconds since the request to pause, by phase.

        Before anything is asked for, a pause is tried and ended again: what keeps it from beginning would be ended with
        an error later. The pause that counts begins when Patroni has agreed, has written its checkpoint and is about to
        stop Postgres.

        ``candidate`` empty: the replicas elect one of them. That is quicker, since Patroni lets a replica that is
        passed over wait for 2 s before it follows, and until one follows no write is acknowledged.

        Raises ``RefusedError`` with the poolers resumed: the message says who is primary then.
        """
        self._prepare(leader)
        pgproxies = self._streams.of("pgproxy")
        agent = self._streams.open(self.member(leader), "python3", "-c", inspect.getsource(patroni_agent))
        try:
            holds = agent.read_until("\n", poolers.ANSWER_S) == "holds"
            with poolers.proxies(self._streams, pgproxies) as sockets, self._consoles(leader) as consoles:
                for attempt in range(1, attempts + 1):
                    with poolers.Console(self._streams, self._streams.of("pgbouncer")) as console:
                        order = {"leader": leader, **({"candidate": candidate} if candidate else {})}
                        outcome = self._try(Opened(agent, holds, sockets, consoles), console, order, pause_timeout_s,
                                            timeout_s)
                        if outcome:
                            return outcome
                    if attempt < attempts:
                        time.sleep(BETWEEN_ATTEMPTS_S)
        finally:
            agent.close()
        raise RefusedError(f"a statement kept the poolers from pausing for more than {pause_timeout_s:g} s, {attempts} "
                           f"times. They go on, and {leader} is still the primary. {self._longest(leader)}Next: let "
                           "it end, or raise pause_timeout_s, then run the same command again")

    def _try(self, opened: Opened, console: poolers.Console, order: dict[str, str], pause_timeout_s: float,
             timeout_s: float) -> tuple[str, dict[str, int]] | None:
        """One attempt; None when the pause could not begin."""
        leader, began = order["leader"], time.monotonic()
        times: dict[str, int] = {}
        try:
            try:
                console.pause(pause_timeout_s)
            except StreamError:
                return None
            if opened.holds:
                console.resume()
                self._ask(opened.agent, order)
                began = time.monotonic()
                # One that began just now, and lasts, is ended by Postgres' stop: nobody else waits for it.
                with contextlib.suppress(StreamError):
                    console.pause(pause_timeout_s)
                opened.agent.send("go\n")
            else:
                opened.agent.send(json.dumps(order) + "\n")
            times["paused"] = _ms(began)
            deadline = began + pause_timeout_s + timeout_s
            new = self._new_primary(opened.sockets, leader, deadline)
            times["routed"] = _ms(began)
            if new in opened.consoles:
                _until_writable(opened.consoles[new], deadline)
            times["writable"] = _ms(began)
        finally:
            console.resume()
        times["resumed"] = _ms(began)
        if not new:
            said = opened.agent.read_until("\n", 30)
            now = self.look().leader
            raise RefusedError(f"nobody became writable in place of {leader} within {timeout_s:g} s; the poolers go "
                               f"on. Patroni said: {said}. The primary is now {now.name if now else 'nobody yet'}. "
                               f"Next: `make status STACK={self._streams.stack}`, then run the same command again")
        return new, times

    def _prepare(self, leader: str) -> None:
        """Have done beforehand what would take its time in the pause.

        The primary writes a checkpoint before it stops. And a replica that follows another primary asks for all of the
        WAL segment that they are in, up to 16 MiB, before it confirms anything: half a second, so that is a fresh one.
        """
        psql = [*CONSOLE, "-c"]
        self._streams.need(self.member(leader), *psql, "CHECKPOINT")
        ends = self._streams.need(self.member(leader), *psql, NEW_SEGMENT)
        have = f"SELECT coalesce(bool_and(flush_lsn >= '{ends}'), true) FROM pg_stat_replication"  # noqa: S608
        deadline = time.monotonic() + CONFIRMED_S
        while ends and time.monotonic() < deadline and self._streams.need(self.member(leader), *psql, have) != "t":
            time.sleep(STEP_S)

    def _ask(self, agent: Stream, order: dict[str, str]) -> None:
        """Return when Patroni has agreed and is about to stop Postgres, which waits. Raises ``RefusedError``."""
        agent.send(json.dumps(order) + "\n")
        told = json.loads(agent.read_until("\n", ACCEPTED_S))
        if "stopping" not in told:
            raise RefusedError(f"Patroni refused to switch over: {told['patroni']}. {order['leader']} is still the "
                               f"primary, and no client noticed. Next: `make status STACK={self._streams.stack}`")

    @staticmethod
    def _new_primary(sockets: list[Stream], leader: str, deadline: float) -> str:
        """Whom every proxy sees, and sees alone, as the primary in place of ``leader``; "" when time is up."""
        while time.monotonic() < deadline:
            seen = {_passed_to(socket, leader) for socket in sockets}
            if len(seen) == 1 and not seen & {"", leader}:
                return seen.pop()
            time.sleep(STEP_S)
        return ""

    @contextlib.contextmanager
    def _consoles(self, leader: str) -> Iterator[dict[str, Stream]]:
        """Of every running member but the leader; one that can't be opened is left out."""
        opened: dict[str, Stream] = {}
        try:
            for member in self.members:
                if member.running and member.name != leader:
                    with contextlib.suppress(StreamError):
                        stream = self._streams.open(member, *CONSOLE)
                        opened[member.name] = stream
                        stream.ask("\\echo here\n", "here\n", poolers.ANSWER_S)
            yield opened
        finally:
            for stream in opened.values():
                stream.close()

    def _longest(self, leader: str) -> str:
        query = ("SELECT pid, usename, date_trunc('second', now() - xact_start) FROM pg_stat_activity WHERE xact_start "
                 "IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY xact_start "
                 "LIMIT 1")
        code, said = self._streams.ask(self.member(leader), "psql", "-X", "-At", "-F", " ", "-h", "/run", "-U",
                                       "postgres", "-c", query)
        words = said.split()
        return f"The oldest transaction: process {words[0]} of {words[1]}, {words[2]}. " if code == 0 and words else ""


def _until_writable(console: Stream, deadline: float) -> None:
    """Patroni calls a member primary as soon as it has told Postgres to become one; a write that comes before Postgres
    has, half a second later on a busy machine, is refused and has to be tried again."""
    with contextlib.suppress(StreamError):
        while time.monotonic() < deadline:
            said = console.ask("SELECT pg_is_in_recovery();\n\\echo told\n", "told\n", ANSWER_S)
            if said.split()[-1:] == ["f"]:
                return
            time.sleep(STEP_S)


def _passed_to(proxy: Stream, leader: str) -> str:
    """Whom a proxy passes writes to; "" while that is nobody.

    As soon as it sees another primary it is told that ``leader`` is none: that one says so itself, but is asked for it
    half a second later, and with two of them the proxy passes nothing on.
    """
    state = proxy.ask("show servers state primary\n", poolers.PROMPT, poolers.ANSWER_S)
    up = patroni.up_at(state)
    if len(up) == 2 and leader in up:
        proxy.ask(f"set server primary/{leader} health down\n", poolers.PROMPT, poolers.ANSWER_S)
    return patroni.primary_at(state)


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
