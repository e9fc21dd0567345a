"""How long to wait before a member that keeps dying is started once more: pure functions."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 1.0
LOOP_FROM = 3
"""From this try in a row on it is called a crash loop."""


@dataclass(frozen=True)
class Tries:
    """Starts of one member in a row that did not last. ``last_at``: seconds since 1970."""

    count: int = 0
    last_at: float = 0.0

    @property
    def is_loop(self) -> bool:
        return self.count >= LOOP_FROM

    def after_start(self, now: float) -> Tries:
        return Tries(self.count + 1, now)

    def after_death(self, died_at: float, started_at: float, steady_s: float) -> Tries:
        """None in a row any more, when the member had run for ``steady_s``; tries since that death count."""
        return Tries() if died_at - started_at >= steady_s and self.last_at <= died_at else self

    def pause_s(self, longest_s: float) -> float:
        """0, 1, 2, 4, 8 ... s, at most ``longest_s``."""
        if self.count == 0:
            return 0.0
        return float(min(longest_s, FIRST_S * 2 ** min(self.count - 1, 16)))
