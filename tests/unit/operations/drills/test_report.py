"""Reports: three forms with the same figures, the trend over earlier runs, and pages that need nothing beside them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from components.settings.postgres import PLANS, RecoveryPlan
from operations.drills import plots, report, run
from operations.drills.catalogue import BY_NAME
from operations.drills.ledger import Outcome, Write, reconcile
from operations.drills.observers import leaders
from operations.drills.verdict import Moments, checks
from operations.drills.witness import Ask, Seen

WHY = "502 <b>Bad & gateway</b>"


def made(time: str = "2026-11-25T18:00:00+00:00", pause_s: float = 2.2, drill: str = "node-kill") -> dict[str, Any]:
    """A report of a drill in which writes paused."""
    from dataclasses import asdict

    at = Moments(0.0, 5.0, 5.2, 17.0, 20.0)
    writes = [Write(f"w{number}", number / 20, number / 20 + 0.02, Outcome.ACKNOWLEDGED) for number in range(400)
              if not 5.0 < number / 20 < 5.0 + pause_s]
    writes += [Write(f"u{number}", 5.1 + number / 10, 6.0, Outcome.UNKNOWN, WHY) for number in range(3)]
    seen = Seen(writes=writes, asks=[Ask("read", 5.1, 5.2, 0, "ReadError"), Ask("session", 1.0, 1.1, 200)])
    what = BY_NAME[drill]
    reconciled = reconcile(writes, [write.key for write in writes if write.key != "u1"])
    found = checks(what.budget.under(PLANS[RecoveryPlan.FAST]), seen, reconciled, at)
    return {"drill": drill, "what": what.what, "stack": "test", "victims": ["postgres-1"], "time": time,
            "settings": {"ttl_s": 20, "loop_wait_s": 2, "retry_timeout_s": 5, "fencing": True},
            "passed": all(check.passed for check in found), "checks": [asdict(check) for check in found],
            **run.figures(what, seen, reconciled, at), "healed_s": 8.0,
            "phases": [{"name": "detect", "began": 5.0, "ended": 5.2}, {"name": "elect", "began": 5.2, "ended": 7.2}],
            "writers": [(1, "postgres-1"), (2, "postgres-2")], "leaders": [], "moments": asdict(at),
            "series": run.series(seen, at), "failures": [["write", 0.1, WHY]]}


class Parser(HTMLParser):
    """Tags that are open, and whatever would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.elsewhere += [str(value) for name, value in attrs if name == "src" or tag in ("script", "link")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def test_the_figures_that_others_read_are_there() -> None:
    found = made()
    assert found["rto_seconds"] == pytest.approx(2.2, abs=0.1) and found["passed"] is True
    assert (found["rpo_rows"], found["lost"], found["unknown"]) == (0, [], 3)
    assert (found["unknown_present"], found["unknown_absent"]) == (2, 1)
    assert found["acknowledged"] + found["failed"] + found["unknown"] == len(found["series"]["waits"])


def test_all_three_forms_are_written_and_earlier_runs_are_found(tmp_path: Path) -> None:
    for minute in (1, 2, 3):
        page = report.write(made(f"2026-11-25T18:0{minute}:00+00:00"), tmp_path)
    assert [one["time"][14:16] for one in report.earlier("node-kill", tmp_path)] == ["01", "02", "03"]
    assert sorted(file.name for file in page.parent.iterdir()) == ["report.html", "report.json", "report.md"]
    assert "recovery times run by run" in page.read_text()
    assert json.loads((page.parent / "report.json").read_text())["drill"] == "node-kill"
    assert "| writes go on | 2." in (page.parent / "report.md").read_text()


def test_a_page_needs_nothing_beside_it_and_repeats_nothing_unescaped(tmp_path: Path) -> None:
    text = report.write(made(), tmp_path).read_text()
    parser = Parser()
    parser.feed(text)
    assert parser.open == [] and parser.elsewhere == []
    assert "<b>Bad" not in text and "&lt;b&gt;Bad &amp; gateway" in text
    assert "prefers-color-scheme: dark" in text and not re.search(r"url\(|@import|https?://", text)


def test_the_summary_shows_every_drill_and_links_its_page(tmp_path: Path) -> None:
    reports = [made(), made(drill="partition", pause_s=9.0)]
    for one in reports:
        report.write(one, tmp_path)
    text = report.summarise(reports, tmp_path).read_text()
    parser = Parser()
    parser.feed(text)
    assert parser.open == [] and 'href="partition/' in text and "recovery time of every drill" in text


def test_a_drill_that_never_recovered_can_be_drawn() -> None:
    found = made(pause_s=40.0)
    assert found["rto_seconds"] is None and not found["passed"]
    for drawn in (plots.answers(found), plots.waits(found), plots.overview([found]),
                  plots.trend([("2026-11-25T18:00", None, False), ("2026-11-25T18:01", 2.0, True)], 3.0)):
        assert drawn.startswith("<svg") and "nan" not in drawn


def test_ticks_are_round() -> None:
    assert plots.ticks(37.0) == [0, 10, 20, 30] and plots.ticks(0.9, 3) == pytest.approx([0, 0.5])


def test_changes_of_the_leader_key_are_read_as_etcdctl_tells_them() -> None:
    put = {"Events": [{"kv": {"key": "a2V5", "value": "cG9zdGdyZXMtMg=="}}]}
    deleted = {"Events": [{"type": 1, "kv": {"key": "a2V5"}}]}
    assert [*leaders(put), *leaders(deleted), *leaders({})] == ["postgres-2", ""]
