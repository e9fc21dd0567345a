"""Plans read from what Pulumi's engine announces."""

from __future__ import annotations

from typing import Any

from pulumi.automation.events import EngineEvent

from components.targets.docker.inputs import CLUSTERED_LABEL
from operations.changes.preview import Announced
from operations.changes.words import Kind, listed

CONTAINER, DYNAMIC = "docker:index/container:Container", "pulumi-python:dynamic:Resource"


def container(member: str, **inputs: Any) -> dict[str, Any]:
    labels = {"evenkeel.workload": member.rpartition("-")[0], "evenkeel.tier": "edge",
              **({CLUSTERED_LABEL: "true"} if inputs.pop("clustered", False) else {})}
    return {"name": f"evenkeel-t-{member}", "image": "one", "memory": 64, "__defaults": [],
            "labels": [{"label": key, "value": value} for key, value in labels.items()], **inputs}


def files(member: str, secret: str = "[secret]", **contents: str) -> dict[str, Any]:
    return {"container": f"evenkeel-t-{member}", "files": contents, "secretFiles": {"key": secret}, "executables": [],
            "effects": dict.fromkeys([*contents, "key"], "reload"), "reload": ["x"]}


def announce(*steps: tuple[str, str, str, dict[str, Any] | None, dict[str, Any] | None]) -> Announced:
    announced = Announced()
    for op, kind, name, old, new in steps:
        states = {key: {"type": kind, "urn": f"urn::{name}", "inputs": inputs, "outputs": {}, "id": "", "parent": "",
                        "provider": ""} for key, inputs in (("old", old), ("new", new)) if inputs is not None}
        announced.on_event(EngineEvent.from_json({"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": {
            "op": op, "urn": f"urn::{name}", "type": kind, "provider": "", **states}}}))
    return announced


def test_an_unchanged_platform_has_no_effects() -> None:
    same = container("door-1"), files("door-1", a="1")
    assert announce(("same", CONTAINER, "door-1", same[0], same[0]),
                    ("same", DYNAMIC, "door-1-config", same[1], same[1])).effects() == []


def test_a_replacement_is_announced_in_three_steps_and_said_once() -> None:
    old, new = container("door-1"), container("door-1", image="two")
    found = announce(("delete-replaced", CONTAINER, "door-1", old, None), ("replace", CONTAINER, "door-1", old, new),
                     ("create-replacement", CONTAINER, "door-1", old, new)).effects()
    assert [(effect.kind, effect.members, effect.because) for effect in found] == [
        (Kind.OUTAGE, ("door-1",), ("image",))]


def test_members_of_a_cluster_are_known_by_their_label() -> None:
    old, new = container("store-1", clustered=True), container("store-1", clustered=True, image="two")
    assert announce(("replace", CONTAINER, "store-1", old, new)).effects()[0].kind is Kind.REFUSED


def test_a_secret_that_changes_is_named_but_not_shown() -> None:
    one = container("door-1")
    found = announce(("same", CONTAINER, "door-1", one, one),
                     ("update", DYNAMIC, "door-1-config", files("door-1", a="1"), files("door-1", a="1"))).effects()
    assert listed(found) == ["door-1: reloaded (key); no connection is cut, no request waits."]


def test_cpu_limits_are_known_from_the_resource_that_sets_them() -> None:
    one = container("door-1", cpus="1.0")
    found = announce(("same", CONTAINER, "door-1", one, one),
                     ("update", DYNAMIC, "limits", {"members": {"door-1": {"id": "x", "cpus": "1.0"}}},
                      {"members": {"door-1": {"id": "x", "cpus": "2.0"}}})).effects()
    assert [(effect.kind, effect.because) for effect in found] == [(Kind.LIMITS, ("CPU",))]
