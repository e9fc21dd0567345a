"""Waiting for what becomes true by itself, never longer than it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_until(true: Callable[[], Any], what: str, limit_s: float = 20.0, step_s: float = 0.1) -> float:
    """Seconds until it held."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s: {what}"
        time.sleep(step_s)
    return time.monotonic() - began
