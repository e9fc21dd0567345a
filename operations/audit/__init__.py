"""Who did what to a stack: noting what setup does, and showing the log.

The log's format is the collection's, since playbooks write it, too: its folder has to be importable here.
"""

from __future__ import annotations

import sys

from operations.setup.paths import ROOT

COLLECTIONS = str(ROOT / "ansible")

if COLLECTIONS not in sys.path:
    sys.path.append(COLLECTIONS)
