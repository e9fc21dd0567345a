"""A member's clock beside ours: what programs inside members say they did at a time of theirs, as times of ours."""

from __future__ import annotations

import math


class Clock:
    """One member's clock, in seconds. Of several looks at it the one counts that was told to us most quickly: what an
    answer takes to arrive is all that this is wrong by."""

    def __init__(self) -> None:
        self._behind = math.inf

    def heard(self, theirs: float, ours: float) -> None:
        """The member said that its clock shows ``theirs``; this arrived at ``ours``."""
        self._behind = min(self._behind, ours - theirs)

    def ours(self, theirs: float) -> float:
        """Their time as ours; as it is where the member never said what its clock shows."""
        return theirs if math.isinf(self._behind) else theirs + self._behind
