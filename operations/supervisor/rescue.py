"""Bringing one member back, and saying so. Several may be under way at once."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable

from operations.supervisor import holds
from operations.supervisor.container import Container
from operations.supervisor.engine import Engine, EngineError
from operations.supervisor.holds import Hold
from operations.supervisor.pair import Pair, Role
from operations.supervisor.pauses import Tries
from operations.supervisor.report import Report
from operations.supervisor.verdict import Death, LeftAlone, stop_mark


class Rescue:
    """What a supervisor does to containers; ``current_holds`` asks etcd anew and raises ``OSError`` without it."""

    def __init__(self, new_engine: Callable[[], Engine], pair: Pair, current_holds: Callable[[], dict[str, Hold]],
                 longest_pause_s: float, say: Report, *, release: Callable[[str], None] | None = None) -> None:
        """``release``: sees, before a dead member is started, that it holds no leader key any more."""
        self._release = release or (lambda _member: None)
        self._new_engine, self._pair, self._current_holds = new_engine, pair, current_holds
        self._longest_pause_s, self._say = longest_pause_s, say
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._begun: dict[str, float] = {}
        self._told: dict[str, str] = {}
        self.tried: queue.SimpleQueue[tuple[str, Tries]] = queue.SimpleQueue()
        """Attempts that count towards a crash loop."""

    def begin(self, container_id: str) -> bool:
        """False while an action for this container is under way."""
        with self._lock:
            if container_id in self._under_way:
                return False
            self._under_way.add(container_id)
            return True

    def was_ours(self, container_id: str, at: float) -> bool:
        """Whether a start that was heard of (``at`` seconds since 1970) is our last one; asked once per start."""
        with self._lock:
            began = self._begun.get(container_id)
            if began is None or at < began:
                return False
            del self._begun[container_id]
            return True

    def leave_alone(self, container: Container, verdict: LeftAlone, *, speaks: bool) -> None:
        """Say once that somebody wants this member down, and let the partner know."""
        if speaks and self._is_news(container, verdict.why):
            if verdict.remember:
                self._pair.note_stop(container.name, stop_mark(container))
            self._say("left alone", f"{container.member} is down: {verdict.why}", member=container.member,
                      tier=container.tier, exit_code=container.exit_code)

    def held(self, container: Container, what: str) -> bool:
        """Whether somebody holds this member now; said once, with ``what`` that means."""
        known = self._pair.view.holds
        if self._pair.role() is not Role.ALONE:  # without etcd, what was known last counts: asking would cost seconds
            with contextlib.suppress(OSError):
                known = self._current_holds()
        found = holds.on(container, known, time.time())
        if found is None:
            return False
        name, hold = found
        if self._is_news(container, f"hold {name} {hold.until}"):
            self._say("held", f"{container.member} {what}: {name!r} is held for another "
                      f"{hold.until - time.time():.0f} s ({hold.why})", member=container.member, tier=container.tier)
        return True

    def bring_back(self, container: Container, death: Death, tries: Tries) -> None:
        """Start (or restart) a member that died, unless it is held, gone, or runs again. Never raises."""
        verb = "restart" if death.engine_waits else "start"
        try:
            if self.held(container, "stays down"):
                return
            engine = self._new_engine()
            now = engine.inspect(container.name)
            if now is None or (now.id, now.status, now.finished_at) != (
                    container.id, container.status, container.finished_at):
                return
            self.tried.put((container.id, tries.after_start(time.time())))
            self._release(container.member)
            with self._lock:
                self._begun[container.id] = time.time()
            if not engine.act(container.name, verb):
                self._forget(container.id)
                return  # somebody was quicker
            after = engine.inspect(container.name)
            self._say_done(container, death, tries, verb, after.started_at if after else time.time())
        except (OSError, EngineError) as error:
            self._forget(container.id)
            self._say("failed", f"{container.member} could not be brought back: {error}", level="error",
                      member=container.member, tier=container.tier, cause=death.cause.value,
                      exit_code=death.exit_code, down_s=time.time() - death.died_at)
        finally:
            with self._lock:
                self._under_way.discard(container.id)

    def run_scheduled(self, container: Container) -> None:
        """Start a member whose time has come. Never raises."""
        try:
            if self.held(container, "is not run"):
                return
            if self._new_engine().act(container.name, "start"):
                self._say("run", f"{container.member} was started by its schedule", member=container.member,
                          tier=container.tier, schedule=container.schedule)
        except (OSError, EngineError) as error:
            self._say("failed", f"{container.member} could not be started by its schedule: {error}", level="error",
                      member=container.member, tier=container.tier, schedule=container.schedule)
        finally:
            with self._lock:
                self._under_way.discard(container.id)

    def _say_done(self, container: Container, death: Death, tries: Tries, verb: str, started_at: float) -> None:
        down_s = max(0.0, started_at - death.died_at)
        ended = {"kill": "was killed", "oom": "ran out of memory", "crash": "crashed"}[death.cause.value]
        text = f"{container.member} {ended} and was started again after {down_s:.1f} s"
        if death.engine_waits:
            text += "; the engine would have waited longer"
        if tries.is_loop:
            pause_s = tries.after_start(0).pause_s(self._longest_pause_s)
            text += f"; crash loop: start {tries.count + 1} in a row, the next one comes after {pause_s:.0f} s"
        self._say(f"{verb}ed", text, level="warning" if tries.is_loop else "info", member=container.member,
                  tier=container.tier, cause=death.cause.value, exit_code=death.exit_code, signal=death.signal,
                  down_s=down_s)

    def _forget(self, container_id: str) -> None:
        with self._lock:
            self._begun.pop(container_id, None)

    def _is_news(self, container: Container, fact: str) -> bool:
        """True the first time that a fact about this end of a container comes up."""
        text = f"{stop_mark(container)} {fact}"
        with self._lock:
            if self._told.get(container.name) == text:
                return False
            self._told[container.name] = text
            return True
