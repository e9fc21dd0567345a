"""What a supervisor says: one line of JSON per action, in its own log (`make logs TIER=supervision`)."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

_one_at_a_time = threading.Lock()


def line(now: float, level: str, actor: str, action: str, text: str, **fields: Any) -> str:
    """One line. ``now``: seconds since 1970. Fields that are None are left out; seconds are rounded to hundredths."""
    stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    known = {key: round(value, 2) if isinstance(value, float) else value for key, value in fields.items()
             if value is not None}
    return json.dumps({"time": stamp, "level": level, "action": action, **known, "actor": actor, "msg": text})


class Report:
    """Writes lines in the name of one supervisor."""

    def __init__(self, me: str) -> None:
        self._me = me
        self.count: Callable[[str, str | None], None] = lambda _action, _member: None
        """Told of every action and the member that it is about."""

    def __call__(self, action: str, text: str, *, level: str = "info", actor: str | None = None, **fields: Any) -> None:
        """``actor``: who did it, where it wasn't us."""
        self.count(action, fields.get("member"))
        said = line(datetime.now(UTC).timestamp(), level, actor or self._me, action, text, **fields)
        with _one_at_a_time:
            sys.stdout.write(said + "\n")
            sys.stdout.flush()
