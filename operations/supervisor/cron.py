"""Members with a schedule: containers that wait, created or exited, until their time comes (label
``evenkeel.schedule``, a cron expression in UTC)."""

from __future__ import annotations

from operations.supervisor import schedule
from operations.supervisor.container import Container
from operations.supervisor.events import Event, History
from operations.supervisor.report import Report
from operations.supervisor.schedule import ScheduleError

NEVER = float("inf")


class Cron:
    """Knows what is due and says what became of it; starts nothing itself. For one thread."""

    def __init__(self, say: Report, grace_s: float) -> None:
        self._say, self._grace_s = say, grace_s
        self._next: dict[str, float] = {}
        self._handled: dict[str, float] = {}

    def may_be_due(self, container_id: str, now: float) -> bool:
        """Whether it must be looked at: its time has come, or it is new here."""
        return now >= self._next.get(container_id, 0.0)

    def consider(self, container: Container, delay: float | None, now: float) -> bool:
        """Whether to start it now. ``delay``: seconds after its time that it is ours to do; None: somebody else's."""
        expression, handled = container.schedule or "", self._handled.get(container.id, 0.0)
        try:
            due = schedule.due(container, handled, now, self._grace_s)
            if due is None:
                since = max(container.created_at, container.started_at, handled)
                self._next[container.id] = schedule.next_after(expression, since)
                return False
        except ScheduleError as error:
            self._next[container.id] = NEVER
            self._say("failed", f"{container.member} never runs: {error}", level="error", member=container.member,
                      tier=container.tier, schedule=expression)
            return False
        if delay is None or now < due.at + delay:
            return False
        self._handled[container.id] = due.at
        if not due.run:
            self._say("skipped", f"{container.member}: a run was left out; {due.why}", level="warning",
                      member=container.member, tier=container.tier, schedule=expression)
        return due.run

    def hear(self, event: Event, before: History, *, speaks: bool) -> None:
        """Say how a run ended. ``before``: its history, with its start if we saw it."""
        if event.action != "die":
            return
        self._next.pop(event.id, None)
        if not speaks:
            return
        member, code = event.labels["evenkeel.member"], event.exit_code
        ran_s = event.at - before.started_at if before.started_at else None
        after = f" after {ran_s:.1f} s" if ran_s is not None else ""
        self._say("ended", f"{member} ended with exit code {code}{after}", level="info" if code == 0 else "error",
                  member=member, tier=event.labels.get("evenkeel.tier"), exit_code=code, ran_s=ran_s,
                  schedule=event.labels.get("evenkeel.schedule"))

    def forget_all_but(self, ids: set[str]) -> None:
        """Containers that are gone."""
        self._next = {known: at for known, at in self._next.items() if known in ids}
        self._handled = {known: at for known, at in self._handled.items() if known in ids}
