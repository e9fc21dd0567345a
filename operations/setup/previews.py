"""`make preview`: who would notice what, by which rule, at what cost, and the full diff. Secrets are masked in all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from operations.previews import gather, markdown, text
from operations.previews.report import Report
from operations.setup.paths import ROOT

FOLDER = ROOT / "build" / "previews"
ARTIFACT = "EVENKEEL_PREVIEW_ARTIFACT"
"""A link to where the folder is kept, for a comment; set by those who keep it."""
FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": lambda report: report.model_dump_json(indent=1) + "\n",
    "markdown": lambda report: markdown.render(report, os.environ.get(ARTIFACT) or f"`{report.stack}.diff`"),
}


def show(name: str, environment: Mapping[str, str], form: str) -> int:
    """Print it and leave it in ``build/previews``; 1 where an update would be refused, a mandatory rule is broken or
    there is no preview, else 0."""
    report = gather.gather(name, environment)
    shown = FORMATS[form](report)
    gather.write(report, FOLDER, {f"{name}.md": FORMATS["markdown"](report)})
    print(shown, end="")
    return 0 if report.passed else 1
