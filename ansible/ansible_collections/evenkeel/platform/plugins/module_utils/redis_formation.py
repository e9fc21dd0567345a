"""Runs inside a Redis member: what the formation of its image would do there now, without doing it.

It is sent as a whole; what it imports is the image's. Prints the commands' reasons, one a line.
"""

from __future__ import annotations

import time
from typing import Any

SETTLED_S = 3600.0
"""The age of the formation that is asked: it waits for nothing any more that comes by itself after a start."""
LOOKS = 3
PAUSE_S = 0.3
"""One look may come while a link is about to be made anew."""


def reasons() -> list[str]:
    """Of the last of a few looks that have one."""
    from redis_member.formation import Watch  # type: ignore[import-not-found]
    from redis_member.plan import plan  # type: ignore[import-not-found]
    from redis_member.settings import Settings  # type: ignore[import-not-found]

    settings = Settings.load()
    tls = settings.tls()
    watches: list[Any] = [Watch(member, settings, tls) for member in settings.members]
    found: list[str] = []
    for look in range(LOOKS):
        time.sleep(PAUSE_S if look else 0)
        sights = {watch.member.name: watch.look() for watch in watches}
        planned = plan(settings, {name: sight for name, sight in sights.items() if sight is not None}, SETTLED_S)
        found = [f"{action.on} {action.why}" for action in planned.actions]
        if planned.waiting and not found:
            found = [f"{settings.me} waits for {planned.waiting}"]
        if not found:
            return []
    return found


if __name__ == "__main__":
    print("\n".join(reasons()))
