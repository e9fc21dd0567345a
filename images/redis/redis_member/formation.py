"""The formation: look at all members, do the plan's next step, until this member is settled."""

from __future__ import annotations

import ssl
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from redis_member.plan import Action, plan
from redis_member.resp import Connection, ReplyError
from redis_member.settings import Member, Settings
from redis_member.sight import Sight, read

STEP_S = 0.2
"""Time between two looks."""
LOOK_S = 0.2
"""How long a look waits for members that are slow; they count as missing until they answer."""
LOOK = (("CLUSTER", "INFO"), ("CLUSTER", "NODES"), ("INFO", "replication"))
QUIET_AFTER_S = 30.0
"""A formation that waits longer than this looks once a second: it waits for a member that is down."""


class Watch:
    """Looks at one member, over a connection that is kept."""

    def __init__(self, member: Member, settings: Settings, tls: ssl.SSLContext) -> None:
        self.member = member
        self._settings = settings
        self._tls = tls
        self._connection: Connection | None = None
        # The own server is reached without DNS, which on some engines knows a member only once it is ready.
        self._host = "localhost" if member.name == settings.me else member.host

    def look(self) -> Sight | None:
        """What the member sees, or None while it does not answer (or still loads its data)."""
        try:
            if self._connection is None:
                self._connection = Connection(self._host, self._settings, self._tls)
            # In this order: were the state asked for last, it could be that of a role which the table doesn't show yet.
            info, nodes, replication = (self._connection.call(*command) for command in LOOK)
            return read(self.member, self._connection.address, nodes, info, replication)
        except OSError:
            self.close()
        except ReplyError:
            # LOADING, or a password that is being rotated: a new connection logs in anew.
            self.close()
        return None

    def run(self, action: Action) -> str | None:
        """Run a command on the member. Returns why not, when it was refused or got lost."""
        if self._connection is None:
            return "not connected"
        try:
            self._connection.call(*action.command)
        except ReplyError as error:
            return str(error)
        except OSError as error:
            self.close()
            return str(error)
        return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Formation:
    """One run, from the start of a member until it is settled."""

    def __init__(self, settings: Settings) -> None:
        tls = settings.tls()
        self._settings = settings
        self._watches = {member.name: Watch(member, settings, tls) for member in settings.members}
        self._looks: dict[str, Future[Sight | None]] = {}
        self._pool = ThreadPoolExecutor(max_workers=len(settings.members))
        self._done: dict[tuple[str, tuple[str | int, ...]], float] = {}
        self._said: set[str] = set()
        self._began = time.monotonic()

    def step(self) -> bool:
        """Look, plan, act. True when this member is settled."""
        found = plan(self._settings, self._look(), time.monotonic() - self._began)
        for action in found.actions:
            self._act(action)
        if found.waiting and not found.actions:
            self._say_once(f"waiting for {found.waiting}")
        return found.settled

    def pause_s(self) -> float:
        return STEP_S if time.monotonic() - self._began < QUIET_AFTER_S else 1.0

    def _look(self) -> dict[str, Sight]:
        for name, watch in self._watches.items():
            if name not in self._looks:
                self._looks[name] = self._pool.submit(watch.look)
        wait(self._looks.values(), timeout=LOOK_S)
        answered = {name: future.result() for name, future in self._looks.items() if future.done()}
        for name in answered:
            del self._looks[name]
        return {name: sight for name, sight in answered.items() if sight is not None}

    def _act(self, action: Action) -> None:
        key, now = (action.on, action.command), time.monotonic()
        if now - self._done.get(key, -action.repeat_s) < action.repeat_s:
            return
        refused = self._watches[action.on].run(action)
        if refused is None:
            self._done[key] = now
        self._say_once(f"{action.on} {action.why}" + (f" (refused: {refused})" if refused else ""))

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            say(text)


def run(settings: Settings) -> int:
    """Form the cluster; returns 0 when this member is settled."""
    formation = Formation(settings)
    began = time.monotonic()
    while not formation.step():
        time.sleep(formation.pause_s())
    say(f"settled after {time.monotonic() - began:.1f} s")
    return 0


def say(text: str) -> None:
    """One line in the member's log, in one write: the server beside it writes there, too."""
    sys.stdout.write(f"formation: {text}\n")
    sys.stdout.flush()
