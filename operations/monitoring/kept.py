"""Lines that Loki keeps, asked from inside its member: nothing of it is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docker.models.containers import Container

from components.monitoring_logs import LOKI, LOKI_PORT
from operations.monitoring import api
from operations.setup import engine_state
from operations.setup.errors import SetupError

PAGE = 5000
"""How many lines Loki gives at once, by its own limit."""
NAMED_BY = ("tier", "workload", "member")
"""Labels by whose values members are picked, in this order."""
BILLION = 1_000_000_000


class SilentError(SetupError):
    """Loki does not answer."""


@dataclass(frozen=True, order=True)
class Line:
    """``at_ns``: nanoseconds since 1970."""

    at_ns: int
    member: str
    text: str

    @property
    def stamp(self) -> str:
        """As the engine writes times."""
        seconds, rest = divmod(self.at_ns, BILLION)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def keeper(stack: str) -> Container | None:
    """The member that keeps lines and runs; None where there is none."""
    return next(iter(engine_state.running(stack, LOKI)), None)


def lines(loki: Container, stack: str, who: str | None, begin: datetime, query: str | None) -> Iterator[Line]:
    """What members of ``who`` (a tier, workload or member; None: all) said since ``begin``, oldest first. ``query``: a
    text that a line contains or, beginning with ``|``, a pipeline of LogQL.

    Raises ``SilentError``, and ``SetupError`` where Loki refuses the query.
    """
    picked = {"stack": stack, **_named(loki, stack, who, begin)}
    expression = expression_of(picked, query)
    start, seen = int(begin.timestamp() * BILLION), frozenset[Line]()
    while True:
        page = _page(loki, expression, start)
        for line in page:
            if line not in seen:
                yield line
        if len(page) < PAGE:
            return
        # The next page begins within the last nanosecond of this one, of which there may be more.
        last = page[-1].at_ns
        start, seen = last, frozenset(line for line in page if line.at_ns == last)
        if page[0].at_ns == last:
            start += 1


def expression_of(labels: dict[str, str], query: str | None) -> str:
    """LogQL for the lines with these labels."""
    picked = "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"
    if not query:
        return picked
    return f"{picked} {query}" if query.startswith("|") else f"{picked} |= {json.dumps(query, ensure_ascii=False)}"


def _named(loki: Container, stack: str, who: str | None, begin: datetime) -> dict[str, str]:
    """The label that ``who`` is a value of. One that nobody has asks for nothing."""
    if not who:
        return {}
    for label in NAMED_BY:
        known = asked(loki, f"/loki/api/v1/label/{label}/values", query=expression_of({"stack": stack}, None),
                      start=str(int(begin.timestamp() * BILLION)))
        if who in (known or ()):
            return {label: who}
    return {"member": who}


def _page(loki: Container, expression: str, start: int) -> list[Line]:
    told = asked(loki, "/loki/api/v1/query_range", query=expression, start=str(start), limit=str(PAGE),
                 direction="forward")
    if told["resultType"] != "streams":
        raise SetupError(f"{expression!r} gives figures, not lines", then="leave its last stage out")
    return sorted(Line(int(at_ns), stream["stream"].get("member", "?"), text)
                  for stream in told["result"] for at_ns, text, *_ in stream["values"])


def asked(loki: Container, path: str, **parameters: str) -> Any:
    try:
        body = api.get(loki, LOKI_PORT, path, parameters)
    except SetupError as error:
        raise SilentError(error.what, why=error.why, then="make logs TIER=loki") from None
    try:
        return json.loads(body).get("data")
    except ValueError:
        raise SetupError(f"{loki.name} refused the question", why=body.strip()[:500],
                         then="correct QUERY, or look: make logs TIER=loki") from None
