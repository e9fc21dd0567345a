"""What members' logs say of a recovery."""

from __future__ import annotations

import pytest

from operations.drills.phases import redis_marks

SINCE = 1795713077.0  # 2026-11-26T17:11:17Z
LINES = """
2026-11-26T17:11:10.000000000Z 7:S 26 Nov 2026 17:11:10.000 # Failover election won: I'm the new master.
2026-11-26T17:11:18.486412345Z 8:M 26 Nov 2026 17:11:18.486 * Marking node 95714 as failing (quorum reached).
2026-11-26T17:11:18.500000000Z 8:M 26 Nov 2026 17:11:18.500 * Marking node 95714 as failing (quorum reached).
2026-11-26T17:11:19.132000001Z 7:S 26 Nov 2026 17:11:19.132 # Failover election won: I'm the new master.
2026-11-26T17:11:24.553000001Z 7:S 26 Nov 2026 17:11:24.553 # Failover election won: I'm the new master.
2026-11-26T17:11:25.000000001Z formation: settled after 5.1 s
""".strip().splitlines()


def test_the_first_election_after_the_fault_counts() -> None:
    (reason, agreed), (_, elected) = redis_marks(LINES, SINCE)
    assert reason == "agree" and agreed is not None and agreed - SINCE == pytest.approx(1.486, abs=0.001)
    assert elected is not None and elected - SINCE == pytest.approx(2.132, abs=0.001)


def test_a_replica_that_proved_the_end_of_its_master_need_not_wait_for_the_others() -> None:
    proof = "2026-11-26T17:11:17.130000001Z succession: redis-1 has ended: it refused connections; asks the masters"
    (reason, proven), (_, elected) = redis_marks([*LINES, proof], SINCE)
    assert reason == "prove" and proven is not None and proven - SINCE == pytest.approx(0.13, abs=0.001)
    assert elected is not None


def test_without_an_election_there_is_none() -> None:
    assert {at for _, at in redis_marks(LINES[-1:], SINCE)} == {None}
