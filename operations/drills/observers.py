"""Who follows, while a drill goes on, what the client can't see: the leader key, the proxies' view, and each Postgres
member's own claim to be the writer. Programs inside members that speak as things happen. They are ended with the drill:
two dozen left over from earlier ones took a third of a core. Should the drill be killed, their time is bounded."""

from __future__ import annotations

import base64
import contextlib
import functools
import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker.errors

from components.targets.docker import engine, execs
from operations.drills import inside_pgproxy, inside_postgres
from operations.drills.clock import Clock
from operations.drills.errors import DrillError
from operations.drills.platform import Platform
from operations.drills.timeline import WriterAck

LONGEST_S = 300
LEADER_KEY = "/evenkeel/postgres/leader"
READY_S = 10.0
TABLE = "evenkeel_drill"
WATCH = """echo "{\\"pid\\": $$}"; exec timeout "$0" etcdctl watch -w json "$1" """
END = """case "$(tr '\\0' ' ' </proc/$0/cmdline)" in *"Runs inside a "*|*"etcdctl watch"*) kill "$0" ;; esac"""
"""Of a program by its number, if that is still its own: its member may have died and come back."""


@dataclass(frozen=True)
class LeaderChange:
    """The leader key was written (``leader``) or deleted ("")."""

    at: float
    leader: str


class Observers:
    """``with Observers(platform) as seen: ...``; what it saw may be read at any time."""

    def __init__(self, platform: Platform, avoid: Sequence[str] = ()) -> None:
        """``avoid``: members that are going to be the victims; the leader key is watched elsewhere."""
        self.leaders: list[LeaderChange] = []
        self.routes: list[tuple[float, str, str]] = []
        """(when, proxy, the one primary it passes writes to or "")."""
        self.acks: list[WriterAck] = []
        self.numbered: list[tuple[str, int]] = []
        """(member, number) of each of those commits, as the table keeps them."""
        self._platform, self._avoid = platform, frozenset(avoid)
        self._ready: set[str] = set()
        self._programs: list[tuple[str, int]] = []
        """(member, number of the process in it)."""

    def __enter__(self) -> Observers:
        platform = self._platform
        platform.sql(f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (member text, number bigint)")
        store = next(member for member in platform.members("etcd") if member not in self._avoid)
        self._follow(store, ["sh", "-c", WATCH, str(LONGEST_S), LEADER_KEY], self._on_key)
        for proxy in platform.members("pgproxy"):
            self._follow(proxy, ["python3", "-c", inspect.getsource(inside_pgproxy), str(LONGEST_S)],
                         functools.partial(self._on_route, proxy, Clock()))
        for member in platform.members("postgres"):
            self._write_on(member)
        wanted = len(platform.members("pgproxy")) + len(platform.members("postgres"))
        deadline = time.monotonic() + READY_S
        while len(self._ready) < wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        for member, number in self._programs:
            with contextlib.suppress(DrillError, docker.errors.DockerException):
                engine.run_inside(self._platform.container(member), ["sh", "-c", END, str(number)])

    def stored(self) -> set[tuple[str, int]]:
        """What the writers' table holds: (member, number). To be called once, after the drill: it is dropped."""
        rows = self._platform.sql(f"SELECT member, number FROM {TABLE}").splitlines()  # noqa: S608 - a name of ours
        self._platform.sql(f"DROP TABLE {TABLE}")
        return {(member, int(number)) for member, _, number in (row.partition("|") for row in rows)}

    def new_leader(self, after: float, old: str) -> LeaderChange | None:
        """The first other leader since then."""
        return next((change for change in self.leaders if change.at >= after and change.leader not in ("", old)), None)

    def routed_at(self, after: float, leader: str) -> float | None:
        """When the last of the proxies had come to pass writes to ``leader``."""
        first: dict[str, float] = {}
        for at, proxy, primary in self.routes:
            if at >= after and primary == leader:
                first.setdefault(proxy, at)
        proxies = {proxy for _, proxy, _ in self.routes}
        return max(first.values()) if proxies and first.keys() == proxies else None

    def _write_on(self, member: str) -> None:
        """(Not again when it comes back from the dead: it is a replica then.)"""
        self._follow(member, ["python3", "-c", inspect.getsource(inside_postgres), member, str(LONGEST_S)],
                     functools.partial(self._on_ack, member, Clock()))

    def _follow(self, member: str, command: list[str], take: Callable[[dict[str, Any]], None]) -> None:
        def read() -> None:
            with contextlib.suppress(docker.errors.DockerException, OSError, ValueError):
                for line in _lines(self._platform, member, command):
                    self._ready.add(member)
                    told = json.loads(line)
                    if "pid" in told:
                        self._programs.append((member, told["pid"]))
                    else:
                        take(told)

        threading.Thread(target=read, daemon=True, name=f"observer of {member}").start()

    def _on_key(self, told: dict[str, Any]) -> None:
        for leader in leaders(told):
            self.leaders.append(LeaderChange(time.time(), leader))

    def _on_route(self, proxy: str, clock: Clock, told: dict[str, Any]) -> None:
        if "clock" in told:
            clock.heard(told["clock"], time.time())
        else:
            self.routes.append((clock.ours(told["at"]), proxy, told["primary"]))

    def _on_ack(self, member: str, clock: Clock, told: dict[str, Any]) -> None:
        if "clock" in told:
            clock.heard(told["clock"], time.time())
        else:
            self.acks.append(WriterAck(member, told["timeline"], clock.ours(told["began"]), clock.ours(told["ended"])))
            self.numbered.append((member, told["number"]))


def leaders(told: Mapping[str, Any]) -> Iterator[str]:
    """Values of the leader key in one answer of `etcdctl watch -w json`; "" where it was deleted."""
    for event in told.get("Events") or []:
        deleted = event.get("type") in (1, "DELETE")
        yield "" if deleted else base64.b64decode(event["kv"].get("value", "")).decode()


def _lines(platform: Platform, member: str, command: list[str]) -> Iterator[str]:
    api = engine.client().api
    kept = b""
    for piece in execs.output(api, execs.create(api, str(platform.container(member).id), command, stderr=False)):
        kept += piece
        *whole, kept = kept.split(b"\n")
        for line in whole:
            if line.strip():
                yield line.decode(errors="replace")
