"""Callback plugin ``evenkeel.platform.audit``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit
type: aggregate
short_description: Notes every playbook in the stack's audit log
version_added: 1.3.0
description:
  - Appends two lines to C(.evenkeel/audit/STACK.jsonl) beside C(ansible.cfg), when a playbook begins and when it ends.
    They say who ran what, on which stack, with which variables (no secrets), and what became of it.
  - A run with C(--check) changes nothing and is not noted.
requirements:
  - enabled by C(callbacks_enabled)
author:
  - Evenkeel (@evenkeel)
"""

from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.evenkeel.platform.plugins.module_utils import audit, audit_store
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import StreamError

from ansible import constants, context


class CallbackModule(CallbackBase):
    """Never stands in an operation's way: what can't be noted is a warning."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "evenkeel.platform.audit"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._playbook = ""
        self._stack = ""
        self._log: audit.Log | None = None
        self._run: audit.Run | None = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = Path(str(playbook._file_name)).name

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if self._run is not None or context.CLIARGS.get("check"):
            return
        given = dict(play.get_variable_manager().extra_vars)
        self._stack = str(given.pop("stack", "local"))
        config = constants.CONFIG_FILE
        self._log = audit.Log.of(Path(config).parent if config else Path.cwd(), self._stack)
        try:
            self._run = self._log.begin(self._stack, self._playbook, given)
        except OSError as error:
            self._display.warning(f"the audit log {self._log.path} can't be written: {error}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._run is None or self._log is None:
            return
        failed = any(stats.failures.values()) or any(stats.dark.values())
        try:
            audit_store.end(self._log, self._run, self._stack, audit.FAILED if failed else audit.OK)
        except OSError as error:
            self._display.warning(f"the audit log {self._log.path} can't be written: {error}")
        except StreamError as error:
            self._display.warning(f"the platform does not keep the audit log's last line: {error}")
