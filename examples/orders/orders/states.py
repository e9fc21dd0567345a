"""What this worker knows of the services it depends on; a line in the log when that changes, not at each attempt."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class State:
    """One dependency: unknown at first, then up or down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.up: bool | None = None

    def set(self, up: bool, reason: str = "") -> None:
        """Notes what was just seen. ``reason`` says why it is down."""
        if up == self.up:
            return
        self.up = up
        if up:
            log.info("%s is up", self.name, extra={"fields": {"dependency": self.name}})
        else:
            log.warning("%s is down", self.name, extra={"fields": {"dependency": self.name, "reason": reason}})

    def __str__(self) -> str:
        return {None: "unknown", True: "up", False: "down"}[self.up]
