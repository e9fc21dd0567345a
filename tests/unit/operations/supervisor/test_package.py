"""The supervisor ships into an image that has Python's standard library and cronsim, and nothing else."""

from __future__ import annotations

import ast
import sys

from operations.setup import images
from operations.setup.paths import ROOT

FOLDER = ROOT / "operations" / "supervisor"


def test_it_imports_nothing_that_its_image_lacks() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else \
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                known = name.split(".")[0] in sys.stdlib_module_names or name == "cronsim"
                assert known or name.startswith("operations.supervisor"), f"{file.name} imports {name}"


def test_its_image_changes_with_it() -> None:
    assert images.PACKAGES["supervisor"] == ("operations/supervisor",)
    assert not list(FOLDER.glob("tests")), "tests are no part of the digest, nor of the image"
