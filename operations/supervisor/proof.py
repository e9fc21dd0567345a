"""What proves that the node which a leader key names is dead: pure functions.

The order matters, and makes the proof hold whatever happens meanwhile:

1. the key is read, with its revision;
2. the engine, asked afterwards, says that the node's container does not run: everything in it is gone, so whoever wrote
   that revision is dead;
3. the key is deleted in one transaction that demands that same revision and value.

Should the node start again between 2 and 3 (a person's `docker start`, the engine after a crash), it is another process
that never held the key: either it wrote the key since, then the revision is another one and nothing is deleted; or it
did not, then it has to take the key as everybody else has, by a transaction of its own. So it makes no difference
whether the engine is going to restart the container (`restarting`) or has given it up (`exited`).

A paused or stopped (SIGSTOP) node, one that nobody reaches, one whose container is gone from the engine's list: none of
that is proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from operations.supervisor.container import Container

ENDED = frozenset({"exited", "restarting", "dead"})
"""States in which no process of a container is left. `created` is none: a container that never ran held no key, so it
says nothing about who does; nor is `removing`, which begins while processes may still be there."""


@dataclass(frozen=True)
class Dead:
    """Proved: this run of this container has ended. Times are seconds since 1970, by the engine's clock."""

    container_id: str
    started_at: float
    finished_at: float
    exit_code: int


@dataclass(frozen=True)
class NotProved:
    """``why``: completes "postgres-1 ..."; ``notable``: a running node is nothing to speak of, a paused one is."""

    why: str
    notable: bool


def prove(leader: str, container: Container | None) -> Dead | NotProved:
    """What the engine's word about the container of the member ``leader`` proves."""
    if container is None or container.member != leader:
        return NotProved("has no container that the engine knows by its name", notable=True)
    if container.status in ENDED and container.started_at and container.finished_at >= container.started_at:
        return Dead(container.id, container.started_at, container.finished_at, container.exit_code)
    if container.status == "running":
        return NotProved("runs", notable=False)
    return NotProved(f"is {container.status}, which is not dead", notable=True)
