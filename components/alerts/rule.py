"""What a rule is, in words of our own; ``templates/prometheus/rules.yml.j2`` writes them for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

INFO, WARNING, CRITICAL = "info", "warning", "critical"
ALL_IS_WELL = "none"
"""Of what fires while nothing is wrong: no person is told, and nothing counts it."""


@dataclass(frozen=True)
class Record:
    """A figure that is computed at every round and kept."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Alert:
    """``expression`` must hold for ``for_s`` seconds. ``says`` is a sentence with value and limit, for who is told."""

    name: str
    severity: str
    expression: str
    says: str
    runbook: str = ""
    """A page of docs/runbooks, or a link."""
    for_s: int = 10
    labels: Mapping[str, str] = field(default_factory=dict)

    def linked(self, base: str) -> Alert:
        """With its page as a link below ``base``."""
        is_page = bool(self.runbook) and "/" not in self.runbook
        return replace(self, runbook=f"{base}/{self.runbook}.md") if is_page else self


@dataclass(frozen=True)
class Group:
    """Rules that are judged one after the other."""

    name: str
    records: Sequence[Record] = ()
    alerts: Sequence[Alert] = ()
    interval_s: int = 0
    """How often, where it is another than everybody's."""

    def linked(self, base: str) -> Group:
        return replace(self, alerts=[alert.linked(base) for alert in self.alerts])


def above(name: str, expression: str, limits: tuple[float, float], says: str, runbook: str, *, unit: str,
          for_s: tuple[int, int], labels: Mapping[str, str] | None = None) -> list[Alert]:
    """A warning and a critical alert of the same name: a figure above either limit. ``for_s``: how long for each.

    ``says`` ends before the value: ``The machine's processors are busy``.
    """
    return [Alert(name, severity, f"{expression} > {limit:g}",
                  f"{says}: {{{{ $value | printf \"%.1f\" }}}} {unit}, the limit is {limit:g} {unit}", runbook, seconds,
                  labels or {})
            for severity, limit, seconds in ((WARNING, limits[0], for_s[0]), (CRITICAL, limits[1], for_s[1]))]
