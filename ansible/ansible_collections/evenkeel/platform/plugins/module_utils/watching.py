"""Watching a colour for a while, and saying what is to become of its release."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    analysis,
    haproxy,
    prometheus,
    release_store,
    verdict,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

STEP_S, LEAST_STEP_S = 1.0, 0.1
TOLD_EVERY_S = 3.0
LAST_SECONDS = 5
"""Of the instant limit."""
PROMOTE, ABORT, PAUSE = "promote", "abort", "pause"


class Watching:
    """One watch: time goes on unless somebody paused it."""

    def __init__(self, asked: Mapping[str, Any], limits: verdict.Limits, source: analysis.Source,
                 store: release_store.Releases) -> None:
        self._asked, self._limits, self._source, self._store = asked, limits, source, store
        self._colour = asked["colour"]
        self._stable = next(colour for colour in haproxy.COLOURS if colour != self._colour)
        self._last: list[verdict.Measure] = []
        self._trouble = ""

    def run(self) -> tuple[str, str]:
        """The outcome (a verdict's, ``promote`` or ``abort``) and why."""
        try:
            return self._watch()
        finally:
            self._source.close()

    def _watch(self) -> tuple[str, str]:
        self._look(lambda: self._source.begin(self._asked["counted"]))
        told, clock = 0.0, time.monotonic()
        passed = max(0.0, time.time() - self._asked["counted"].get("at", time.time()))
        while True:
            time.sleep(min(STEP_S, max(LEAST_STEP_S, self._asked["seconds"] - passed)))
            asked = self._store.asked()
            if asked in (PROMOTE, ABORT):
                self._store.ask("")
                return asked, f"somebody asked for it: {asked}"
            self._look(self._step)
            if reason := self._instant():
                return verdict.FAIL, f"at once: {reason}"
            now = time.monotonic()  # a look takes a while, and is part of the watch
            if asked != PAUSE:
                passed += now - clock
            clock = now
            whole = self._measures()
            said = verdict.judge(whole[self._colour], whole[self._stable], self._limits)
            enough = passed >= self._asked["seconds"] or (
                0 < self._asked["until_samples"] <= whole[self._colour].requests)
            over = passed >= self._asked["seconds"] + self._asked["patience_s"]
            if asked != PAUSE and ((enough and said.outcome != verdict.NO_DATA) or over):
                return said.outcome, f"{said}{f' ({self._trouble})' if self._trouble else ''}"
            told += STEP_S
            if told >= TOLD_EVERY_S:
                told = 0.0
                self._tell(asked == PAUSE, passed, whole[self._colour])

    def _step(self) -> None:
        found = self._source.look()
        self._last = [*self._last, found[self._colour]][-LAST_SECONDS:]

    def _instant(self) -> str:
        """Over the last looks: a Prometheus' own window already is one."""
        looks = self._last if self._asked["source"] == "balancers" else self._last[-1:]
        return verdict.instant(verdict.Measure(sum(one.requests for one in looks),
                                               sum(one.succeeded for one in looks),
                                               sum(one.failed for one in looks)), self._limits)

    def _measures(self) -> dict[str, verdict.Measure]:
        """What is known; nothing while the source can't be asked."""
        try:
            return self._source.whole()
        except (StreamError, prometheus.PrometheusError) as error:
            self._trouble = str(error)
            return dict.fromkeys(haproxy.COLOURS, verdict.Measure())

    def _look(self, look: Callable[[], None]) -> None:
        try:
            look()
            self._trouble = ""
        except (StreamError, prometheus.PrometheusError) as error:
            self._trouble = str(error)

    def _tell(self, paused: bool, passed: float, measure: verdict.Measure) -> None:
        """For the live view."""
        current = self._store.current()
        if current is not None:
            waits = "paused: `make release-resume`, `make release-promote` or `make release-abort`" if paused else (
                f"watched for {passed:.0f} of {self._asked['seconds']:.0f} s: {measure}")
            self._store.keep(replace(current, waits_for=waits))
