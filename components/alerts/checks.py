"""Checks of the stack's settings."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import Alert, Group
from components.settings import Settings
from components.workload import Workload


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """A check fails where no edge brings its answer: that one edge alone does not is ``EdgeFailing``'s."""
    return Group("checks", [], [
        Alert("CheckFailing", check.severity.value, f'max by (stack, check) (probe_success{{check="{name}"}}) == 0',
              f"{f'{_literal(check.says)}: ' if check.says else ''}the check {name} ({_literal(check.url)}) fails",
              check.runbook or "check-failing", check.for_s, {"tier": check.tier})
        for name, check in settings.monitoring.checks.items()])


def _literal(text: str) -> str:
    """As it is, in what Prometheus takes for a template."""
    return text.replace("{{", '{{ "{{" }}')
