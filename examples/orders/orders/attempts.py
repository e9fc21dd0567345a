"""When another attempt at a statement is worth its time."""

from __future__ import annotations

import psycopg

RETRY_S = 0.1
"""Pause before an attempt is repeated."""
WORTH_RETRYING_S = 0.5
"""With less time than this left, an attempt isn't repeated."""


def may_pass(error: psycopg.Error) -> bool:
    """Whether another attempt may go better: lost or refused connections, a server that is going down, starting,
    no longer primary or out of connections, and collisions between transactions."""
    code = error.sqlstate
    return code is None or code[:2] in ("08", "40", "53") or code.startswith("57P0") or code == "25006"
