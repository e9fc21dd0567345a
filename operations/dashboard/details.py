"""The parts of the page that hold every figure: hops, colours, service levels, members."""

from __future__ import annotations

import html
from collections.abc import Sequence

from components.pools import COLOURS
from components.settings import Settings
from operations.dashboard import hops, plots, unusual
from operations.dashboard.figure import Figure, Row
from operations.dashboard.sight import Budget, Member, Sight

MOST = 8
"""Rows of a figure that are shown, the highest first."""
TIERS = ("edge", "app", "postgres", "redis", "supervision", "monitoring")


def where(sight: Sight, settings: Settings) -> str:
    """Where the time is spent: a table for each hop."""
    known = hops.figures(settings)
    made = "".join(
        f'<section id="{hop.key}"><h2>{hop.title}</h2><table>'
        + "".join(_figure(figure, sight.figures.get(figure.key, ())) for figure in known if figure.hop == hop.key)
        + "</table></section>" for hop in hops.HOPS)
    return f'<div class="pair">{made}</div>'


def colours_and_levels(sight: Sight, settings: Settings) -> str:
    """Side by side where there is room."""
    return f'<div class="pair">{colours(sight, settings)}{levels(sight)}</div>'


def colours(sight: Sight, settings: Settings) -> str:
    """Blue and green side by side."""
    head = "".join(f'<th><span class="dot {colour}"></span>{colour}</th>' for colour in COLOURS)
    body = ""
    for figure in plots.by_colour(settings):
        found = {row.labels.get("colour"): row for row in sight.figures.get(figure.key, ())}
        cells = "".join(f"<td>{_cell(figure, found.get(colour))}</td>" for colour in COLOURS)
        body += f'<tr><td class="name">{html.escape(figure.name)}</td>{cells}</tr>'
    return f"<section><h2>Both colours</h2><table><tr><th></th>{head}</tr>{body}</table></section>"


def levels(sight: Sight) -> str:
    """What is promised, and what is left of each error budget."""
    if not sight.budgets:
        return "<section><h2>Service levels</h2><p>No requests yet.</p></section>"
    rows = "".join(_budget(budget) for budget in sight.budgets)
    return (f"<section><h2>Service levels, of the last {sight.window_days} days</h2><table><tr><th></th>"
            "<th>promised</th><th>reached</th><th>error budget left</th><th>spent, last hour</th></tr>"
            f"{rows}</table></section>")


def members(sight: Sight) -> str:
    """Everybody by tier, those who are down first."""
    tiers = sorted({one.tier for one in sight.members}, key=lambda tier: (TIERS.index(tier) if tier in TIERS else 99))
    made = ""
    for tier in tiers:
        own = [one for one in sight.members if one.tier == tier]
        up = sum(one.up for one in own)
        score = sight.health.tiers.get(tier)
        told = f"{up} of {len(own)} up" + (f", health {score:.0f}" if score is not None else "")
        shown = "".join(_member(one) for one in sorted(own, key=lambda one: one.up))
        made += (f'<div class="tier"><h3>{html.escape(tier)} <span class="soft">{told}</span></h3>'
                 f'<div class="members">{shown}</div></div>')
    return f"<section><h2>Members</h2>{made or '<p>None is known.</p>'}</section>"


def _figure(figure: Figure, rows: Sequence[Row]) -> str:
    shown = "".join(_row(figure, row, rows) for row in rows[:MOST])
    more = f'<span class="soft">and {len(rows) - MOST} more</span>' if len(rows) > MOST else ""
    nothing = "no requests just now" if figure.only_under_load else "not told"
    return (f'<tr><td class="name">{html.escape(figure.name)}</td>'
            f'<td>{shown + more or f"""<span class="soft">{nothing}</span>"""}</td></tr>')


def _row(figure: Figure, row: Row, rows: Sequence[Row]) -> str:
    severity = unusual.is_unusual(figure, row, rows)
    who = html.escape(unusual.whose(figure, row.labels))
    return (f'<span class="row {severity}">{f"<i>{who}</i>" if who else ""}'
            f"{unusual.amount(row.value, figure.unit)}</span>")


def _cell(figure: Figure, row: Row | None) -> str:
    if row is None:
        return '<span class="soft">none</span>'
    return f'<span class="row {unusual.is_unusual(figure, row, [row])}">{unusual.amount(row.value, figure.unit)}</span>'


def _budget(budget: Budget) -> str:
    level = budget.level
    severity = "critical" if level.left < 0 else "warning" if level.left < 25 else "good"
    width = max(0.0, min(100.0, level.left))
    fast = "no requests" if budget.spent_as_fast is None else f"{budget.spent_as_fast:.2g} times what it may be"
    return (f'<tr><td>{html.escape(level.name)}</td><td class="n">{level.promised:g} %</td>'
            f'<td class="n">{level.reached:.3f} %</td>'
            f'<td class="{severity}">{level.left:.0f} %<div class="bar"><i style="width:{width:.0f}%"></i></div></td>'
            f"<td>{fast}</td></tr>")


def _member(one: Member) -> str:
    state = "down" if not one.up else "back" if one.returned else ""
    role = "replica" if one.role == "slave" else one.role
    was = f"was {role}" if role and not one.up else role
    words = [f'<span class="dot {one.colour}"></span>{one.colour}' if one.colour in COLOURS else "", html.escape(was),
             f"domain {html.escape(one.domain)}" if one.domain else "", "down" if not one.up else "",
             "came back" if one.up and one.returned else ""]
    return (f'<span class="member {state}"><b>{html.escape(one.name)}</b>'
            + "".join(f"<span>{word}</span>" for word in words if word) + "</span>")
