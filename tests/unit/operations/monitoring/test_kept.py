"""Lines that Loki keeps: what it is asked, and that pages make one whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from operations.monitoring import api, kept
from operations.setup.errors import SetupError

BEGIN = datetime(2026, 1, 2, tzinfo=UTC)
NS = int(BEGIN.timestamp() * kept.BILLION)


class Loki:
    """Answers as Loki does, with the lines of one member."""

    name = "evenkeel-shop-loki-1"

    def __init__(self, times: list[int]) -> None:
        self.times, self.asked = times, []  # type: ignore[var-annotated]

    def answer(self, _container: object, _port: int, path: str, *options: str) -> str:
        given = dict(option.split("=", 1) for option in options if "=" in option)
        self.asked.append(given)
        if path.endswith("/values"):
            return json.dumps({"data": {"tier": ["app"], "workload": ["web-blue"]}.get(path.split("/")[-2], [])})
        begin, limit = int(given["start"]), int(given["limit"])
        page = [(at, f"line {number}") for number, at in enumerate(self.times) if at >= begin][:limit]
        return json.dumps({"data": {"resultType": "streams", "result": [
            {"stream": {"member": "web-blue-1"}, "values": [[str(at), text] for at, text in page]}]}})


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[int]], Loki]:
    def make(times: list[int]) -> Loki:
        loki = Loki(times)
        monkeypatch.setattr(api, "ask", loki.answer)
        return loki
    return make


def told(loki: Any, who: str | None = None, query: str | None = None) -> list[str]:
    return [line.text for line in kept.lines(loki, "shop", who, BEGIN, query)]


@pytest.mark.parametrize("times", [
    [NS + n for n in range(3 * kept.PAGE + 7)],
    [NS + n // 3 for n in range(2 * kept.PAGE + 1)],
    [NS + n for n in range(kept.PAGE)],
    [],
], ids=["pages", "several in one nanosecond", "exactly a page", "none"])
def test_every_line_once_and_in_order(keeping: Callable[[list[int]], Loki], times: list[int]) -> None:
    found = sorted(told(keeping(times)), key=lambda text: int(text.split()[1]))
    assert found == [f"line {number}" for number in range(len(times))]


@pytest.mark.parametrize(("who", "query", "expression"), [
    (None, None, '{stack="shop"}'),
    ("app", "anchor", '{stack="shop", tier="app"} |= "anchor"'),
    ("web-blue", 'say "hé"', '{stack="shop", workload="web-blue"} |= "say \\"hé\\""'),
    ("web-blue-9", '| json | status >= 500', '{stack="shop", member="web-blue-9"} | json | status >= 500'),
])
def test_what_is_asked(keeping: Callable[[list[int]], Loki], who: str | None, query: str | None,
                       expression: str) -> None:
    loki = keeping([])
    told(loki, who, query)
    assert loki.asked[-1]["query"] == expression


def test_a_time_is_written_as_the_engine_does() -> None:
    assert kept.Line(NS + 5_000_001, "a", "b").stamp == "2026-01-02T00:00:00.005000001Z"


def test_a_refusal_is_told_in_lokis_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "ask", lambda *_: "parse error at line 1, col 20: unexpected nonsense\n")
    with pytest.raises(SetupError, match="refused the question") as raised:
        told(Loki([]), query="| nonsense")
    assert "unexpected nonsense" in str(raised.value) and not isinstance(raised.value, kept.SilentError)
