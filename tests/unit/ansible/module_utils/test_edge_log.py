"""What the edges' access logs say of requests."""

from __future__ import annotations

import json

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import edge_log


def entry(**changes: object) -> str:
    return json.dumps({"request_id": "r", "status": 200, "upstream": "10.0.0.2:8443", "upstream_answer_s": "0.012",
                       "colour": "blue", **changes})


def test_a_request_is_read_with_its_time_in_milliseconds() -> None:
    assert edge_log.read([entry()]) == [edge_log.Line("r", 200, "blue", 1, 12)]


def test_the_last_attempt_is_the_one_that_answered() -> None:
    line, = edge_log.read([entry(upstream="10.0.0.2:8443, 10.0.0.3:8443", upstream_answer_s="1.000, 0.002")])
    assert line.attempts == 2 and line.answer_ms == 2


def test_how_long_a_websocket_lived_is_no_time_to_answer() -> None:
    """Nginx tells it as one: a canary would be judged by how long its visitors stay."""
    line, = edge_log.read([entry(status=101, upstream_answer_s="37.046")])
    assert line.answer_ms is None


@pytest.mark.parametrize("text", ["starting", '{"request_id": "half', entry(upstream=""), entry(upstream="-")[:-5]])
def test_the_rest_is_left_out(text: str) -> None:
    assert edge_log.read([text]) == []
