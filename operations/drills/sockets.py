"""A WebSocket that a drill keeps open: closed, it is opened again at whichever edge takes it."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

RETRY_S = 0.1
OPEN_S = 5.0


@dataclass
class Feed:
    """One live feed over the edges ``urls``, the preferred one first."""

    urls: Sequence[str]
    messages: int = 0
    closed_at: list[float] = field(default_factory=list)
    down: list[tuple[float, float]] = field(default_factory=list)
    """Times without a feed: from its end until it was open again."""

    async def follow(self, trust: ssl.SSLContext) -> None:
        """Until cancelled."""
        lost_at: float | None = None
        for url in itertools.cycle(self.urls):
            try:
                async with connect(f"{url.replace('https://', 'wss://')}/ws", ssl=trust,
                                   open_timeout=OPEN_S) as socket:
                    if lost_at is not None:
                        self.down.append((lost_at, time.time()))
                        lost_at = None
                    async for _ in socket:
                        self.messages += 1
            except (OSError, WebSocketException, TimeoutError):
                pass
            if lost_at is None:
                lost_at = time.time()
                self.closed_at.append(lost_at)
            await asyncio.sleep(RETRY_S)

    @property
    def longest_down_s(self) -> float:
        return max((back - lost for lost, back in self.down), default=0.0)
