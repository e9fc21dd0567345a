"""The page: HTML made of what is seen, in parts that are exchanged one by one as it changes."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.settings import Settings
from operations.dashboard import details, drawing, hops, plots, unusual
from operations.dashboard.sight import Sight
from operations.dashboard.style import SCRIPT, STYLE
from operations.dashboard.unusual import Finding
from operations.monitoring.health import SEVERITIES

PARTS = ("notice", "head", "unusual", "way", "hour", "where", "levels", "members", "foot")
"""In the order of the page."""
SHOWN = 6
"""Findings; the others are folded away."""
WELL, POOR = 90.0, 60.0
TITLES = {hop.key: hop.title for hop in hops.HOPS}
BESIDE = "Beside the way of requests"
AMOUNT = re.compile(r"(?<=\d) (?=(?:ms|s|min|MiB|%)(?:\W|$))")
"""A space at which no line ends."""


@dataclass(frozen=True)
class View:
    """A sight with what is made of it. ``served``: runbooks can be read beside the page."""

    sight: Sight
    settings: Settings
    served: bool

    @property
    def findings(self) -> list[Finding]:
        return unusual.findings(self.sight, self.settings)


def parts(view: View) -> dict[str, str]:
    """Every part's HTML."""
    found = view.findings
    return {"notice": "", "head": head(view, found), "unusual": _unusual(view, found), "way": _way(found),
            "hour": _hour(view), "where": details.where(view.sight, view.settings),
            "levels": details.colours_and_levels(view.sight, view.settings),
            "members": details.members(view.sight), "foot": _foot(view)}


def told(view: View) -> dict[str, Any]:
    """What the page's script asks for."""
    health = view.sight.health.score
    return {"title": f"{view.sight.stack}: {'?' if health is None else f'{health:.0f}'} of 100", "stale": False,
            "parts": parts(view)}


def silent(why: str) -> dict[str, Any]:
    """The same while Prometheus does not answer: what was shown stays, and says that it is old."""
    return {"title": "Prometheus does not answer", "stale": True, "parts": {
        "notice": f'<section class="notice"><b>Prometheus does not answer: what is below, if anything, is old.</b>'
                  f"<pre>{html.escape(why)}</pre></section>"}}


def whole(first: Mapping[str, Any], *, refreshes: bool) -> str:
    """The page with its first figures in it."""
    body = "".join(f'<div id="{part}">{first["parts"].get(part, "")}</div>' for part in PARTS)
    script = f"<script>{SCRIPT}</script>" if refreshes else ""
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
            f'<link rel="icon" href="data:,"><title>{html.escape(first["title"])}</title><style>{STYLE}</style></head>'
            f'<body{" class=stale" if first["stale"] else ""}><main>{body}</main>{script}</body></html>\n')


def head(view: View, found: Sequence[Finding]) -> str:
    """The score, and in one sentence where to look."""
    sight = view.sight
    score = sight.health.score
    severity = "soft" if score is None else "good" if score >= WELL else "warning" if score >= POOR else "critical"
    scores = "".join(f'<span class="{_grade(value)}">{html.escape(tier)} {value:.0f}</span>'
                     for tier, value in sorted(sight.health.tiers.items(), key=lambda item: item[1]))
    return (f'<section class="head">{drawing.ring(score, severity)}<div><p>stack {html.escape(sight.stack)} · '
            f"{_clock(sight.at)}</p><h1>{_verdict(found)}</h1>"
            f'<div class="scores">{scores}</div></div></section>')


def _verdict(found: Sequence[Finding]) -> str:
    if not found:
        return "Nothing is unusual."
    first = found[0]
    if first.symptom:
        return "It is noticed that something is wrong, and no hop stands out."
    place = TITLES.get(first.hop, BESIDE)
    return f'Look here first: <a href="#{first.hop or "members"}">{place}</a>. {_sentence(first.says)}.'


