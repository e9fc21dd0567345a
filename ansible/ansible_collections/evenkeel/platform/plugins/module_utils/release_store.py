"""The client that keeps releases in the platform's etcd."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import etcd_client, release
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, StreamError


class Releases:
    """Releases of one stack: the one under way, those before, and what somebody asked of the one under way."""

    def __init__(self, streams: DockerStreams) -> None:
        self._store, self._stack = etcd_client.Etcd(streams), streams.stack

    def current(self) -> release.Release | None:
        """The latest, whatever became of it."""
        known = self._store.get(release.CURRENT)
        return release.read(known) if known else None

    def history(self) -> list[release.Release]:
        """All that ended, oldest first."""
        return [release.read(known) for known in self._store.under(release.HISTORY)]

    def keep(self, kept: release.Release) -> None:
        self._store.put(release.CURRENT, kept.as_dict())

    def end(self, ended: release.Release) -> release.Release:
        """Keep it as ended, in the history, too."""
        last = replace(ended, ended=time.time(), waits_for="")
        self._store.put(last.key, last.as_dict())
        self.keep(last)
        self.ask("")
        return last

    def mean(self, percent: int) -> None:
        """Of the release under way: the share that its colour is about to get."""
        now = self._under_way()
        self.keep(replace(now, stage="switch" if percent == 100 else now.strategy, percent=percent,
                          waits_for="every load balancer"))

    def mark(self, what: str, switch: Mapping[str, Any]) -> None:
        """Of the release under way: a switch that was made, as ``traffic_split`` tells it."""
        now = self._under_way()
        self.keep(replace(now, marks=[*now.marks, {"what": what, **switch}]))

    def _under_way(self) -> release.Release:
        now = self.current()
        if now is None or now.state != release.RUNNING:
            raise StreamError(f"no release is under way on the stack {self._stack}. Next: `make releases "
                              f"STACK={self._stack}`")
        return now

    def figure(self, of: release.Release, figures: Mapping[str, Any]) -> None:
        """Add figures to a record, also where it has ended."""
        kept = replace(of, figures={**of.figures, **figures})
        self.keep(kept)
        if kept.state != release.RUNNING:
            self._store.put(kept.key, kept.as_dict())

    def asked(self) -> str:
        """``pause``, ``resume``, ``promote``, ``abort`` or ""."""
        known = self._store.get(release.CONTROL)
        return str(known["verb"]) if known else ""

    def ask(self, verb: str) -> None:
        self._store.put(release.CONTROL, {"verb": verb})

    def last_serial(self) -> int:
        """The highest that any record has."""
        known: list[Any] = [*self.history(), self.current()]
        return max((one.serial for one in known if one), default=0)
