"""The client that takes and releases the platform's lock, in its etcd."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import etcd_client, lock
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams

OPTION: dict[str, Any] = {"lock": {"type": "str", "default": ""}}
"""Of modules that begin an operation, for ``take_first``."""


@dataclass(frozen=True)
class Outcome:
    """What became of the lock: who holds it ({}: nobody), who held it before, what there is to say."""

    changed: bool
    holder: dict[str, Any]
    before: dict[str, Any] | None = None
    said: list[str] = field(default_factory=list)


def take(streams: DockerStreams, reason: str, check_mode: bool) -> Outcome:
    """Take it for the run that we belong to; that of a run that is certainly gone is taken over.

    Raises ``RefusedError`` when somebody else holds it.
    """
    store = etcd_client.Etcd(streams)
    mine, said = lock.holder(reason), []
    # Nearly always nobody has it: then that is all.
    if not check_mode and store.create(lock.KEY, mine):
        return Outcome(True, mine)
    held = store.get(lock.KEY)
    if held is not None and lock.same_run(held, mine):
        return Outcome(False, held, held)
    if held is not None:
        if not lock.stale(held, socket.gethostname(), lock.began(str(held.get("process") or 0))):
            raise RefusedError(lock.explain(held, streams.stack))
        said = [f"the lock of an interrupted run was taken over: {held['reason']}, process {held['process']}, since "
                f"{held['since']}, gone without releasing it"]
    if not check_mode and not (held is not None and store.replace(lock.KEY, held, mine)):
        raise RefusedError("somebody took the lock at this very moment. Nothing was changed. Next: run the same "
                           "command again to see who")
    return Outcome(True, mine, held, said)


def take_first(streams: DockerStreams, asked: Mapping[str, Any], check_mode: bool) -> list[str]:
    """What a module does first that has ``OPTION``: take the lock if a reason was given. What there is to say of it."""
    return take(streams, asked["lock"], check_mode).said if asked["lock"] else []


def release(streams: DockerStreams, force: bool, check_mode: bool) -> Outcome:
    """Give it up if it is our run's, or whoever's with ``force``. Raises ``RefusedError``."""
    store = etcd_client.Etcd(streams)
    held = store.get(lock.KEY)
    if held is None or not (force or lock.same_run(held, lock.holder(""))):
        return Outcome(False, held or {}, held)
    if not check_mode and not store.delete(lock.KEY, held):
        raise RefusedError("somebody took the lock over at this very moment: it is left alone")
    said = [f"the lock of {held['who']} on {held['host']} ({held['reason']}) was released"] if force else []
    return Outcome(True, {}, held, said)
