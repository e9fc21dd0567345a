"""docs/monitoring.md says what the alerts are."""

from __future__ import annotations

import re

from operations.monitoring import documentation
from operations.setup.paths import ROOT
from tests.support.alert_cases import CASES

PAGE = documentation.PAGE.read_text()


def test_the_alerts_on_the_page_are_the_alerts() -> None:
    assert documentation.put(documentation.rows(), documentation.MARKS, PAGE) == PAGE, "run `make docs`"


def test_each_is_there_once() -> None:
    named = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE, re.MULTILINE)
    assert sorted(named) == sorted(CASES.keys())


def test_what_runbooks_tell_to_type_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        typed = set(re.findall(r"^\$ make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert typed <= targets, f"{page.name}: make {', '.join(typed - targets)}"
