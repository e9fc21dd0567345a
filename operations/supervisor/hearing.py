"""Whether the stream of events is open. The proxy that it came through may itself be what died: until the next one
replayed what happened meanwhile, a stop looks like a kill, and a kill like a crash."""

from __future__ import annotations

REPLAYED_S = 0.3
"""After a stream opens, events of the past come at once; by then they are here."""
DEAF_S = 3.0
"""A member that ended is not left waiting for events for longer than this."""


class Hearing:
    """Times in seconds since 1970. Written by the thread that listens, read by the one that judges."""

    def __init__(self) -> None:
        self._open_since = 0.0

    def begins(self, now: float) -> None:
        """A stream is open."""
        self._open_since = now

    def ends(self) -> None:
        """It broke off, or none is open yet."""
        self._open_since = float("inf")

    def may_lack(self, ended_at: float, now: float) -> bool:
        """Whether events about a container that ended at ``ended_at`` may be still to come."""
        return now < min(self._open_since + REPLAYED_S, ended_at + DEAF_S)
