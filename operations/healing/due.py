"""Which hooks are due: pure functions of what fires, what ran, and the time (seconds since 1970)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from components.settings.healing import Hook

DAY_S = 86400
VARIABLE = "healing"
"""What a run in the audit log, and a playbook, knows the hook's name by."""
OPERATION = "heal"
SAME_S = 1.0
"""Two notes of one run differ by less."""


@dataclass(frozen=True)
class Firing:
    """An alert that fires. ``since``: when its condition began to hold."""

    name: str
    severity: str
    since: float
    labels: Mapping[str, str]
    says: str = ""


@dataclass(frozen=True)
class Past:
    """A run of a hook; ``ended`` None: it is under way, or was killed."""

    hook: str
    began: float
    ended: float | None


@dataclass(frozen=True)
class Answer:
    """What a hook comes to: ``why`` it is not run now; empty: it is due, for ``firing``."""

    hook: str
    firing: Firing
    why: str = ""


def firing(alerts: Sequence[Mapping[str, Any]]) -> list[Firing]:
    """What fires, of Prometheus' own list."""
    return [Firing(one["labels"]["alertname"], one["labels"].get("severity", ""), _moment(one["activeAt"]),
                   one["labels"], one["annotations"].get("summary", ""))
            for one in alerts if one["state"] == "firing"]


def past(log: Sequence[Mapping[str, Any]]) -> list[Past]:
    """Every run of a hook that the audit log tells of."""
    ends = {line["began"]: _moment(line["at"]) for line in log if line.get("event") == "ended"}
    return [Past(line["with"][VARIABLE], _moment(line["at"]), ends.get(line["number"])) for line in log
            if line.get("event") == "began" and line["operation"] == OPERATION]


def known(logged: Sequence[Past], remembered: Sequence[Past]) -> list[Past]:
    """Every run once: a log that could not be written must not make a hook run more often."""
    return [*logged, *(one for one in remembered if not any(
        other.hook == one.hook and abs(other.began - one.began) < SAME_S for other in logged))]


def answers(hooks: Mapping[str, Hook], alerts: Sequence[Firing], runs: Sequence[Past], now: float) -> list[Answer]:
    """One for every hook whose alert fires: the alert that has fired longest, and whether it is due."""
    found = []
    for name, hook in hooks.items():
        meant = [one for one in alerts if matches(hook, one)]
        if meant:
            oldest = min(meant, key=lambda one: one.since)
            found.append(Answer(name, oldest, _why_not(hook, oldest, [run for run in runs if run.hook == name], now)))
    return found


def matches(hook: Hook, alert: Firing) -> bool:
    return (alert.name == hook.alert and alert.severity in {severity.value for severity in hook.severities}
            and all(alert.labels.get(key) == value for key, value in hook.labels.items()))


def _why_not(hook: Hook, alert: Firing, runs: Sequence[Past], now: float) -> str:
    if now - alert.since < hook.after_s:
        return f"it has been firing for {now - alert.since:.0f} s, {hook.after_s} s are asked for"
    today = [run for run in runs if now - run.began < DAY_S]
    if len(today) >= hook.most_a_day:
        return f"it ran {len(today)} times within 24 hours, {hook.most_a_day} are allowed: somebody has to look"
    # One that was killed has no end: its beginning counts.
    last = max((run.ended or run.began for run in runs), default=None)
    if last is not None and now - last < hook.pause_s:
        return f"it ran {now - last:.0f} s ago, {hook.pause_s} s are to be between two runs"
    return ""


def command(stack: str, name: str, hook: Hook, alert: Firing) -> list[str]:
    """What is run. Labels go as JSON: none of them is ever read by a shell."""
    told = {"stack": stack, VARIABLE: name, "alert": {"name": alert.name, "severity": alert.severity,
                                                      "says": alert.says, "labels": dict(alert.labels)}, **hook.extra}
    return ["ansible-playbook", str(PurePosixPath(hook.playbook)), "-e", json.dumps(told)]


def _moment(text: str) -> float:
    """RFC 3339; of nanoseconds the first six digits count."""
    return datetime.fromisoformat(text).timestamp()
