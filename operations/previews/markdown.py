"""A report as the comment of a pull request: the summary first, the noise folded, and nothing in it can be markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from components.settings.policies import Rule
from operations.changes.words import Kind
from operations.previews import cost, diffs, graph, rows
from operations.previews.report import Amount, Cost, Failure, Report, Row

LONGEST_DIFF = 20_000
"""Characters of the diff that a comment shows; the rest is in the artifact."""
LONGEST_ERROR = 6_000
LONGEST = 60_000
"""Of a whole comment. GitHub takes 65,536 characters, GitLab a million."""
MOST_ROWS = 40
"""Rows and members shown before the rest is folded or counted."""
MOST_MEMBERS = 8
UNSAFE = re.compile(r"[^A-Za-z0-9 .,:;/()+'=?-]")
REFERENCE = re.compile(r"[@#!$~%&]|://|www\.")
"""What GitHub and GitLab make mentions, references and links of, also where it is written by number."""
TICKS = re.compile(r"`([^`\n]+)`")


def marker(project: str, stack: str) -> str:
    """The hidden first line by which the comment of a stack is found again."""
    safe = [re.sub(r"[^A-Za-z0-9._-]", lambda match: f"%{ord(match.group()):x}", part) for part in (project, stack)]
    return f"<!-- evenkeel-preview project={safe[0]} stack={safe[1]} -->"


def render(report: Report, artifact: str = "") -> str:
    """The comment. ``artifact``: where the whole diff is (a file's name, or a link in angle brackets)."""
    longest = LONGEST_DIFF
    while True:
        text = "\n".join(_parts(report, artifact, longest)) + "\n"
        if len(text) <= LONGEST or longest == 0:
            return text[:LONGEST]
        longest = longest // 2 if longest > 1_000 else 0


def _parts(report: Report, artifact: str, longest: int) -> Iterator[str]:
    yield marker(report.project, report.stack)
    yield f"### {_title(report)}\n"
    if report.failure:
        yield from _failure(report.failure)
    if report.refused:
        lost = [row for row in report.rows if row.lost]
        data = "".join(f" What {_members(row)} would lose can't be brought back." for row in lost)
        yield f"> [!CAUTION]\n> `make up` would be refused, and nothing would be changed.{data}\n"
    broken = {finding.rule for finding in report.findings if finding.level == "mandatory"}
    if broken - ({Rule.CLUSTERED_KEPT.value} if report.refused else set()):
        said = ", ".join(f"`{safe(rule)}`" for rule in sorted(broken))
        yield f"> [!WARNING]\n> Broken, and mandatory: {said}.\n"
    if report.rows:
        yield from _table(report)
    if report.by_hand:
        yield "".join(f"- changed by hand: {safe(sentence)}\n" for sentence in report.by_hand)
    yield from _findings(report)
    if report.cost:
        yield f"{_cost(report.cost)}\n"
    if picture := graph.mermaid(report.rows, report.workloads):
        yield from _folded("what is touched, and who calls it", f"```mermaid\n{picture}```")
    yield from _diff(report, artifact, longest)
    yield f"<sub>{_basis(report)}</sub>"


def _title(report: Report) -> str:
    name = _name(report.stack)
    if report.failure and not report.rows:
        return f"Preview of {name} failed"
    if report.failure:
        return f"Preview of {name} failed half-way; until then: {rows.headline(report.rows)}"
    if report.compared == "nothing":
        return f"Preview of {name}: a new stack, {_number(report.members, 'member')} added"
    if not report.changes:
        return f"Preview of {name}: nothing changes"
    if not report.rows:
        return f"Preview of {name}: nothing that runs is touched"
    return f"Preview of {name}: {rows.headline(report.rows)}"


def _failure(failure: Failure) -> Iterator[str]:
    yield f"**{safe(failure.what)}**\n"
    yield f"{safe(failure.means)}\n"
    yield f"**What to do:** {safe(failure.then)}\n"
    if failure.error:
        shown, left = diffs.cut(failure.error.rstrip() + "\n", LONGEST_ERROR)
        more = f"... {_number(left, 'more line')}\n" if left else ""
        yield f"{_fenced(shown + more)}\n"


def _table(report: Report) -> Iterator[str]:
    new = report.compared == "nothing"
    lines = [*_lines(report.rows[:MOST_ROWS])]
    if len(report.rows) > MOST_ROWS:
        lines.append(f"\n... and {_number(len(report.rows) - MOST_ROWS, 'more row')}")
    text = "\n".join(lines)
    if new:
        yield from _folded(f"{_number(report.members, 'member')} of the new stack", text)
    else:
        yield f"{text}\n"
    for instead in dict.fromkeys(row.instead for row in report.rows if row.instead):
        yield f"**Instead:** {safe(instead.removeprefix('Next: '))}\n"


def _lines(shown: Iterable[Row]) -> Iterator[str]:
    yield "| tier | members | effect | for those who use it | because of | Pulumi |"
    yield "|---|---|---|---|---|---|"
    for row in shown:
        what = f"**{safe(row.what)}**" if row.lost or row.kind in (Kind.REFUSED, Kind.OUTAGE) else safe(row.what)
        cells = [safe(row.tier), _members(row), what, safe(row.so), _listed(row.because), _listed(row.pulumi)]
        yield f"| {' | '.join(cells)} |"


def _members(row: Row) -> str:
    names = row.members or (row.workload,)
    more = f" and {len(names) - MOST_MEMBERS} more" if len(names) > MOST_MEMBERS else ""
    return ", ".join(map(_name, names[:MOST_MEMBERS])) + more


def _listed(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - MOST_MEMBERS} more" if len(words) > MOST_MEMBERS else ""
    return ", ".join(map(safe, words[:MOST_MEMBERS])) + more


def _findings(report: Report) -> Iterator[str]:
    ranked = sorted(report.findings, key=lambda found: (found.level != "mandatory", found.rule, found.message))
    if ranked:
        yield "| rule | level | finding |\n|---|---|---|"
        for found in ranked[:MOST_ROWS]:
            level = f"**{found.level}**" if found.level == "mandatory" else found.level
            broken = "the rule itself failed, so nothing is known: " if found.broken else ""
            yield f"| {safe(found.rule)} | {level} | {broken}{safe(found.message)} |"
        if len(ranked) > MOST_ROWS:
            yield f"\n... and {_number(len(ranked) - MOST_ROWS, 'more finding')}"
        yield ""


def _cost(estimate: Cost) -> str:
    dated = f"prices of {safe(estimate.target)} as of {safe(estimate.dated)}"
    if estimate.own_hardware:
        return f"**Cost:** 0 before, 0 after (own hardware; {dated})"
    parts = ", ".join(f"{safe(amount.what)} {_amount(amount, estimate.currency)}" for amount in estimate.amounts)
    why = f"; {'; '.join(map(safe, estimate.unknown))}" if estimate.unknown else ""
    return f"**Cost a month:** {_total(estimate)} ({parts}; {dated}{why})"


def _total(estimate: Cost) -> str:
    total = Amount(what="", before=cost.total([amount.before for amount in estimate.amounts]),
                   after=cost.total([amount.after for amount in estimate.amounts]))
    return _amount(total, estimate.currency)


def _amount(amount: Amount, currency: str) -> str:
    before, after = (f"{value:.2f} {safe(currency)}" if value is not None else "unknown"
                     for value in (amount.before, amount.after))
    return before if before == after else f"{before} before, {after} after"


def _diff(report: Report, artifact: str, longest: int) -> Iterator[str]:
    if not report.diff:
        return
    shown, left = diffs.cut(report.diff, longest)
    title = f"full diff, {_number(report.diff.count(chr(10)), 'line')}"
    where = f" in {artifact}" if artifact else ""
    more = f"\n... {_number(left, 'more line')}{where}" if left else ""
    yield from _folded(title, _fenced(shown, "diff") + more if shown else more.strip())


def _basis(report: Report) -> str:
    against = {"state": "compared with what Pulumi knows to run",
               "declarations": "compared with what the base branch declares: no state was read",
               "nothing": "nothing of this stack exists yet"}[report.compared]
    counted = ", ".join(f"{count} {op}" for op, count in report.operations.items())
    if report.failure and not report.operations:
        against = "nothing was compared"
    parts = [f"Pulumi: {safe(counted)}" if counted else "", against, safe(report.judged)]
    return "; ".join(filter(None, parts))


def _folded(title: str, body: str) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n"


def _fenced(text: str, language: str = "") -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"


def _name(name: str) -> str:
    """A name as code: no mention, no reference, no markup, whatever is in it."""
    return f"`{name}`" if re.fullmatch(r"[A-Za-z0-9._:/-]+", name) else _code(name)


def safe(text: str) -> str:
    """A sentence of ours with foreign words in it. What stands between backticks becomes code, and so does every word
    that a host could take for a mention, a reference or a link; other characters that mean something to Markdown or
    HTML are written by their number."""
    made, at = [], 0
    for match in TICKS.finditer(text):
        made += [_words(text[at:match.start()]), _code(match[1])]
        at = match.end()
    return "".join([*made, _words(text[at:])])


def _words(text: str) -> str:
    return "".join(_code(word) if REFERENCE.search(word) else _entities(word) for word in re.split(r"(\s+)", text))


def _code(text: str) -> str:
    return f"<code>{_entities(text)}</code>"


def _entities(text: str) -> str:
    """On one line: a table's cell ends with its line."""
    return UNSAFE.sub(lambda match: f"&#{ord(match.group())};", " ".join(text.splitlines()))


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
