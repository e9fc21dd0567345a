"""Two declarations compared, for pull requests of forks."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from operations.changes.declared import plan
from operations.changes.words import Kind
from operations.previews import declared

BASE = {"app": {"image": "orders", "credentials": "files"}}


def dumped(config: dict[str, object]) -> str:
    made = plan(config, "local")
    return json.dumps({"plan": {"members": {name: asdict(one) for name, one in made.members.items()},
                                "protected": sorted(made.protected), "subnets": dict(made.subnets),
                                "cannot_grow": sorted(made.cannot_grow), "resized_by": dict(made.resized_by)}})


def test_a_dump_is_read_back_as_it_was() -> None:
    assert declared.read(dumped(BASE)) == plan(BASE, "local")


def test_a_checkout_compared_with_itself_changes_nothing() -> None:
    report = declared.compare("local", declared.dump("local"), declared.dump("local"))
    assert report.passed and not report.changes and report.compared == "declarations"


def test_a_changed_setting_has_the_effect_that_an_update_would_have() -> None:
    report = declared.compare("local", dumped(BASE), dumped({**BASE, "edge": {"haproxy": {"queue": 9}}}))
    assert [(row.kind, row.members) for row in report.rows] == [(Kind.RELOAD, ("haproxy-1", "haproxy-2"))]
    assert "haproxy.cfg" in report.diff


def test_fewer_members_of_a_cluster_are_refused_and_a_mandatory_finding() -> None:
    report = declared.compare("local", dumped(BASE), dumped({**BASE, "postgres": {"members": 2}}))
    assert report.refused and not report.passed and report.findings[0].rule == "clustered-kept"


@pytest.mark.parametrize(("said", "what"), [
    ('{"error": "stacks/Pulumi.local.yaml: 1 setting(s) can\'t be used"}', "The settings can't be used."),
    ("  File \"x.py\", line 1\nSyntaxError: expected ':'", "The program has a syntax error."),
    ("", "Pulumi ended with an error."),
])
def test_a_head_that_declares_nothing_is_a_failure(said: str, what: str) -> None:
    report = declared.compare("local", dumped(BASE), said)
    assert report.failure and report.failure.what == what and not report.passed


def test_a_base_without_the_stack_makes_it_new() -> None:
    report = declared.compare("local", "No module named operations.previews", dumped(BASE))
    assert report.compared == "nothing" and {row.kind for row in report.rows} == {Kind.ADDED}


def test_settings_that_can_not_be_used_are_an_error_of_the_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "config_of", lambda _: {"app": {"imgae": "x"}})
    assert "did you mean `image`?" in str(declared.read(declared.dump("local")))
