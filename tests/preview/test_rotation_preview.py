"""What the real engine says about a rotation: which steps it sees, and no value of any secret."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from components.generated import rotation
from operations.rotation import held
from operations.rotation.held import Held
from operations.setup import stack
from tests.support.running import RunningPlatform

NAMES = ("redis-cache", "authority")


FOUNDATION = "evenkeel:platform:Foundation"
KINDS = {**dict.fromkeys(NAMES, f"{FOUNDATION}$pulumi-python:dynamic:Resource"), "foundation": FOUNDATION}


def held_by(platform: RunningPlatform) -> dict[str, Held]:
    return held.read(stack.select(platform.stack, platform.environment))


def up(platform: RunningPlatform, request: str = "") -> str:
    """Only a password and the authority: nothing runs on the engine."""
    platform.environment[rotation.VARIABLE] = request
    targets = [part for name, kind in KINDS.items()
               for part in ("--target", f"urn:pulumi:{platform.stack}::evenkeel::{kind}::{name}")]
    done = platform.pulumi("up", "--yes", "--skip-preview", *targets)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def generated() -> Iterator[RunningPlatform]:
    """A stack of which only a password and the authority exist."""
    running = RunningPlatform(f"test-rotation-{os.getpid()}")
    running.write_settings()
    stack.select(running.stack, running.environment)
    try:
        up(running)
        yield running
    finally:
        running.environment.pop(rotation.VARIABLE, None)
        running.delete()


def test_a_preview_names_the_step_and_no_value(generated: RunningPlatform) -> None:
    generated.environment[rotation.VARIABLE] = "introduce:redis-cache,authority"
    preview = generated.pulumi("preview", "--diff")
    assert preview.returncode == 0, preview.stdout
    assert '"introduce"' in preview.stdout
    secrets = [value.in_use for name, value in held_by(generated).items() if name != "authority"]
    assert secrets and not any(secret in preview.stdout for secret in secrets)
    assert "PRIVATE KEY" not in preview.stdout


def test_the_engine_takes_every_step_and_keeps_a_phase(generated: RunningPlatform) -> None:
    before = held_by(generated)
    said = up(generated, "introduce:redis-cache,authority")
    introduced = held_by(generated)
    said += up(generated)
    assert held_by(generated) == introduced, "a plain update keeps the phase"
    assert {value.phase for value in introduced.values()} == {rotation.Phase.INTRODUCED}
    said += up(generated, "switch:redis-cache,authority")
    said += up(generated, "retire:redis-cache,authority")
    now = held_by(generated)
    for name in NAMES:
        assert now[name].in_use == introduced[name].other != before[name].in_use
        assert (now[name].phase, now[name].other, now[name].slot) == (rotation.Phase.STEADY, "", "b")
    assert before["redis-cache"].in_use not in said and now["redis-cache"].in_use not in said


def test_a_name_that_is_none_is_refused(generated: RunningPlatform) -> None:
    generated.environment[rotation.VARIABLE] = "introduce:redis-cash"
    preview = generated.pulumi("preview")
    assert preview.returncode != 0 and "names redis-cash; this stack has authority" in preview.stdout
    assert "Traceback" not in preview.stdout
