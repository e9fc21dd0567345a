"""Pull requests against a platform that runs, previewed by the real engine: each yields the comment that docs show."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from operations.changes.words import Kind
from operations.policies import asking
from operations.previews import documentation
from operations.previews.masking import in_state
from operations.setup import stack
from operations.setup.paths import ROOT
from tests.support.pull_request import Previewed, PullRequest, as_example
from tests.support.running import SETTINGS, RunningPlatform

EXAMPLES = ROOT / "docs" / "previews"
WRITE = "EVENKEEL_WRITE_EXAMPLES"
Open = Callable[[], PullRequest]


@pytest.fixture(scope="module")
def settled(platform: RunningPlatform) -> RunningPlatform:
    """Other tests may have left settings that are not in force yet."""
    platform.write_settings(SETTINGS)
    platform.up()
    return platform


@pytest.fixture
def opened(settled: RunningPlatform, tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path, settled.stack, settled.environment)


def with_app(request: PullRequest, platform: RunningPlatform, **app: object) -> PullRequest:
    file = f"stacks/Pulumi.{platform.stack}.yaml"
    known = yaml.safe_load(request.read(file))
    known["config"]["evenkeel:app"] |= app
    return request.write(file, yaml.safe_dump(known, sort_keys=False))


def is_example(made: Previewed, name: str, platform: RunningPlatform) -> None:
    """The comment is the one in docs/previews; with the variable set it is written there."""
    comment = as_example(made.comment, platform.stack)
    file = EXAMPLES / f"{name}.md"
    if WRITE in os.environ:
        file.parent.mkdir(exist_ok=True)
        file.write_text(comment)
        if name == "workers":
            page = documentation.PAGE.read_text()
            documentation.PAGE.write_text(documentation.put(documentation.quoted(comment), documentation.EXAMPLE, page))
    again = f"if the comment is as it should be: {WRITE}=1 .venv/bin/pytest tests/local/test_previews.py"
    assert comment == file.read_text(), again


def test_a_changed_worker_count(opened: PullRequest, settled: RunningPlatform) -> None:
    with_app(opened, settled, colours={"blue": {"workers": 3}})
    made = opened.preview()
    assert made.code == 0 and made.report.judged == asking.BY_PACK, made.said
    assert "0 deleted, 0 replaced one at a time, 1 added" in made.comment
    assert made.said == made.comment
    is_example(made, "workers", settled)
    assert opened.preview().comment == made.comment, "the same input gives the same comment, byte for byte"


def test_a_replaced_volume(opened: PullRequest, settled: RunningPlatform) -> None:
    opened.edit("components/postgres.py", 'Volume("data", size_gib=settings.storage_gib)',
                'Volume("pgdata", size_gib=settings.storage_gib)')
    made = opened.preview()
    assert made.code == 1 and made.report.refused and made.report.failure is None, made.said
    assert made.report.rows[0].lost and made.report.rows[0].members == ("postgres-1", "postgres-2", "postgres-3")
    assert [finding.rule for finding in made.report.findings] == ["clustered-kept"]
    is_example(made, "volume", settled)


def test_a_syntax_error(opened: PullRequest, settled: RunningPlatform) -> None:
    opened.edit("components/redis.py", "class Redis(Tier):", "class Redis(Tier)")
    made = opened.preview()
    assert made.code == 1 and made.report.failure and "SyntaxError: expected ':'" in made.report.failure.error
    is_example(made, "syntax-error", settled)


def test_a_secret_that_moved_is_masked_and_a_mandatory_finding(opened: PullRequest, settled: RunningPlatform) -> None:
    exported = stack.select(settled.stack, settled.environment).export_stack()
    secrets = {text for text in in_state(exported.deployment) if len(text) > 8}
    password = min(text for text in secrets if "\n" not in text)
    with_app(opened, settled, environment={"ORDERS_FAULTS": "1", "COLOUR": password, "GREETING": f"hello {password}"})
    made = opened.preview("json")
    assert not [secret for secret in secrets if secret in made.everything or f"{secret!r}" in made.everything]
    assert "COLOUR=[secret]" in made.diff and "GREETING=hello [secret]" in made.diff
    found = {finding.message.partition(" holds")[0] for finding in made.report.findings}
    assert found == {f"web-blue-{n}: {key}" for n in (1, 2) for key in ("COLOUR", "GREETING")} and made.code == 1


def test_a_preview_that_fails_half_way_tells_what_is_known(opened: PullRequest) -> None:
    opened.edit("components/targets/docker/limits.py", "        return DiffResult(changes=olds",
                '        raise RuntimeError("boom")\n        return DiffResult(changes=olds')
    made = opened.preview()
    assert made.code == 1 and made.report.failure and "boom" in made.report.failure.error, made.said
    assert made.report.operations, "what was announced until then is told"


def test_a_rule_that_throws_in_the_engine_is_no_pass(opened: PullRequest) -> None:
    opened.edit("operations/policies/rules.py", "    count = sum(1 for member in subject.plan.members.values() if "
                'member.workload == "etcd")\n', '    raise ZeroDivisionError("odd")\n')
    made = opened.preview()
    assert made.report.judged == asking.BY_PACK, made.said
    assert [(one.rule, one.level, one.broken) for one in made.report.findings] == [("etcd-odd", "mandatory", True)]
    assert made.code == 1 and "the rule itself failed" in made.comment


def test_where_the_pack_does_not_start_the_functions_judge_and_it_is_said(
        opened: PullRequest, settled: RunningPlatform) -> None:
    opened.write("operations/policies/pack.py", "#!/bin/false\n")
    with_app(opened, settled, environment={"ORDERS_FAULTS": "1", "STRIPE_API_KEY": "sk_live_12345"})
    made = opened.preview()
    assert made.report.judged == asking.BY_FUNCTIONS and asking.BY_FUNCTIONS in made.comment, made.said
    assert {one.rule for one in made.report.findings} == {"no-secret-in-environment"} and made.code == 1
    assert made.report.rows[0].kind is Kind.REPLACED


def test_an_update_by_hand_runs_the_pack(settled: RunningPlatform) -> None:
    settings = {**SETTINGS, "app": {**SETTINGS["app"], "environment": {"ORDERS_FAULTS": "1", "API_TOKEN": "t0ken"}}}
    settled.write_settings(settings)
    try:
        done = settled.pulumi("up", "--yes", "--policy-pack", "operations/policies/pack.py")
    finally:
        settled.write_settings(SETTINGS)
    assert done.returncode != 0 and "no-secret-in-environment" in done.stdout, done.stdout
    running = settled.container("web-blue-1").attrs["Config"]["Env"]
    assert "API_TOKEN holds a secret" in done.stdout and not [entry for entry in running if "API_TOKEN" in entry]
