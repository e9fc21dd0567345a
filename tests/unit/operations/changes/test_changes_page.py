"""docs/changes.md is what the platform does: every setting is in it, with its present effect."""

from __future__ import annotations

from operations.setup.paths import ROOT
from tests.support.changes_page import markdown


def test_the_page_is_what_the_platform_does() -> None:
    assert (ROOT / "docs" / "changes.md").read_text() == markdown(), "run `make docs`"
