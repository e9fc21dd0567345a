"""Which stacks a change touches, by the paths that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from operations.setup.paths import ROOT

ALL = ("__main__.py", "Pulumi.yaml", "components/", "templates/", "images/", "examples/", "requirements.in",
       "requirements.txt", "operations/changes/", "operations/policies/", "operations/supervisor/", "toolchain/")
"""What every stack is made from. The supervisor's image ships its package; previews of a change to the rules show what
these say."""
QUIET = ("examples/orders/tests/", "examples/visits/tests/")


def stacks(paths: Iterable[str], known: Sequence[str]) -> list[str]:
    """Of the ``known`` stacks those that a change of ``paths`` touches, sorted."""
    changed = [path for path in paths if not path.startswith(QUIET)]
    if any(path == one or (one.endswith("/") and path.startswith(one)) for path in changed for one in ALL):
        return sorted(known)
    files = {PurePosixPath(path).name for path in changed if path.startswith("stacks/")}
    return sorted(stack for stack in known if f"Pulumi.{stack}.yaml" in files)


def known(root: Path = ROOT) -> list[str]:
    """Every stack that has a file."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml")
                  for file in (root / "stacks").glob("Pulumi.*.yaml"))
