"""Unit tests of the example application: no service is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what the application runs on."""
    return "asyncio"
