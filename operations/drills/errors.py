"""How a drill fails. Apart from the platform it needs: the client's process, which says so too, has no use for that."""

from __future__ import annotations


class DrillError(Exception):
    """A drill can't begin or go on; says why and what to do."""
