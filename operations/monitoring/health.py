"""The health score with its reasons: members that are down, and alerts that fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import docker.errors

from components.alerts.health import COUNTED_ALREADY, HEALTH, TIER_HEALTH
from components.alerts.members import MEMBER_UP
from components.alerts.rule import CRITICAL, INFO, WARNING
from components.alerts.watching import BLIND
from operations.monitoring import api
from operations.setup.errors import SetupError

SEVERITIES = (CRITICAL, WARNING, INFO)
STATUS_S = 2.0
"""How long `make status` waits for a score at most."""
TOLD = 4
"""Reasons in a line."""


@dataclass(frozen=True)
class Reason:
    """Why it is no 100. ``name``: the alert, or the member that is down; ``link``: its runbook."""

    severity: str
    tier: str
    name: str
    says: str
    link: str = ""
    member: str = ""


@dataclass(frozen=True)
class Health:
    """Scores of 0 to 100; ``score`` is None where Prometheus has not computed one yet."""

    score: float | None
    tiers: Mapping[str, float]
    reasons: Sequence[Reason] = field(default_factory=list)

    @property
    def line(self) -> str:
        """In one sentence."""
        if self.score is None:
            if blind := next((reason for reason in self.reasons if reason.name == BLIND), None):
                return f"health is not known: {blind.says}"
            return "health is not known yet: Prometheus has just begun to watch"
        said = [reason.says for reason in self.reasons if reason.severity != INFO]
        more = f"; and {len(said) - TOLD} more" if len(said) > TOLD else ""
        why = "; ".join(said[:TOLD]) + more if said else "every member is up, no alert fires"
        return f"health {self.score:.0f} of 100: {why}"


QUESTIONS = (api.now(HEALTH), api.now(TIER_HEALTH), api.now(f"{MEMBER_UP} == 0"), api.Question("/api/v1/alerts"))
"""What ``of`` has to be told, in this order."""


def of(score: api.Told, tiers: api.Told, down: api.Told, alerts: api.Told) -> Health:
    """Made of Prometheus' answers."""
    members = [_down(row["metric"]) for row in down.rows]
    known = {reason.member for reason in members}
    fires = [_alert(one) for one in api.wrong(alerts.data or {"alerts": []}) if one["state"] == "firing"
             and not (one["labels"]["alertname"] == COUNTED_ALREADY and one["labels"].get("member") in known)]
    reasons = sorted([*members, *fires], key=lambda reason: (SEVERITIES.index(reason.severity), reason.tier,
                                                             reason.name))
    known_now = score.rows and not any(reason.name == BLIND for reason in reasons)
    return Health(float(score.rows[0]["value"][1]) if known_now else None,
                  {row["metric"]["tier"]: float(row["value"][1]) for row in tiers.rows}, reasons)


def line(stack: str) -> str:
    """For `make status`: never an error, and never a long wait. Empty where the stack has no Prometheus."""
    try:
        return of(*api.several(stack, QUESTIONS, STATUS_S)).line
    except api.NotThereError:
        return ""
    except SetupError as error:
        return f"health is not known: {error.what}"
    except docker.errors.DockerException as error:
        # It ended under the question; the table says so.
        return f"health is not known: {error}"


def _down(labels: Mapping[str, str]) -> Reason:
    name, tier = labels.get("member", ""), labels.get("tier", "")
    return Reason(WARNING, tier, name, f"{name} ({tier}, domain {labels.get('domain', '?')}) is down", member=name)


def _alert(alert: Mapping[str, Any]) -> Reason:
    labels, notes = alert["labels"], alert["annotations"]
    return Reason(labels["severity"], labels.get("tier", ""), labels["alertname"], notes.get("summary", ""),
                  notes.get("runbook", ""), labels.get("member", ""))
