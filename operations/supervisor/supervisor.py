"""The loop: hear events, look at all containers, judge those that don't run, act when it is our turn."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from operations.supervisor.cron import Cron
from operations.supervisor.engine import Engine, EngineError, GoneError, Listed
from operations.supervisor.events import Event, History
from operations.supervisor.fencer import Fencer
from operations.supervisor.figures import Figures
from operations.supervisor.hearing import Hearing
from operations.supervisor.memory import Memory
from operations.supervisor.pair import Pair, Role, delay_s
from operations.supervisor.report import Report
from operations.supervisor.rescue import Rescue
from operations.supervisor.settings import Settings
from operations.supervisor.verdict import Death, LeftAlone, Verdict, judge

STATUS = Path("/run/supervisor.status")
LOOK_S = 1.0
"""Between two looks at all containers: events may get lost, states do not."""
REPLAY_S = 300.0
"""Events from so long ago are asked for at the start; the engine keeps its last few hundred."""
SILENCE_S = 60.0
RECONNECT_S = 0.5


class Supervisor:
    """One of the pair. ``turn`` does one round of the loop."""

    def __init__(self, settings: Settings, engine: Engine, pair: Pair, rescue: Rescue, *,
                 pool: Executor, say: Report, fencer: Fencer | None = None, figures: Figures | None = None) -> None:
        self._settings, self._engine, self._pair, self._rescue = settings, engine, pair, rescue
        self._pool, self._say, self._fencer, self._figures = pool, say, fencer, figures
        self._cron = Cron(say, settings.schedule_grace_s)
        self._memory = Memory(settings.steady_s)
        self.heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.hearing = Hearing()
        self._role: Role | None = None
        self._began = time.time()
        self._held: frozenset[str] = frozenset()
        self._said_unreachable = False
        self.last_look = float("-inf")
        """When all containers were last seen, by the monotonic clock."""

    def run(self, stopped: threading.Event) -> None:
        """Until ``stopped``."""
        self.hearing.ends()
        threading.Thread(target=self._listen, daemon=True, name="events").start()
        if self._fencer is not None:
            threading.Thread(target=self._fencer.run, args=(stopped,), daemon=True, name="fencer").start()
        while not stopped.is_set():
            began = time.monotonic()
            try:
                self.turn(time.time())
            except (OSError, EngineError) as error:
                if not self._said_unreachable:
                    self._said_unreachable = True
                    self._say("waiting", f"the engine can't be reached: {error}", level="error")
            stopped.wait(max(0.05, LOOK_S - (time.monotonic() - began)))

    def turn(self, now: float) -> None:
        """Hear, look, judge, act. ``now``: seconds since 1970. Raises when the engine can't be reached."""
        role = self._pair.role()
        self._hear(role)
        listed = [one for one in self._engine.containers() if one.is_member]
        self.last_look = time.monotonic()
        if self._figures is not None:
            self._figures.look(time.time(), listed)
        self._said_unreachable = False
        self._tell(role)
        ids = {one.id for one in listed}
        self._memory.forget_all_but(ids)
        self._cron.forget_all_but(ids)
        while not self._rescue.tried.empty():
            self._memory.note_try(*self._rescue.tried.get())
        for one in listed:
            with contextlib.suppress(GoneError):  # replaced since: the next list knows better
                self._consider(one, role, now)

    # -- hearing ------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Keep a stream of events open, from where the last one ended; a thread and a connection of its own."""
        engine = Engine(self._settings.engines, self._settings.tls)
        since = time.time() - REPLAY_S
        while True:
            # Whatever ends a stream, also one that nobody can read, the next one begins where it ended.
            with contextlib.suppress(OSError, ValueError, KeyError):
                for event in engine.events(since, SILENCE_S, lambda: self.hearing.begins(time.time())):
                    if event.at > since:
                        since = event.at
                        self.heard.put(event)
                        if self._fencer is not None:
                            self._fencer.hear(event)
            self.hearing.ends()
            time.sleep(RECONNECT_S)

    def _hear(self, role: Role) -> None:
        while True:
            try:
                event = self.heard.get_nowait()
            except queue.Empty:
                return
            before = self._memory.hear(event)
            if "evenkeel.member" not in event.labels:
                continue
            # What is replayed at our own start was said by whoever was there.
            speaks = self._speaks(role) and event.at >= self._began
            if "evenkeel.schedule" in event.labels:
                self._cron.hear(event, before, speaks=speaks)
            elif event.action == "start" and not self._rescue.was_ours(event.id, event.at) and speaks:
                self._say_returned(event, before)

    def _say_returned(self, event: Event, before: History) -> None:
        """Somebody else brought it back: the engine what crashed, a person or `make up` what was killed."""
        if before.died_at is None or before.stopped:
            return
        by_engine = not before.kills
        cause = "oom" if before.oom else "crash" if by_engine else "kill"
        member = event.labels["evenkeel.member"]
        down_s = event.at - before.died_at
        self._say("returned", f"{member} was down for {down_s:.1f} s ({cause})", member=member,
                  tier=event.labels.get("evenkeel.tier"), cause=cause, exit_code=before.exit_code, down_s=down_s,
                  actor="engine" if by_engine else "operator")

    # -- judging ------------------------------------------------------------------------------------------------------

    def _consider(self, one: Listed, role: Role, now: float) -> None:
        if one.schedule is not None:
            if self._cron.may_be_due(one.id, now):
                waiting = self._memory.look(one, self._engine.inspect, fresh=True)
                if waiting is not None and self._cron.consider(waiting, self._turn_of(role), now):
                    self._submit(lambda: self._rescue.run_scheduled(waiting), one.id)
            return
        if one.status not in ("exited", "restarting"):
            return
        found = self._memory.look(one, self._engine.inspect, fresh=one.status == "restarting")
        if found is None or found.id != one.id or self.hearing.may_lack(found.finished_at, now):
            return
        history = self._memory.history(one.id)
        stops = self._pair.view.stops
        verdict: Verdict = judge(found, history, stops.get(found.name), self._settings.settle_s)
        if isinstance(verdict, LeftAlone):
            self._rescue.leave_alone(found, verdict, speaks=self._speaks(role))
        elif isinstance(verdict, Death):
            tries = self._memory.tries(found, verdict.died_at)
            delay = self._turn_of(role)
            pause_s = tries.pause_s(self._settings.longest_pause_s)
            free_at = max(verdict.settled_at, max(verdict.died_at, tries.last_at) + pause_s)
            if delay is not None and now >= free_at + delay:
                self._submit(lambda: self._rescue.bring_back(found, verdict, tries), one.id)

    def _submit(self, action: Callable[[], None], container_id: str) -> None:
        if self._rescue.begin(container_id):
            self._pool.submit(action)

    def _turn_of(self, role: Role) -> float | None:
        return delay_s(role, self._settings.rank)

    def _speaks(self, role: Role) -> bool:
        """What both see is said by one: the leader, or without etcd the first in rank."""
        return role is Role.LEADER or (role is Role.ALONE and self._settings.rank == 0)

    def _tell(self, role: Role) -> None:
        """For the health check and `make status`; a change goes to the log, too."""
        partial = STATUS.with_suffix(".partial")
        partial.write_text(f"{role} {int(time.time())}\n", encoding="utf-8")
        partial.replace(STATUS)
        holds = self._pair.view.holds
        for name in sorted(holds.keys() - self._held):
            self._say("hold", f"{name} is left alone for {holds[name].until - time.time():.0f} s: {holds[name].why}",
                      held=name, actor="operator")
        for name in sorted(self._held - holds.keys()):
            self._say("unhold", f"{name} is watched again", held=name)
        self._held = frozenset(holds)
        if role is not self._role:
            said = {Role.LEADER: "leads", Role.STANDBY: f"stands by; {self._pair.view.leader or 'nobody yet'} leads",
                    Role.ALONE: "acts without asking: etcd does not answer"}[role]
            self._say("role", f"{self._settings.me} {said}", role=role.value,
                      level="warning" if role is Role.ALONE and self._role is not None else "info")
            self._role = role
