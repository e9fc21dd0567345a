"""Decision 6: when a Postgres node is proved dead its leader key is released, so that the others elect at once instead
of waiting for the key to expire (20 s at least).

Both of the pair do this: the transaction tells who was first, so no lease is needed for it to be safe. The one that
stands by lets the leading one go first, and completes what that one left undone when it died in between.

Nothing is ever done without proof (``proof``), nothing when the engine or etcd can't be asked, and a node is never
stopped to make it provable.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from operations.supervisor.engine import Engine, EngineError, GoneError
from operations.supervisor.etcd import Etcd, Key
from operations.supervisor.events import Event
from operations.supervisor.pair import Role
from operations.supervisor.proof import Dead, prove
from operations.supervisor.report import Report
from operations.supervisor.settings import Fencing

LOOK_S = 1.0
"""Between two looks at the key without any event: events may get lost."""
HURRY_S, HURRIED_LOOK_S = 2.0, 0.1
"""After a death was heard of, looks come this quickly for a while."""
PARTNER_FIRST_S = 1.0
"""How long the one that stands by lets the leading one go first."""
SILENT_SHARE = 0.6
"""A key that was not renewed until less than this of its life is left is worth a word."""


class Fencer:
    """Reads one leader key and releases it when its holder is proved dead. ``round`` is for one thread with clients of
    its own; ``release`` may be called by any."""

    def __init__(self, fencing: Fencing, new_engine: Callable[[], Engine], new_etcd: Callable[[], Etcd],
                 role: Callable[[], Role], say: Report) -> None:
        self._fencing, self._new_engine, self._new_etcd = fencing, new_engine, new_etcd
        self._role, self._say = role, say
        self._engine, self._etcd = new_engine(), new_etcd()
        self._heard: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._hurry_until = float("-inf")
        self._detected_at: float | None = None
        self._seen: tuple[str, float] = ("", 0.0)
        self._lock = threading.Lock()
        self._said: dict[str, str] = {}

    def hear(self, event: Event) -> None:
        """An event of any container, as it happens."""
        if event.action == "die" and event.labels.get("evenkeel.member") in self._fencing.members:
            self._heard.put(time.time())

    def run(self, stopped: threading.Event) -> None:
        """Until ``stopped``."""
        while not stopped.is_set():
            self._wait()
            try:
                self.round()
            except (ValueError, KeyError) as error:  # an answer that nobody can read
                self._say_once("answer", f"nothing is released: {error!r}", level="error")

    def round(self) -> bool:
        """One look, and the release when it is due. True when the key was released."""
        try:
            key = self._etcd.read(self._fencing.key)
        except OSError as error:
            self._say_once("etcd", f"the leader key can't be read, so none can be released: {error}", level="warning")
            return False
        self._said.pop("etcd", None)
        return key is not None and self._fence(key, self._engine, self._etcd, self._patience_s())

    def release(self, member: str) -> None:
        """Before a dead member is started again: see that it holds the key no more. It may start whatever comes of it:
        Patroni waits for etcd, and gives up a key of its own whose Postgres is down."""
        if member not in self._fencing.members:
            return
        try:
            etcd = self._new_etcd()
            key = etcd.read(self._fencing.key)
            if key is not None and key.value == member:
                self._fence(key, self._new_engine(), etcd, 0.0)
        except (OSError, ValueError, KeyError) as error:
            self._say_once("etcd", f"{member} is started without knowing whether it holds the leader key: {error}",
                           level="warning")

    def _fence(self, key: Key, engine: Engine, etcd: Etcd, patience_s: float) -> bool:
        leader = key.value
        container = self._fencing.members.get(leader)
        if container is None:
            return False
        try:
            verdict = prove(leader, engine.inspect(container))
        except GoneError:
            verdict = prove(leader, None)
        except (OSError, EngineError) as error:
            self._say_once("engine", f"nothing is known of {leader}, which leads: the engine can't be asked ({error}). "
                           "Its key is not touched; should it be dead, it expires by itself", level="error",
                           member=leader)
            return False
        self._said.pop("engine", None)
        if not isinstance(verdict, Dead):
            self._tell_of_silence(key, etcd, verdict.why, notable=verdict.notable)
            return False
        if self._seen[0] != key.revision:
            self._seen = (key.revision, time.monotonic())
        if time.monotonic() - self._seen[1] < patience_s:
            return False
        return self._delete(key, verdict, etcd)

    def _delete(self, key: Key, dead: Dead, etcd: Etcd) -> bool:
        try:
            released = etcd.delete_if(self._fencing.key, key)
        except OSError as error:
            self._say_once("delete", f"{key.value} is dead, and its leader key could not be released: {error}",
                           level="error", member=key.value)
            return False
        self._said.pop("delete", None)
        detected_at, self._detected_at = self._detected_at or time.time(), None
        if not released:  # the partner was quicker, or the node is back and took the key anew
            return False
        self._say("released", f"{key.value} is dead (its container {dead.container_id[:12]} ended with exit code "
                  f"{dead.exit_code}): its leader key was released, the others elect", member=key.value,
                  tier="postgres", exit_code=dead.exit_code, container=dead.container_id[:12],
                  started_at=dead.started_at, died_at=dead.finished_at, detected_at=detected_at,
                  revision=key.revision, down_s=time.time() - dead.finished_at)
        return True

    def _tell_of_silence(self, key: Key, etcd: Etcd, why: str, *, notable: bool) -> None:
        """Say once that the holder of the key does not renew it, and that this is no proof."""
        if not key.lease or not (notable or self._role() is Role.LEADER):
            return
        try:
            left_s, life_s = etcd.life(key.lease)
        except OSError:
            return
        if left_s >= life_s * SILENT_SHARE:
            self._said.pop("silent", None)
        else:
            self._say_once("silent", f"{key.value} leads, {why}, and has not renewed its key for "
                           f"{life_s - left_s:.0f} s: unreachable is not dead, so nothing is done. Unless it comes "
                           f"back, the key expires in {left_s:.0f} s and the others elect", level="warning",
                           member=key.value)

    def _patience_s(self) -> float:
        return 0.0 if self._role() is Role.LEADER else PARTNER_FIRST_S

    def _wait(self) -> None:
        hurried = time.monotonic() < self._hurry_until
        try:
            heard_at = self._heard.get(timeout=HURRIED_LOOK_S if hurried else LOOK_S)
        except queue.Empty:
            if not hurried:
                self._detected_at = None
            return
        self._hurry_until = time.monotonic() + HURRY_S
        self._detected_at = heard_at

    def _say_once(self, about: str, text: str, *, level: str, member: str | None = None) -> None:
        with self._lock:
            if about in self._said:
                return
            self._said[about] = text
        self._say("not released", text, level=level, member=member, tier="postgres")
