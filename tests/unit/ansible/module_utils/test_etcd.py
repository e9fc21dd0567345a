"""Whether etcd agrees with itself and can spare a member."""

from __future__ import annotations

import json

from ansible_collections.evenkeel.platform.plugins.module_utils import etcd

ALL = ("etcd-1", "etcd-2", "etcd-3")


def status(*, leaders: tuple[int, int, int] = (1, 1, 1), applied: tuple[int, ...] = (9000, 9000, 9000),
           answering: tuple[str, ...] = ALL) -> list[etcd.Status]:
    entries = [{"Endpoint": f"https://{name}:2379",
                "Status": {"header": {"member_id": number}, "leader": leaders[number - 1], "raftTerm": 2,
                           "raftIndex": applied[number - 1], "raftAppliedIndex": applied[number - 1]}}
               for number, name in enumerate(ALL, 1) if name in answering]
    return etcd.read("Failed to get the status of endpoint\n" + json.dumps(entries) + "\n")


def test_a_whole_cluster_has_no_problems() -> None:
    assert etcd.problems(status(), ALL) == []
    assert etcd.leader(status()).name == "etcd-1"


def test_nothing_is_read_from_an_answer_without_members() -> None:
    assert etcd.read("context deadline exceeded") == []


def test_what_is_missing_is_named() -> None:
    assert etcd.problems(status(answering=ALL[:2]), ALL) == ["etcd-3 does not answer"]
    assert etcd.problems(status(answering=ALL[:2]), ALL, ["etcd-3"]) == []
    assert etcd.problems(status(leaders=(0, 0, 0)), ALL) == ["etcd has no leader"]
    assert etcd.problems(status(leaders=(1, 2, 1)), ALL) == ["members name different leaders"]
    assert etcd.problems(status(applied=(9000, 9000, 100)), ALL) == ["etcd-3 is 8900 entries behind"]


def test_a_member_is_spared_only_where_a_majority_is_left() -> None:
    assert etcd.can_spare(status(), ALL, "etcd-1") == ""
    assert etcd.can_spare(status(answering=ALL[:2]), ALL, "etcd-3") == ""
    assert etcd.can_spare(status(answering=ALL[:2]), ALL, "etcd-1") == (
        "without etcd-1 only etcd-2 would be left of 3 members: a majority is 2")


def test_the_most_up_to_date_leads_next() -> None:
    seen = status(applied=(9000, 8000, 9000))
    assert etcd.successor(seen, "etcd-1").name == "etcd-3"
    assert etcd.successor(seen, "etcd-1", ["etcd-2"]).name == "etcd-2"
    assert etcd.successor(status(answering=("etcd-1",)), "etcd-1") is None
