"""The table of alerts in docs/monitoring.md, written by ``make docs``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from components.alerts import Alert, groups
from operations.changes.declared import platform
from operations.previews.documentation import put
from operations.setup.paths import ROOT

PAGE = ROOT / "docs" / "monitoring.md"
MARKS = ("<!-- alerts: written by make docs -->\n", "<!-- /alerts -->")
LABEL, VALUE = re.compile(r"{{ \$labels\.(\w+) }}"), re.compile(r"{{ \$value[^}]*}}")
UNITS = ((3600, "h"), (60, "min"), (1, "s"))
DEFAULT: Mapping[str, Any] = {"app": {"image": "orders", "pools": {"web": {"workers": 2}}},
                             "monitoring": {"logs": {"enabled": True}, "traces": {"enabled": True},
                                            "checks": {"checkout": {"url": "/"}}}}
"""A platform with all that it can have, whose alerts do not depend on the machine that writes the page."""


def rows() -> str:
    """Every alert of a platform, those about single workloads once."""
    head = "| alert | severity | after | what it says | what to do |\n|---|---|---|---|---|\n"
    declared = platform(DEFAULT)
    seen: dict[tuple[str, str], str] = {}
    for group in groups(declared.settings, declared.context.declared):
        for alert in group.alerts:
            seen.setdefault((alert.name, alert.severity), _row(alert))
    return head + "".join(seen.values())


def write() -> None:
    """Put the table into the page."""
    PAGE.write_text(put(rows(), MARKS, PAGE.read_text()))


def _row(alert: Alert) -> str:
    says = VALUE.sub("N", LABEL.sub(lambda match: match[1].upper(), alert.says))
    page = alert.runbook.rpartition("/")[2]
    return (f"| `{alert.name}` | {alert.severity} | {_duration(alert.for_s)} | {says} | "
            f"[{page.removesuffix('.md')}](runbooks/{page}) |\n")


def _duration(seconds: int) -> str:
    size, unit = next((one for one in UNITS if seconds and seconds % one[0] == 0), (1, "s"))
    return f"{seconds // size} {unit}" if seconds else "at once"