def _unusual(view: View, found: Sequence[Finding]) -> str:
    causes = [_finding(one, served=view.served) for one in found if not one.symptom]
    noticed = [_finding(one, served=view.served) for one in found if one.symptom]
    made = ""
    if causes:
        rest = causes[SHOWN:]
        folded = f"<details><summary>{len(rest)} more</summary>{''.join(rest)}</details>" if rest else ""
        made += ("<section><h2>Unusual, the likeliest cause first</h2>" + "".join(causes[:SHOWN]) + folded
                 + "</section>")
    if noticed:
        made += f"<section><h2>What visitors notice of it</h2>{''.join(noticed)}</section>"
    return made


def _finding(one: Finding, *, served: bool) -> str:
    tag = f"{one.severity} · {html.escape(TITLES.get(one.hop, BESIDE))}"
    means = f"alert {one.means}" if one.alert else one.means
    more = [html.escape(means)] if means else []
    if one.then:
        more.append(f"see <code>{html.escape(one.then)}</code>")
    if one.link:
        more.append(f"what to do: {_link(one.link, served=served)}")
    return (f'<div class="finding {one.severity}"><span class="tag">{tag}</span>'
            f"<b>{_sentence(one.says)}</b><p>{' · '.join(more)}</p></div>")


def _link(target: str, *, served: bool) -> str:
    """A runbook's page; where it is a file of the checkout and nobody serves it, only its name."""
    name = html.escape(target.rpartition("/")[2].removesuffix(".md"))
    if target.startswith(("http://", "https://")):
        return f'<a href="{html.escape(target)}" rel="noreferrer">{name}</a>'
    return f'<a href="/{html.escape(target)}">{name}</a>' if served else f"<code>{html.escape(target)}</code>"


def _way(found: Sequence[Finding]) -> str:
    """Every hop of a request at a glance; each leads to its figures."""
    made = []
    for hop in hops.HOPS:
        worst = next((one for one in sorted(found, key=lambda one: SEVERITIES.index(one.severity))
                      if one.hop == hop.key), None)
        said = f"<b>{html.escape(worst.says)}</b>" if worst else hop.does
        made.append(f'<a class="hop {worst.severity if worst else ""}" href="#{hop.key}"><h3>{hop.title}</h3>'
                    f"<span>{said}</span></a>")
    return f'<section><h2>On the way of a request</h2><div class="hops">{"".join(made)}</div></section>'


def _hour(view: View) -> str:
    sight, made = view.sight, []
    for one in plots.plots(view.settings):
        lines = sight.lines.get(one.key, ())
        last = lines[0].points[-1][1] if lines and lines[0].points else None
        limit = one.limits.judge(last) if one.limits and last is not None else None
        key = "".join(f'<i style="background:var(--{line.colour})"></i>{html.escape(line.name)}' for line in lines
                      if line.points) if len(lines) > 1 else ""
        now = "no figures" if last is None else unusual.amount(last, one.unit)
        made.append(f'<section><h2>{html.escape(one.title)}</h2>'
                    f'<span class="now {limit[0] if limit else ""}">{now}</span><span class="key">{key}</span>'
                    f"{drawing.plot(one.title, lines, sight.at, plots.HOUR_S, one.limits)}</section>")
    return f'<div class="three">{"".join(made)}</div>'


def _foot(view: View) -> str:
    refused = "".join(f"<br>{html.escape(name)} could not be computed: {html.escape(why)}"
                      for name, why in view.sight.refused.items())
    return (f"<p>The last hour; times in UTC. More: <code>make alerts</code>, <code>make ask QUERY='...'</code>, "
            f"<code>make status</code>, <code>make slo-report</code>.{refused}</p>")


def _grade(score: float) -> str:
    return "soft" if score >= WELL else "warning" if score >= POOR else "critical"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _sentence(says: str) -> str:
    """One that begins with a word begins large; a member's name stays as it is."""
    is_name = "-" in says.partition(" ")[0]
    return AMOUNT.sub("&nbsp;", html.escape(says if is_name else says[:1].upper() + says[1:]))
