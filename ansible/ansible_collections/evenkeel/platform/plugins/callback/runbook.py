"""Callback plugin ``evenkeel.platform.runbook``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook
type: stdout
short_description: A run that reads as its runbook, with times
version_added: 1.0.0
description:
  - Prints what modules of this collection say about what they did (their C(narration)), with the seconds since the run
    began; then a total.
  - Other modules' changes are named, debug messages are shown, failures are shown in full. With C(-v) everything is
    shown as usual.
author:
  - Evenkeel (@evenkeel)
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import time
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default

from ansible import constants

PLAIN = ("evenkeel.platform.", "ansible.builtin.fail")
"""Whose failures are sentences."""
SILENT = ("ansible.builtin.include_tasks", "ansible.builtin.import_tasks", "ansible.builtin.include_role",
          "ansible.builtin.import_role", "ansible.builtin.set_fact", "ansible.builtin.debug", "ansible.builtin.assert",
          "ansible.builtin.meta", "ansible.builtin.fail")
"""Which change nothing, or say so themselves."""


class CallbackModule(Default):
    """The default output where it matters, sentences elsewhere."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "evenkeel.platform.runbook"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    @property
    def _verbose(self) -> bool:
        return bool(self._display.verbosity)

    def _line(self, text: str, color: str | None = None) -> None:
        elapsed = time.monotonic() - self._began
        for number, part in enumerate(text.splitlines() or [""]):
            self._display.display(f"{elapsed:7.1f} s  {part}" if number == 0 else f"{'':9}  {part}", color=color)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if self._verbose:
            super().v2_playbook_on_play_start(play)
        elif play.get_name().strip():
            self._line(play.get_name().strip())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self._verbose:
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_runner_on_ok(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_on_ok(result)
            return
        self._say(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_item_on_ok(result)
            return
        self._say(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if ignore_errors or result._result.get("failed_when_result") is False:
            return
        if self._verbose or not str(result._task.action).startswith(PLAIN):
            self._line(f"FAILED: {result._task.get_name()}", constants.COLOR_ERROR)
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._line(f"FAILED: {result._task.get_name().rpartition(' : ')[2]}", constants.COLOR_ERROR)
        self._display.display(str(result._result.get("msg", "")), color=constants.COLOR_ERROR)

    def v2_runner_on_skipped(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if self._verbose:
            super().v2_runner_item_on_skipped(result)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if self._verbose:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._verbose:
            super().v2_playbook_on_stats(stats)
        failed = any(stats.failures.values()) or any(stats.dark.values())
        changed = sum(stats.changed.values())
        outcome = "stopped at a failure" if failed else f"{changed} tasks changed something" if changed else (
            "nothing was changed")
        self._line(f"{outcome}; {time.monotonic() - self._began:.1f} s in all",
                   constants.COLOR_ERROR if failed else None)

    def _say(self, result: Any) -> None:
        found, task = result._result, result._task
        if "results" in found:
            return  # a loop: each item has spoken
        changed = bool(found.get("changed"))
        colour = constants.COLOR_CHANGED if changed else None
        if "narration" in found:
            for sentence in found["narration"]:
                self._line(str(sentence), colour)
        elif task.action.rpartition(".")[2] == "debug" and "msg" in found:
            message = found["msg"]
            for sentence in message if isinstance(message, list) else [message]:
                self._line(str(sentence))
        elif changed and task.action not in SILENT:
            host = result._host.get_name()
            self._line(f"{task.get_name()}{'' if host == 'localhost' else f' ({host})'}: changed", colour)
