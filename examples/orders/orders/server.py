"""The HTTP server: uvicorn with a stop that drops nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from types import FrameType

import uvicorn

from orders.application import Worker
from orders.configuration import Configuration

log = logging.getLogger(__name__)

WEBSOCKET_PING_S = 20.0
"""Both the time between pings and the time a client has for its pong."""
WEBSOCKET_BYTES = 4096
"""Clients have nothing to say but ``ping``."""
LEAST_GRACE_S = 1
BACKLOG = 1024


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT: drains the worker, then closes the listener, finishes what is in flight and ends with 0."""

    def __init__(self, configuration: Configuration) -> None:
        self._worker = Worker(configuration)
        grace_s = configuration.stop_s - configuration.drain_delay_s - configuration.websocket_drain_s - 1
        super().__init__(uvicorn.Config(
            self._worker.application, host=configuration.host, port=configuration.port,
            loop="uvloop", http="httptools", ws="websockets-sansio", lifespan="on", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, backlog=BACKLOG,
            timeout_keep_alive=configuration.keep_alive_s, timeout_graceful_shutdown=max(LEAST_GRACE_S, int(grace_s)),
            ws_ping_interval=WEBSOCKET_PING_S, ws_ping_timeout=WEBSOCKET_PING_S, ws_max_size=WEBSOCKET_BYTES,
            ws_per_message_deflate=False))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens at once; what the worker depends on may come later."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        # What exists by now stays: the collector need not walk it again and again while requests wait.
        gc.collect()
        gc.freeze()
        log.info("listening", extra={"fields": {"port": self.config.port}})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """A first signal asks for a graceful stop; a second one skips the draining."""
        if self._loop is None or self._stopping is not None:
            self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin_stop)

    def _begin_stop(self) -> None:
        if self._stopping is None:
            log.info("draining")
            self._stopping = asyncio.create_task(self._stop())

    async def _stop(self) -> None:
        try:
            await self._worker.drain()
        finally:
            self.should_exit = True
