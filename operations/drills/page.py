"""The report as one HTML page that needs nothing beside it: light and dark, for a screen and for paper."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from operations.drills import plots

STYLE = """
:root { --ground:#fbfbfa; --card:#fff; --ink:#1c2330; --soft:#667085; --rule:#e4e7ec; --good:#13795b; --bad:#c2293d;
  --acknowledged:#2f6fb7; --unknown:#d98a12; --failed:#c2293d; --outage:#f3dfe1;
  --p0:#7a8aa0; --p1:#2f6fb7; --p2:#5b4fb5; --p3:#148a86; --p4:#13795b; }
@media (prefers-color-scheme: dark) { :root { --ground:#12161d; --card:#1a2029; --ink:#e8ecf2; --soft:#97a3b5;
  --rule:#2c3542; --good:#4cc79b; --bad:#ff7484; --acknowledged:#6aa9f0; --unknown:#f0b04a; --failed:#ff7484;
  --outage:#3b2329; --p0:#8b98ab; --p1:#6aa9f0; --p2:#a79cf5; --p3:#47c4bf; --p4:#4cc79b; } }
* { box-sizing:border-box } body { margin:0; background:var(--ground); color:var(--ink);
  font:15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
main { max-width:1040px; margin:0 auto; padding:32px 24px 56px }
h1 { font-size:28px; margin:0 } h2 { font-size:16px; margin:0 0 10px } p { margin:4px 0; color:var(--soft) }
header { display:flex; justify-content:space-between; align-items:flex-start; gap:24px; margin-bottom:22px }
.verdict { font-weight:650; padding:6px 16px; border-radius:999px; border:2px solid; white-space:nowrap }
.good { color:var(--good) } .bad { color:var(--bad) }
.tiles { display:grid; grid-template-columns:repeat(auto-fit, minmax(150px, 1fr)); gap:12px; margin-bottom:16px }
.tile, section { background:var(--card); border:1px solid var(--rule); border-radius:12px; padding:14px 18px }
.tile b { display:block; font-size:26px; line-height:1.25; font-variant-numeric:tabular-nums }
.tile span { color:var(--soft); font-size:13px } section { margin-bottom:16px; overflow-x:auto }
table { border-collapse:collapse; width:100% } td, th { text-align:left; padding:6px 12px 6px 0;
  border-bottom:1px solid var(--rule); font-variant-numeric:tabular-nums; vertical-align:top }
td a { white-space:nowrap } tr:last-child td { border-bottom:0 }
th { color:var(--soft); font-weight:500; font-size:13px }
svg { width:100%; min-width:640px; height:auto; display:block; font:12px system-ui, "DejaVu Sans", sans-serif }
.grid { stroke:var(--rule) } .axis { fill:var(--soft) } .label, .value { fill:var(--ink); font-size:13px }
.fault { stroke:var(--bad); stroke-width:2 } .undone { stroke:var(--soft); stroke-dasharray:4 4 }
.bound { stroke:var(--ink); stroke-width:2; stroke-dasharray:5 4 } .outage { fill:var(--outage) }
.acknowledged { fill:var(--acknowledged) } .unknown { fill:var(--unknown) } .failed { fill:var(--failed) }
.passed { fill:var(--good) } .passed-text { fill:var(--good) } .failed-text { fill:var(--bad) }
.p0 { fill:var(--p0) } .p1 { fill:var(--p1) } .p2 { fill:var(--p2) } .p3 { fill:var(--p3) } .p4 { fill:var(--p4) }
.key { display:inline-block; width:10px; height:10px; border-radius:3px; margin:0 6px 0 16px; background:currentColor }
code { font:13px ui-monospace, "DejaVu Sans Mono", monospace } a { color:var(--acknowledged) }
"""
LEGEND = ('<p><span class="key" style="color:var(--acknowledged)"></span>acknowledged'
          '<span class="key" style="color:var(--unknown)"></span>unknown to the client'
          '<span class="key" style="color:var(--failed)"></span>failed'
          '<span class="key" style="color:var(--outage)"></span>until writes went on</p>')


def drill(report: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> str:
    """One drill; ``earlier``: reports of the same one, oldest first."""
    runs = [(str(one["time"]), one["rto_seconds"], bool(one["passed"])) for one in [*earlier, report]]
    settings = report["settings"]
    return _page(f"Drill {report['drill']}", (
        _header(f"Drill: {report['drill']}", f"{report['what']} · {', '.join(report['victims'])} · stack "
                f"{report['stack']} · {_when(report['time'])}", passed=bool(report["passed"]))
        + _tiles(report)
        + _section("Writes answered per second", LEGEND + plots.answers(report))
        + _section("How long each write waited", plots.waits(report))
        + _section("Who did what until writes went on", plots.recovery(report))
        + _section("Demanded and found", checks(report))
        + _section("The ledger", _ledger(report))
        + _section("Earlier runs", plots.trend(runs[-40:], plots.recovery_bound(report)))
        + _section("Requests that did not succeed", _failures(report))
        + f"<p>Patroni: ttl {settings['ttl_s']} s, loop_wait {settings['loop_wait_s']} s, retry_timeout "
          f"{settings['retry_timeout_s']} s; deaths are {'' if settings['fencing'] else 'not '}proved by the "
          f"supervisors. Whole again after {report['healed_s']:.1f} s.</p>"))


def summary(reports: Sequence[Mapping[str, Any]], links: Mapping[str, str]) -> str:
    """All drills at a glance. ``links``: drill -> its page."""
    passed = all(report["passed"] for report in reports)
    acknowledged = sum(report["acknowledged"] for report in reports)
    lost = sum(report["rpo_rows"] for report in reports)
    rows = "".join(
        f'<tr><td><a href="{html.escape(links[report["drill"]])}">{html.escape(report["drill"])}</a></td>'
        f"<td>{html.escape(report['what'])}</td><td>{_seconds(report['rto_seconds'])}</td>"
        f"<td>{report['acknowledged']}</td><td>{report['rpo_rows']}</td><td>{report['unknown']}</td>"
        f"<td>{report['failed']}</td><td>{_word(report['passed'])}</td></tr>" for report in reports)
    head = "".join(f"<th>{name}</th>" for name in ("drill", "what was broken", "recovery", "acknowledged", "lost",
                                                   "unknown", "failed", ""))
    when = max((str(report["time"]) for report in reports), default="")
    return _page("Drills", (
        _header("What was broken, and what users noticed",
                f"{len(reports)} drills · {acknowledged} writes acknowledged · {lost} of them lost · {_when(when)}",
                passed=passed)
        + _section("From the fault until users were served again (dashed: the budget)", plots.overview(reports))
        + _section("Every drill", f"<table><tr>{head}</tr>{rows}</table>")))


def checks(report: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><td>{html.escape(check['name'])}</td><td>{html.escape(check['found'])}</td>"
                   f"<td>{html.escape(check['demanded'])}</td><td>{_word(check['passed'])}</td></tr>"
                   for check in report["checks"])
    return f"<table><tr><th>what</th><th>found</th><th>demanded</th><th></th></tr>{rows}</table>"


def _tiles(report: Mapping[str, Any]) -> str:
    reads = report["reads"]
    tiles = [("until writes went on", _seconds(report["rto_seconds"])),
             ("acknowledged writes lost", report["rpo_rows"]), ("acknowledged", report["acknowledged"]),
             ("unknown to the client", report["unknown"]), ("failed", report["failed"]),
             ("reads failed", f"{reads['failed']} of {reads['sent']}")]
    return '<div class="tiles">' + "".join(f'<div class="tile"><b>{value}</b><span>{name}</span></div>'
                                           for name, value in tiles) + "</div>"


def _ledger(report: Mapping[str, Any]) -> str:
    feeds, sessions = report["feeds"], report["sessions"]
    writers = "; ".join(f"timeline {timeline}: {member}" for timeline, member in report["writers"])
    rows = [
        ("acknowledged", f"{report['acknowledged']}, of which {report['rpo_rows']} are not in the database"),
        ("unknown to the client", f"{report['unknown']}, of which {report['unknown_present']} are in the database and "
                                  f"{report['unknown_absent']} are not"),
        ("failed", f"{report['failed']}, of which {len(report['contradicted'])} are in the database"),
        ("stored twice", report["duplicates"]),
        ("who could write, by its own account", writers or "not watched in this drill"),
        ("sessions", f"{sessions['sent']} visits, {sessions['failed']} failed, slowest {sessions['slowest_s']:.2f} s"),
        ("live feeds", f"{feeds['count']} open, {feeds['messages']} messages, closed {feeds['closed']} times, "
                       f"longest without {feeds['longest_down_s']:.1f} s"),
        ("sent to the other edge", f"{report['other_edge']}; reads repeated: {report['repeated_reads']}"),
        ("the client itself was late by", f"{report['witness_late_s']:.2f} s at most: its times may be wrong by that"),
    ]
    cells = "".join(f"<tr><td>{name}</td><td>{html.escape(str(value))}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


def _failures(report: Mapping[str, Any]) -> str:
    groups: dict[tuple[str, str], list[float]] = {}
    for kind, at, why in report["failures"]:
        groups.setdefault((kind, why.partition('"idempotency_key"')[0]), []).append(at)
    rows = "".join(f"<tr><td>{len(times)}</td><td>{kind}</td><td>{min(times):+.2f} to {max(times):+.2f} s</td>"
                   f"<td><code>{html.escape(why)}</code></td></tr>" for (kind, why), times in groups.items())
    head = "<tr><th>times</th><th>kind</th><th>sent</th><th>why</th></tr>"
    return f"<table>{head}{rows}</table>" if rows else "<p>None.</p>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>" if body else ""


def _header(title: str, under: str, *, passed: bool) -> str:
    return (f"<header><div><h1>{html.escape(title)}</h1><p>{html.escape(under)}</p></div>"
            f'<div class="verdict {"good" if passed else "bad"}">{"passed" if passed else "failed"}</div></header>')


def _page(title: str, body: str) -> str:
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n")


def _when(time: str) -> str:
    """2026-11-25T18:05:00+00:00, as people write it."""
    return f"{time[:16].replace('T', ' ')} UTC"


def _word(passed: bool) -> str:
    return f'<span class="{"good" if passed else "bad"}">{"ok" if passed else "failed"}</span>'


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
