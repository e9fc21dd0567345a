"""The page about the settings can't drift from the settings."""

from __future__ import annotations

from components.settings.documentation import markdown
from operations.setup.paths import ROOT


def test_the_page_is_what_the_models_say() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), "run `make docs`"


def test_every_setting_has_a_meaning() -> None:
    empty = [line for line in markdown().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert not empty
