"""Bad days of a preview, by the real engine: each ends with a comment that says what it means and what to do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from operations.setup.env import BACKEND
from tests.support.pull_request import PullRequest
from tests.support.running import RunningPlatform


@pytest.fixture
def opened(declared: RunningPlatform, tmp_path: Path) -> PullRequest:
    declared.write_settings()
    return PullRequest(tmp_path, declared.stack, declared.environment)


def state_of(backend: Path) -> str:
    """A digest of everything that a backend keeps."""
    files = sorted(file for file in backend.rglob("*") if file.is_file() and "test-preview" in file.name)
    return hashlib.sha256(b"".join(str(file).encode() + file.read_bytes() for file in files)).hexdigest()


def test_a_stack_that_does_not_exist_is_all_creations_folded_and_is_not_made(
        declared: RunningPlatform, tmp_path: Path) -> None:
    declared.write_settings()
    request = PullRequest(tmp_path, declared.stack, declared.environment)
    name = "brand-new"
    file = tmp_path / "stacks" / f"Pulumi.{name}.yaml"
    file.write_text(request.read(f"stacks/Pulumi.{declared.stack}.yaml"))
    before = file.read_bytes()
    made = PullRequest.of(tmp_path, name, declared.environment).preview()
    assert made.code == 0 and made.report.compared == "nothing", made.said
    title, _, folded = made.comment.partition("<details>")
    assert "a new stack, 26 members added" in title and "postgres-1" not in title and "`postgres-1`" in folded
    assert "in Pulumi's engine" in made.report.judged and not made.report.findings
    assert file.read_bytes() == before, "no salt was left in its file"
    assert not list(BACKEND.rglob(f"{name}*")), "a preview makes no stack"


def test_a_wrong_passphrase_says_which_and_where(opened: PullRequest) -> None:
    before = state_of(BACKEND)
    made = opened.preview(PULUMI_CONFIG_PASSPHRASE="not this one", PULUMI_CONFIG_PASSPHRASE_FILE=None)
    assert made.code == 1 and "The passphrase is not this stack" in made.comment, made.said
    assert "PULUMI&#95;CONFIG&#95;PASSPHRASE</code>" in made.comment and "Secrets and variables" in made.comment
    assert state_of(BACKEND) == before


def test_a_missing_passphrase_says_which_and_where(opened: PullRequest) -> None:
    made = opened.preview(PULUMI_CONFIG_PASSPHRASE=None, PULUMI_CONFIG_PASSPHRASE_FILE=None)
    assert made.code == 1 and "A passphrase is missing." in made.comment, made.said
    assert "Secrets and variables" in made.comment


def test_a_stack_file_that_is_no_yaml_is_said(opened: PullRequest, declared: RunningPlatform) -> None:
    file = f"stacks/Pulumi.{declared.stack}.yaml"
    opened.write(file, opened.read(file) + "  evenkeel:redis: {masters: 3\n")
    made = opened.preview()
    assert made.code == 1 and "no valid YAML" in made.comment, made.said


def test_settings_that_can_not_be_used_are_said_once(opened: PullRequest, declared: RunningPlatform) -> None:
    file = f"stacks/Pulumi.{declared.stack}.yaml"
    known = yaml.safe_load(opened.read(file))
    known["config"]["evenkeel:redis"] = {"mastres": 3}
    opened.write(file, yaml.safe_dump(known))
    made = opened.preview()
    assert made.code == 1 and made.report.failure and made.report.failure.what == "The settings can't be used."
    assert made.report.failure.error.count("did you mean `masters`?") == 1, made.said


def test_without_an_engine_the_comment_says_so(opened: PullRequest) -> None:
    made = opened.preview(DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert made.code == 1 and "The Docker engine can't be reached." in made.comment, made.said
