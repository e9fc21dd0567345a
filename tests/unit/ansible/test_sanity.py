"""What `ansible-test sanity` would say of the collection, as far as it needs no download: documentation that fits the
arguments, and plugins that `ansible-doc` can show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_test
import pytest

from operations.setup.paths import ROOT

COLLECTION = ROOT / "ansible/ansible_collections/evenkeel/platform"
VALIDATE = Path(ansible_test.__path__[0]) / "_util/controller/sanity/validate-modules"
NOT_OURS = {"missing-gplv3-license"}
"""Asked of collections that Ansible itself publishes."""


@pytest.fixture(scope="module")
def verdict() -> dict[str, Any]:
    """The verdict of Ansible's own validator on every module."""
    paths = os.pathsep.join([str(VALIDATE), str(ROOT / "ansible")])
    done = subprocess.run([sys.executable, VALIDATE / "validate.py", "--collection",
                           "ansible_collections/evenkeel/platform", "--collection-version", "1.0.0", "--format", "json",
                           "plugins/modules"], cwd=COLLECTION, env={**os.environ, "PYTHONPATH": paths}, text=True,
                          capture_output=True, check=False)
    return dict(json.loads(done.stdout))


def test_documentation_fits_the_arguments_of_every_module(verdict: dict[str, Any]) -> None:
    assert {Path(module).stem for module in verdict} == {
        path.stem for path in (COLLECTION / "plugins/modules").glob("*.py")}
    errors = [f"{Path(module).stem}: {error['code']}: {error['msg']}" for module, said in verdict.items()
              for error in said["errors"] if error["code"] not in NOT_OURS]
    assert errors == []


@pytest.mark.parametrize("kind", ["module", "inventory", "lookup", "connection", "callback"])
def test_every_plugin_has_documentation_that_can_be_shown(kind: str) -> None:
    folder = "modules" if kind == "module" else kind
    names = sorted(f"evenkeel.platform.{path.stem}" for path in (COLLECTION / "plugins" / folder).glob("*.py"))
    assert names
    program = Path(sys.executable).parent / "ansible-doc"
    done = subprocess.run([program, "--json", "--type", kind, *names], cwd=ROOT, text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert sorted(shown) == names
    for name, plugin in shown.items():
        assert plugin["doc"]["short_description"], name
        if kind == "module":
            assert plugin["examples"] and plugin["return"], name
            assert plugin["doc"]["attributes"]["check_mode"]["support"] == "full", name
