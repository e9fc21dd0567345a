"""What is no fault but is drilled as one: a planned switchover, done by the collection's own module."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from operations.drills.errors import DrillError
from operations.drills.platform import Platform
from operations.setup.paths import ROOT

LIMIT_S = 120


@dataclass
class Switchover:
    """Somebody else than ``victims`` becomes primary. (Not by switchover.yml: the drill holds the platform's lock.)"""

    victims: Sequence[str]

    def apply(self, platform: Platform) -> None:
        done = subprocess.run(
            ["ansible", "localhost", "-m", "evenkeel.platform.patroni_switchover",
             "-a", f"stack={platform.stack} avoid={','.join(self.victims)}",
             # The inventory is this stack's; without, it would be that of `local`, and fail where there is none.
             "-e", f"stack={platform.stack}"],
            check=False, cwd=ROOT, text=True, capture_output=True, timeout=LIMIT_S)
        if done.returncode != 0:
            raise DrillError(f"the switchover was refused: {(done.stdout + done.stderr)[-1500:]}")

    def undo(self, platform: Platform) -> None:
        """Who leads is nobody's configuration: nothing is to be undone."""
