"""Which members the engine makes first where nothing runs yet.

It makes a few at a time, and on a small machine those that start meanwhile have to share the processors. What takes
longest to serve comes first, and nobody who waits for a page waits for who watches. Nothing of it is kept as a
dependency: all may end at once, and an update of a platform that runs knows no stages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

SERVING_S = 10
"""Who watches begins after so long all the same: somebody has to tell of what doesn't serve."""


class Stages:
    """One start. ``first``: whether nothing runs yet; otherwise nobody waits for anybody."""

    def __init__(self, *, first: bool) -> None:
        self._first = first and not pulumi.runtime.is_dry_run()
        self._gate: asyncio.Future[None] | None = None
        self.begun = False
        """Whether there is a second stage yet."""

    def begin(self, earlier: Iterable[docker.Container], serving: Sequence[Mapping[str, Any]] = ()) -> None:
        """What asks ``in_turn`` from here on comes after ``earlier`` are made, or could not be; and after ``serving``
        (members as ``waiting.until_ready`` takes them) serve, or ``SERVING_S``."""
        self.begun = True
        if self._first and (ids := [container.id.future() for container in earlier]):
            self._gate = asyncio.ensure_future(_passed(ids, serving))

    def in_turn(self, name: str) -> pulumi.Input[str]:
        """A container's ``name``, once it is its turn."""
        return name if self._gate is None else pulumi.Output.from_input(_after(self._gate, name))


async def _passed(ids: Sequence[asyncio.Future[Any]], serving: Sequence[Mapping[str, Any]]) -> None:
    made = await asyncio.gather(*ids, return_exceptions=True)
    # `--target` makes only some, and a start that fails should say so soon: neither is waited for.
    if serving and all(isinstance(found, str) and found for found in made):
        await asyncio.to_thread(_served, serving)


def _served(members: Sequence[Mapping[str, Any]]) -> None:
    from components.targets.docker import waiting

    try:
        waiting.until_ready([{**member, "startSeconds": SERVING_S} for member in members])
    except waiting.NotReadyError:
        return  # Whoever waits for all at the end says so.


async def _after(gate: asyncio.Future[None], name: str) -> str:
    await gate
    return name
