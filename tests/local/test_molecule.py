"""The collection's Molecule scenarios, on the platform of this run: what would be done is said, done once, verified."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from operations.setup.paths import ROOT
from tests.support.running import RunningPlatform

COLLECTION = ROOT / "ansible/ansible_collections/evenkeel/platform"
SCENARIOS = sorted(file.parent.name for file in (COLLECTION / "extensions/molecule").glob("*/molecule.yml"))
PATIENCE_S = 300


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_converges_twice(platform: RunningPlatform, tmp_path: Path, scenario: str) -> None:
    done = subprocess.run(
        ["molecule", "test", "-s", scenario], cwd=COLLECTION, text=True, capture_output=True, check=False,
        timeout=PATIENCE_S, env={**platform.environment, "STACK": platform.stack, "PROJECT": str(ROOT),
                                 "URLS": " ".join(platform.urls), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "ansible"),
                                 "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path), "NO_COLOR": "1"})
    print(done.stdout + done.stderr)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
