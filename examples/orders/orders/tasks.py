"""Background tasks and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_S = 0.2


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and waits until they are gone; what they raise is of no interest any more.

    Once is not enough: a cancellation that hits a library while it connects may be swallowed there, and the task goes
    on as if nothing had happened (seen with redis-py on uvloop).
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN_S)


async def until_one_fails(*endless: Coroutine[Any, Any, None]) -> None:
    """Runs coroutines that never return; raises what the first of them raises, and ends the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in endless]
    try:
        await asyncio.gather(*tasks)
    finally:
        await end(*tasks)
