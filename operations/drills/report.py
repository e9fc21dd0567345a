"""Where reports are kept, and what is printed: JSON, Markdown, HTML under ``build/drills/<drill>/<time>/``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from operations.drills import page
from operations.setup.paths import BUILD

FOLDER = BUILD / "drills"
FILE = "report.json"


def earlier(drill: str, folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Reports of a drill, oldest first."""
    found = []
    for file in sorted((folder / drill).glob(f"*/{FILE}")):
        try:
            found.append(json.loads(file.read_text()))
        except ValueError:
            continue  # cut off while it was written
    return found


def write(report: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """All three forms of a report. Returns the HTML page."""
    before = earlier(report["drill"], folder)
    place: Path = folder / str(report["drill"]) / str(report["time"]).replace(":", "").replace("+0000", "Z")
    place.mkdir(parents=True, exist_ok=True)
    (place / "report.md").write_text(markdown(report))
    (place / "report.html").write_text(page.drill(report, before))
    (place / FILE).write_text(json.dumps(report, indent=1))
    return place / "report.html"


def summarise(reports: Sequence[Mapping[str, Any]], folder: Path = FOLDER) -> Path:
    """One page over several drills, beside their folders."""
    links = {}
    for report in reports:
        pages = sorted((folder / report["drill"]).glob("*/report.html"))
        links[report["drill"]] = str(pages[-1].relative_to(folder)) if pages else "#"
    file = folder / "index.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page.summary(reports, links))
    return file


def table(reports: Sequence[Mapping[str, Any]]) -> Table:
    """For a terminal."""
    drawn = Table(title="drills", title_justify="left", header_style="bold")
    for column in ("drill", "recovery", "acknowledged", "lost", "unknown", "failed", "reads failed", ""):
        drawn.add_column(column, justify="left" if column in ("drill", "") else "right")
    for report in reports:
        reads = report["reads"]
        missed = [check for check in report["checks"] if not check["passed"]]
        verdict = "[green]passed[/]" if report["passed"] else "[red]failed[/] " + "; ".join(
            f"{check['name']}: {check['found']} ({check['demanded']})" for check in missed)
        drawn.add_row(report["drill"], seconds(report["rto_seconds"]), str(report["acknowledged"]),
                      str(report["rpo_rows"]), str(report["unknown"]), str(report["failed"]),
                      f"{reads['failed']} of {reads['sent']}", verdict)
    return drawn


def markdown(report: Mapping[str, Any]) -> str:
    """For a pull request or a chat."""
    rows = "\n".join(f"| {check['name']} | {check['found']} | {check['demanded']} | "
                     f"{'ok' if check['passed'] else '**failed**'} |" for check in report["checks"])
    phases = ", ".join(f"{phase['name']} {phase['ended'] - phase['began']:.2f} s" for phase in report["phases"])
    return (f"# Drill {report['drill']}: {'passed' if report['passed'] else 'failed'}\n\n"
            f"{report['what']} ({', '.join(report['victims'])}), stack {report['stack']}, {report['time']}\n\n"
            f"| what | found | demanded | |\n|---|---|---|---|\n{rows}\n\n"
            f"Writes: {report['acknowledged']} acknowledged, {report['failed']} failed, {report['unknown']} unknown "
            f"({report['unknown_present']} of them stored, {report['unknown_absent']} not). "
            f"Recovery {seconds(report['rto_seconds'])}; whole again after {report['healed_s']:.1f} s.\n"
            + (f"\nPhases: {phases}.\n" if phases else ""))


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
