"""The second example: its own tests run by Node.js, and what its lock and its stack file promise."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml

from components.settings import Settings
from operations.setup import node
from operations.setup.paths import ROOT

FOLDER = ROOT / "examples" / "visits"


def test_its_own_tests_pass() -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js or npm is not on this machine: examples/visits/tests were not run")
    assert (FOLDER / node.STAMP).exists(), "its packages are not here: `make test-unit` fetches them"
    done = subprocess.run(["node", "--test", "tests/"], check=False, cwd=FOLDER, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "# pass 0" not in done.stdout and "# skipped 0" in done.stdout, done.stdout


def test_every_package_is_locked_by_hash_and_none_by_address() -> None:
    packages = json.loads((FOLDER / node.LOCK).read_text())["packages"]
    locked = {path: package for path, package in packages.items() if path}
    assert len(locked) > 50
    assert not [path for path, package in locked.items() if not package.get("integrity", "").startswith("sha512-")]
    assert not [path for path, package in locked.items() if "resolved" in package]


def test_what_the_image_gets_is_javascript_alone() -> None:
    """The host's npm installs it, whose Node.js may be another than the image's."""
    packages = json.loads((FOLDER / node.LOCK).read_text())["packages"]
    kept = [package for path, package in packages.items() if path and not package.get("optional")]
    assert not [package for package in kept if package.get("hasInstallScript") or package.get("cpu")]


def test_its_stack_is_configuration_alone() -> None:
    text = (ROOT / "stacks" / "Pulumi.visits.yaml").read_text()
    config = {key.removeprefix("evenkeel:"): value for key, value in yaml.safe_load(text)["config"].items()}
    app = Settings.load(config, stack="visits", where="stacks/Pulumi.visits.yaml").app
    assert app.image == "visits" and app.pools.keys() == {"web", "websocket", "worker", "frontend"}
    assert app.pools["worker"].port == 0 and app.pools["frontend"].static is not None and app.jobs.keys() == {"report"}
