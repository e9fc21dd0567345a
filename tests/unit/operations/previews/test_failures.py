"""What errors mean and what to do: every one that is known, and the others."""

from __future__ import annotations

import pytest

from operations.previews import failures
from operations.setup.paths import ROOT


@pytest.mark.parametrize(("error", "what", "then"), [
    ("error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or ...", "A passphrase is missing.",
     "Settings, Secrets and variables"),
    ("error: incorrect passphrase", "The passphrase is not this stack's.", "PULUMI_CONFIG_PASSPHRASE"),
    ("error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions", "A token is missing",
     "PULUMI_ACCESS_TOKEN"),
    ("The Docker engine can't be reached: x", "The Docker engine can't be reached.", "make up"),
    ("the image evenkeel/redis:1 is not on this engine.\nNext: `make images`", "An image of this checkout",
     "make images"),
    ("stacks/Pulumi.x.yaml: 2 setting(s) can't be used; nothing was changed.", "The settings can't be used.",
     "docs/settings.md"),
    ("error: could not unmarshal '/x': yaml: line 3: did not find expected key", "The stack's file is no valid YAML.",
     "Correct the line"),
    ("  File \"a.py\", line 3\nSyntaxError: invalid syntax", "The program has a syntax error.", "make lint"),
    ("Traceback (most recent call last):\nKeyError: 'x'", "The program ended with an error.", "make test-unit"),
    ("error: the stack is currently locked by 1 lock(s)", "Another run holds the stack.", "again"),
    ("error: something new", "Pulumi ended with an error.", "make preview STACK=shop"),
])
def test_an_error_is_explained(error: str, what: str, then: str) -> None:
    found = failures.explain(error, "shop")
    assert found.what.startswith(what) and then in found.then and found.means


def test_paths_of_this_machine_and_echoes_are_not_shown() -> None:
    frame = f"  File \"{ROOT}/components/x.py\", line 1"
    said = failures.tidy(f"error: preview failed\n{frame}\nerror: boom\npreview failed\n")
    assert said == '  File "components/x.py", line 1\nerror: boom'


def test_what_the_table_tells_is_no_failure() -> None:
    protected = ('Preview failed: resource "urn:x" cannot be deleted\nbecause it is protected. To unprotect ...\n',
                 'unable to replace resource "urn:x"\nas it is currently marked for protection. To unprotect ...\n')
    assert failures.beyond_protection([*protected, "preview failed\n"]) == []
    assert failures.beyond_protection([*protected, "boom\n", "boom\n"]) == ["boom"]
