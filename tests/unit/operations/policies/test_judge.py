"""Levels, and rules that fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.settings import Settings, SettingsError
from components.settings.policies import Level, Policies, Rule
from operations.changes.declared import plan
from operations.policies import __main__ as lint
from operations.policies import judge, rules
from operations.policies.rules import Definition
from operations.policies.subject import Subject
from tests.unit.operations.policies.test_rules import member, subject


def finds(_: Subject) -> Iterator[str]:
    yield from ("it is wrong", "it is wrong")


def throws(_: Subject) -> Iterator[str]:
    yield "it is wrong"
    raise KeyError("memory")


def definition(check: rules.Check, **levels: Level) -> Definition:
    return Definition(Rule.LIMITS_SET, "asks", check, **levels)


def test_a_rule_that_throws_is_a_mandatory_finding_and_no_pass() -> None:
    found = judge.ask(definition(throws, elsewhere=Level.ADVISORY), subject())
    assert [(one.level, one.broken, one.message) for one in found] == [(Level.MANDATORY, True, "KeyError: 'memory'")]
    assert judge.mandatory(found) == found


def test_a_rule_of_ours_that_meets_what_it_does_not_know_throws_and_is_told() -> None:
    odd = member("web-1", ports=["8000:8000"])
    broken = [one for one in judge.everything(subject(odd)) if one.broken]
    assert [one.rule for one in broken] == [Rule.ONLY_EDGE_PUBLISHED]


def test_a_finding_is_said_once() -> None:
    assert [one.message for one in judge.ask(definition(finds), subject())] == ["it is wrong"]


@pytest.mark.parametrize(("policies", "expected"), [
    (Policies(), Level.ADVISORY), (Policies(production=True), Level.MANDATORY),
    (Policies(production=True, levels={Rule.LIMITS_SET: Level.ADVISORY}), Level.ADVISORY),
])
def test_the_level_is_that_of_the_stack(policies: Policies, expected: Level) -> None:
    asked = definition(finds, elsewhere=Level.ADVISORY)
    assert [one.level for one in judge.ask(asked, subject(policies=policies))] == [expected]


def test_a_rule_that_is_off_is_not_asked() -> None:
    off = Policies(levels={Rule.LIMITS_SET: Level.OFF})
    assert judge.ask(definition(throws), subject(policies=off)) == []


def test_a_misspelled_rule_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"policies\.levels"):
        Settings.load({"policies": {"levels": {"limit-set": "off"}}}, stack="test", where="here")


def test_a_stack_that_breaks_a_mandatory_rule_fails_lint(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"app": {"image": "shop:latest", "environment": {"STRIPE_API_KEY": "sk_live_1"}}}
    monkeypatch.setattr(lint, "committed", lambda: ["shop"])
    monkeypatch.setattr(lint, "subject", lambda stack: Subject(stack, plan(config)))
    assert lint.main() == 1
    said = capsys.readouterr().out
    assert "images-pinned (mandatory): web-blue-1: its image shop:latest is not pinned" in said
    assert "STRIPE_API_KEY holds a secret" in said and "sk_live_1" not in said


def test_the_committed_stacks_obey_and_no_engine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert lint.main() == 0
