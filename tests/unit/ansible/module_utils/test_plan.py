"""What an upgrade does, from the preview of the real engine and from who leads now."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.evenkeel.platform.plugins.module_utils import plan

MEMBERS = [{"member": f"{workload}-{number}", "workload": workload, "tier": tier, "stateful": stateful}
           for workload, tier, count, stateful in (("haproxy", "edge", 2, True), ("web-blue", "app", 2, False),
                                                   ("etcd", "postgres", 3, True), ("postgres", "postgres", 3, True),
                                                   ("pgproxy", "postgres", 2, False), ("redis", "redis", 2, True))
           for number in range(1, count + 1)]
ROLES = {"postgres-1": "primary", "postgres-2": "replica", "postgres-3": "replica", "redis-1": "master",
         "redis-2": "replica", "etcd-1": "follower", "etcd-2": "leader", "etcd-3": "follower"}
EVERYBODY = [member["member"] for member in MEMBERS]


def urn(name: str, kind: str = plan.CONTAINER) -> str:
    return f"urn:pulumi:test::evenkeel::evenkeel:tier:Postgres${kind}::{name}"


def step(operation: str, name: str, old: str = "", new: str = "", kind: str = plan.CONTAINER) -> dict[str, Any]:
    return {"op": operation, "urn": urn(name, kind), "replaceReasons": ["image"],
            "oldState": {"inputs": {"image": old}} if old else None,
            "newState": {"inputs": {"image": new}} if new else None}


def replaced(name: str, old: str = "x:1", new: str = "x:2") -> list[dict[str, Any]]:
    """As the engine previews what is deleted before it is replaced."""
    return [step("delete-replaced", name, old), step("replace", name, old, new),
            step("create-replacement", name, old, new)]


def preview(*steps: dict[str, Any]) -> plan.Preview:
    return plan.read("warning: something\n" + json.dumps({"steps": list(steps)}))


def order(*names: str, serving: list[str] | None = None, **narrowed: Any) -> list[str]:
    seen = preview(*[part for name in names for part in replaced(name)])
    return [planned.member for planned in plan.steps(seen, MEMBERS, ROLES, EVERYBODY if serving is None else serving,
                                                     **narrowed)]


def test_replacements_are_read_once_each() -> None:
    seen = preview(*replaced("postgres-1"), step("same", "postgres-2"), step("update", "ready", kind="dynamic"))
    assert [(change.member, change.old_image, change.new_image) for change in seen.changes] == [
        ("postgres-1", "x:1", "x:2")]
    assert seen.others == () and seen.unfinished


def test_nothing_to_do_is_nothing_to_do() -> None:
    seen = preview(step("same", "postgres-1"), step("same", "ready", kind="dynamic"))
    assert seen.changes == () and not seen.unfinished
    assert plan.words("s", [], seen) == ["the stack s: no member has to be replaced"]


def test_a_member_without_a_container_is_made() -> None:
    seen = preview(step("create", "postgres-1", new="x:2"))
    assert str(seen.changes[0]) == "made from x:2; it has no container now"


def test_a_file_that_changes_is_no_replacement_but_is_mentioned() -> None:
    seen = preview(step("update", "nginx-1-config", kind="dynamic"), *replaced("haproxy-1"))
    assert seen.others == ("update nginx-1-config",)
    assert "Then 1 other changes by `pulumi up`: update nginx-1-config" in plan.words(
        "s", plan.steps(seen, MEMBERS, ROLES, EVERYBODY), seen)


def test_what_belongs_to_a_member_changes_with_it() -> None:
    seen = preview(*replaced("postgres-1"), step("update", "postgres-1-config", kind="dynamic"),
                   step("update", "postgres-10-config", kind="dynamic"))
    assert seen.others == ("update postgres-10-config",) and seen.unfinished


@pytest.mark.parametrize("text", ["", "error: incorrect passphrase"])
def test_an_answer_without_a_plan_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=text or "said nothing"):
        plan.read(text)


def test_who_leads_comes_last_and_stateless_come_first() -> None:
    assert order("redis-1", "redis-2", "postgres-1", "postgres-2", "postgres-3", "etcd-1", "etcd-2", "etcd-3",
                 "pgproxy-1", "web-blue-1", "haproxy-2") == [
        "haproxy-2", "web-blue-1", "pgproxy-1", "etcd-1", "etcd-3", "etcd-2", "postgres-2", "postgres-3", "postgres-1",
        "redis-2", "redis-1"]


def test_a_member_that_does_not_serve_anyway_comes_first() -> None:
    serving = [name for name in EVERYBODY if name != "postgres-3"]
    assert order("postgres-1", "postgres-2", "postgres-3", serving=serving) == [
        "postgres-3", "postgres-2", "postgres-1"]


def test_it_can_be_narrowed_down() -> None:
    names = ("postgres-1", "postgres-2", "redis-1")
    assert order(*names, tiers=["redis"]) == ["redis-1"]
    assert order(*names, only=["postgres-2"]) == ["postgres-2"]


def test_the_plan_in_words() -> None:
    seen = preview(*replaced("postgres-1", "p:1", "p:2"), *replaced("postgres-2", "p:1", "p:1"))
    assert plan.words("s", plan.steps(seen, MEMBERS, ROLES, EVERYBODY), seen) == [
        "the stack s: 2 of its members are replaced, one after the other",
        "  1. postgres-2 (replica): its image changed",
        "  2. postgres-1 (primary): switchover, then p:1 -> p:2",
        "Writers wait for about a second during the switchover; nobody gets an error."]
