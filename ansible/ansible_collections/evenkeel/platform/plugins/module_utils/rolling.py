"""How a rolling release moves workers from one colour to the other, batch by batch: pure functions.

The words are Kubernetes' (Deployment, `rollingUpdate`): ``surge`` is how many workers there may be beyond the declared
number, ``unavailable`` how many of it may be missing meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Moving:
    """``batch``: how many workers of the largest pool move at once, as far as the other two allow."""

    batch: int = 1
    surge: int = 1
    unavailable: int = 0


@dataclass(frozen=True)
class Batch:
    """Workers of both colours by pool, and the requests that the new colour gets when they are there, in percent."""

    new: Mapping[str, int]
    old: Mapping[str, int]
    percent: int


def problem(moving: Moving) -> str:
    """What is wrong with it, or ""."""
    if moving.batch < 1:
        return f"batch: {moving.batch}: at least 1"
    if moving.surge < 0 or moving.unavailable < 0 or moving.surge + moving.unavailable < 1:
        return (f"max_surge {moving.surge} and max_unavailable {moving.unavailable}: not below 0, and one of them at "
                "least 1: otherwise nothing could move")
    return ""


def batches(capacity: Mapping[str, int], moving: Moving) -> list[Batch]:
    """In order; with the last one the new colour has all workers and all requests. ``capacity``: pool -> workers.

    The largest pool sets the pace, the others follow in proportion, rounded up. The share is that of the workers once
    the next batch has taken its old ones, so that no worker gets more than it would with everybody there.
    """
    most = max(capacity.values())
    moving = _served(most, moving)
    size = min(moving.batch, moving.surge + moving.unavailable)
    begun = [*range(size, most, size), most]
    beside = [_beside(most, new, moving) for new in begun]
    return [Batch(_scaled(capacity, new, most), _scaled(capacity, old, most), round(100 * new / (new + left)))
            for new, old, left in zip(begun, beside, [*beside[1:], 0], strict=True)]


def bearable(old: Mapping[str, int], new: Mapping[str, int], capacity: Mapping[str, int]) -> int:
    """Of 100 requests, what the former workers can take back at once, without waiting for the others to come back:
    each as many as it had with everybody there; and all, where they are no fewer than those that have them now.

    ``old``, ``new``: pool -> workers that run now; ``capacity``: those that the former colour had.
    """
    if all(old.get(pool, 0) >= new.get(pool, 0) for pool in capacity):
        return 100 if all(old.get(pool, 0) for pool in capacity) else 0
    return min(100 * min(old.get(pool, 0), workers) // workers for pool, workers in capacity.items())


def _served(most: int, moving: Moving) -> Moving:
    """The same, but for never being without a worker: of ``most`` workers one less can be missing, and one that is
    alone needs another one beside it."""
    unavailable = min(moving.unavailable, most - 1)
    return Moving(moving.batch, moving.surge if moving.surge or unavailable else 1, unavailable)


def _beside(most: int, new: int, moving: Moving) -> int:
    """Old workers that stay while the new ones come to be."""
    return min(most, max(0, most + moving.surge - new))


def _scaled(capacity: Mapping[str, int], part: int, most: int) -> dict[str, int]:
    return {pool: -(-workers * part // most) for pool, workers in capacity.items()}
