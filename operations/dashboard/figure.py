"""What a figure of the page is: a question to Prometheus, and from which value on its answer is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from components.alerts.rule import CRITICAL, WARNING


@dataclass(frozen=True)
class Hop:
    """A place where a request can spend its time. ``depth``: whoever waits for a hop looks slow, too, so of several
    unusual ones the deepest is the likeliest cause."""

    key: str
    title: str
    does: str
    depth: int


@dataclass(frozen=True)
class Limits:
    """Unusual above ``warning`` (with ``below``: under it), worse above ``critical``."""

    warning: float
    critical: float | None = None
    below: bool = False

    def judge(self, value: float) -> tuple[str, float] | None:
        """Severity, and the limit that is passed; None for what is usual."""
        for severity, limit in ((CRITICAL, self.critical), (WARNING, self.warning)):
            if limit is not None and (value < limit if self.below else value > limit):
                return severity, limit
        return None


@dataclass(frozen=True)
class Peers:
    """Of a workload's members, which do the same work, one is unusual at ``times`` the others' median, from ``least``
    on."""

    times: float
    least: float

    def judge(self, value: float, others: Sequence[float]) -> float | None:
        """The others' median where the value is unusual."""
        usual = median(others) if others else None
        return usual if usual is not None and value > self.least and value > self.times * usual else None


@dataclass(frozen=True)
class Figure:
    """``expression`` gives a row for each of those whom the labels ``who`` tell apart. ``means`` says what an unusual
    one means, ``then`` is the command that shows more, ``runbook`` a page of docs/runbooks."""

    key: str
    hop: str
    name: str
    expression: str
    unit: str
    who: Sequence[str] = ("member",)
    limits: Limits | None = None
    peers: Peers | None = None
    means: str = ""
    then: str = ""
    runbook: str = ""
    alert: str = ""
    """The alert that says the same: while it fires, this need not."""
    depth: int | None = None
    """Where it is another than its hop's: what is seen there, but caused elsewhere."""
    over: bool = False
    """It tells what happened, not what lasts."""
    only_under_load: bool = False
    """Without requests it has nothing to tell."""


@dataclass(frozen=True)
class Curve:
    """A line of a plot; ``colour`` is one of the page's own."""

    name: str
    expression: str
    colour: str


@dataclass(frozen=True)
class Plot:
    """Of the last hour."""

    key: str
    title: str
    unit: str
    curves: Sequence[Curve]
    limits: Limits | None = None


@dataclass(frozen=True)
class Row:
    """One answer to a figure."""

    labels: Mapping[str, str]
    value: float
