"""The parts of docs/previews.md that are written by the code."""

from __future__ import annotations

from components.settings.policies import Level
from operations.policies import rules
from operations.setup.paths import ROOT

PAGE = ROOT / "docs" / "previews.md"
RULES = ("<!-- rules: written by make docs -->\n", "<!-- /rules -->")
EXAMPLE = ("<!-- example: workers, written by the test -->\n", "<!-- /example -->")


def rows() -> str:
    """Every rule: what it asks for, and where it is mandatory."""
    head = "| rule | asks | mandatory |\n|---|---|---|\n"
    return head + "".join(f"| `{one.rule}` | {one.asks} | {_where(one)} |\n" for one in rules.ALL)


def _where(definition: rules.Definition) -> str:
    here, production = definition.elsewhere, definition.production
    if here is production:
        return "yes" if here is Level.MANDATORY else f"{here}"
    return f"in production: {production}; else {here}"


def put(text: str, between: tuple[str, str], page: str) -> str:
    """``page`` with ``text`` between two marks."""
    before, _, rest = page.partition(between[0])
    return f"{before}{between[0]}{text}{between[1]}{rest.partition(between[1])[2]}"


def quoted(comment: str) -> str:
    """A comment as a quotation, without its hidden marker."""
    lines = comment.splitlines()[1:]
    return "\n" + "".join(f"> {line}".rstrip() + "\n" for line in lines) + "\n"


def write() -> None:
    """Put the rules into the page."""
    PAGE.write_text(put(rows(), RULES, PAGE.read_text()))
