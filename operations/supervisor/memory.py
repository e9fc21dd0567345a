"""What a supervisor remembers of each container, by its id: its history, how it looked, how often it was started."""

from __future__ import annotations

from collections.abc import Callable

from operations.supervisor.container import Container
from operations.supervisor.engine import Listed
from operations.supervisor.events import Event, History
from operations.supervisor.pauses import Tries


class Memory:
    """For one thread."""

    def __init__(self, steady_s: float) -> None:
        self._steady_s = steady_s
        self._histories: dict[str, History] = {}
        self._looks: dict[str, tuple[str, Container | None]] = {}
        self._tries: dict[str, Tries] = {}

    def hear(self, event: Event) -> History:
        """Take in an event; returns the history before it."""
        before = self._histories.get(event.id, History())
        self._histories[event.id] = before.after(event)
        if event.action in ("start", "die", "stop", "destroy"):
            self._looks.pop(event.id, None)
        return before

    def history(self, container_id: str) -> History:
        return self._histories.get(container_id, History())

    def look(self, one: Listed, inspect: Callable[[str], Container | None], *, fresh: bool) -> Container | None:
        """How a container looked when it was last asked for; asked again when its status changed, or ``fresh``."""
        kept = self._looks.get(one.id)
        if kept is None or fresh or kept[0] != one.status:
            kept = (one.status, inspect(one.name))
            self._looks[one.id] = kept
        return kept[1]

    def tries(self, container: Container, died_at: float) -> Tries:
        """Starts in a row that did not last."""
        kept = self._tries.get(container.id, Tries())
        return kept.after_death(died_at, container.started_at, self._steady_s)

    def note_try(self, container_id: str, tries: Tries) -> None:
        self._tries[container_id] = tries

    def forget_all_but(self, ids: set[str]) -> None:
        """Containers that are gone. Call it with a list that is newer than the events heard."""
        self._histories = {known: value for known, value in self._histories.items() if known in ids}
        self._looks = {known: value for known, value in self._looks.items() if known in ids}
        self._tries = {known: value for known, value in self._tries.items() if known in ids}
