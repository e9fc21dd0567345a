"""A report for a terminal: who would notice what, then everything else."""

from __future__ import annotations

from collections.abc import Iterator

from operations.changes.words import WHAT, Kind
from operations.previews import cost, rows
from operations.previews.report import Cost, Report, Row


def render(report: Report) -> str:
    """The whole text. Nothing in it varies between two runs with the same input."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    if report.failure:
        failure = report.failure
        yield f"stack {report.stack}: the preview failed: {failure.what}"
        yield f"  {failure.means}"
        yield f"  Next:  {failure.then}"
        yield from (f"    {line}" for line in failure.error.rstrip().splitlines())
        if not report.rows:
            return
        yield "Known until then:"
    yield from (f"by hand: {sentence}." for sentence in report.by_hand)
    yield (f"stack {report.stack}: what `make up` would do:" if not report.refused else
           f"stack {report.stack}: `make up` would be refused, and nothing would be changed:")
    if report.rows:
        yield f"  {rows.headline(report.rows)}"
    yield from (f"  {_sentence(row)}" for row in report.rows)
    if not report.rows:
        yield f"  {WHAT[Kind.NOTHING].capitalize()}."
    for found in sorted(report.findings, key=lambda one: (one.level != "mandatory", one.rule, one.message)):
        broken = "the rule itself failed: " if found.broken else ""
        yield f"  rule {found.rule} ({found.level}): {broken}{found.message}"
    if report.judged:
        yield f"  {report.judged}"
    if report.cost:
        yield f"  {_cost(report.cost)}"
    yield "\nPulumi's own words:"
    yield ", ".join(f"{count} {op}" for op, count in report.operations.items()) or "no resources"
    yield report.diff.rstrip()


def _sentence(row: Row) -> str:
    who = ", ".join(row.members) or row.workload
    reason = f" ({', '.join(row.because)})" if row.because else ""
    so = f"; {row.so}" if row.so else ""
    return f"{'. '.join(filter(None, (f'{who}: {row.what}{reason}{so}', row.instead))).rstrip('.')}."


def _cost(estimate: Cost) -> str:
    dated = f"prices of {estimate.target} as of {estimate.dated}"
    if estimate.own_hardware:
        return f"cost: 0 before, 0 after (own hardware; {dated})"
    known = [cost.total([getattr(amount, side) for amount in estimate.amounts]) for side in ("before", "after")]
    before, after = (f"{value:.2f} {estimate.currency}" if value is not None else "unknown" for value in known)
    why = "".join(f"; {reason}" for reason in estimate.unknown)
    return f"cost a month: {before} before, {after} after ({dated}{why})"
