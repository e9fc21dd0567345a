"""Python packages of images, importable as they are in their image."""

from __future__ import annotations

import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[3] / "images"

sys.path[:0] = [str(IMAGES / "redis"), str(IMAGES / "nginx")]
