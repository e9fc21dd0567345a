"""Lines of the audit log reach the platform's logs: all of them, in order, and none is claimed that did not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import audit, audit_ship
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import Member


class Loki:
    """The streams of a stack in which Loki runs, or not; takes so many requests."""

    stack = "shop"

    def __init__(self, *, running: bool = True, takes: int = 99) -> None:
        self._running, self._takes = running, takes
        self.got: list[dict[str, Any]] = []

    def members(self, workload: str = "") -> list[Member]:
        assert workload == "loki"
        return [Member("loki-1", "loki", "monitoring", "a", "c", "id", self._running)]

    def ask(self, _member: Member, *command: str) -> tuple[int, str]:
        if len(self.got) == self._takes:
            return 7, "refused"
        self.got.append(json.loads(command[command.index("--data-binary") + 1]))
        return 0, ""


def lines(count: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        entry = {"number": number, "at": f"2026-01-02T03:04:{number % 60:02d}.{number % 1000:03d}+00:00"}
        made.append(audit.sealed(entry, made[-1]["seal"] if made else audit.FIRST))
    return made


def test_every_line_is_handed_over_with_its_time_and_as_it_is() -> None:
    loki, sent = Loki(), lines(250)
    assert audit_ship.ship(loki, "0123", sent) == 250
    assert len(loki.got) == 3 and all(len(json.dumps(body)) < 128 * 1024 for body in loki.got)
    stream = loki.got[0]["streams"][0]
    assert stream["stream"] == {"stack": "shop", "tier": "operations", "workload": "audit", "member": "audit-0123"}
    assert stream["values"][0][0] == "1767323041001000000"
    assert [json.loads(text) for body in loki.got for _, text in body["streams"][0]["values"]] == sent


@pytest.mark.parametrize(("loki", "taken"), [
    (Loki(running=False), 0), (Loki(takes=0), 0), (Loki(takes=2), 200)], ids=["not there", "refuses", "ends midway"])
def test_what_was_not_taken_is_not_claimed(loki: Loki, taken: int) -> None:
    assert audit_ship.ship(loki, "0123", lines(250)) == taken


def test_an_unreadable_line_is_left_out() -> None:
    loki = Loki()
    assert audit_ship.ship(loki, "0123", [{"unreadable": "x"}, *lines(1)]) == 1
    assert len(loki.got[0]["streams"][0]["values"]) == 1
