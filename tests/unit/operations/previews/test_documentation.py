"""docs/previews.md says what the code does."""

from __future__ import annotations

from operations.previews import documentation
from operations.setup.paths import ROOT

PAGE = documentation.PAGE.read_text()


def test_the_rules_on_the_page_are_the_rules() -> None:
    assert documentation.put(documentation.rows(), documentation.RULES, PAGE) == PAGE, "run `make docs`"


def test_the_page_shows_the_example_that_the_real_engine_made() -> None:
    example = (ROOT / "docs" / "previews" / "workers.md").read_text()
    shown = documentation.put(documentation.quoted(example), documentation.EXAMPLE, PAGE)
    assert shown == PAGE, "EVENKEEL_WRITE_EXAMPLES=1 .venv/bin/pytest tests/local/test_previews.py"
