"""Notes the commands of setup that change a platform; playbooks are noted by the collection's callback plugin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from ansible_collections.evenkeel.platform.plugins.module_utils import audit, audit_store
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

from operations.setup.paths import ROOT


def log_of(stack: str) -> audit.Log:
    """The stack's log in this checkout."""
    return audit.Log.of(ROOT, stack)


def recorded(log: audit.Log, stack: str, operation: str, options: Mapping[str, str], act: Callable[[], int]) -> int:
    """Do it between two lines of the log. Returns its exit status; what it raises is noted and goes on.

    A log that can't be written (a full disk, at three in the morning) is said, and stands in nobody's way.
    """
    try:
        run = log.begin(stack, operation, options)
    except OSError as error:
        print(f"warning: this is not noted in the audit log: {error}", file=sys.stderr)
        return act()
    result, why = audit.FAILED, ""
    try:
        status = act()
        result = audit.OK if status == 0 else audit.FAILED
    except KeyboardInterrupt:
        result = audit.INTERRUPTED
        raise
    except Exception as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise
    finally:
        with suppress(OSError, StreamError):
            audit_store.end(log, run, stack, result, why)
    return status


def kept(stack: str) -> Mapping[str, Mapping[str, object]] | None:
    """What the platform keeps, by log; None while it can't be asked."""
    try:
        return audit_store.kept(stack)
    except StreamError:
        return None
