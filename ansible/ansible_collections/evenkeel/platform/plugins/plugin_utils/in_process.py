"""The action plugin of every module here (``plugins/action`` links to it): runs it without a Python of its own.

They speak to a Docker engine and to services from the controller, so each of them would start an interpreter there and
import the same libraries again: half a second and more for a task that takes hundredths. The worker that Ansible forks
for a task has all of that already. Where a module is to run elsewhere (another connection, another user, another
interpreter, in the background) it runs as every module does.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils import basic
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.platform.plugins.module_utils import streams

MODULES = "ansible_collections.evenkeel.platform.plugins.modules"
PROFILE = "legacy"
"""How values are written between Ansible and a module, in Ansible's words."""


class ActionModule(ActionBase):
    """One task."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result = super().run(tmp, variables)
        if not self._here(variables):
            return dict(result, **self._execute_module(task_vars=variables, wrap_async=bool(self._task.async_val)))
        name = str(self._task.action)
        arguments = dict(self._task.args)
        self._update_module_args(name, arguments, variables)
        return dict(result, **perform(name.rpartition(".")[2], arguments))

    def _here(self, variables: dict[str, Any]) -> bool:
        interpreter = self._templar.template(variables.get("ansible_python_interpreter", sys.executable))
        return (self._connection.transport == "local" and not self._play_context.become and not self._task.async_val
                and str(interpreter) == sys.executable and not streams.DOCKER_IMPORT_ERROR)


def perform(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a module of this collection answers to these arguments, Ansible's own included."""
    module = importlib.import_module(f"{MODULES}.{name}")
    encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoder).encode()
    basic._ANSIBLE_PROFILE = PROFILE
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    answer = (said.getvalue().strip().splitlines() or [""])[-1]
    if not answer.startswith("{"):
        raise AnsibleError(f"the module {name} ended without an answer: {answer}")
    return dict(json.loads(answer, cls=get_module_decoder(PROFILE, Direction.MODULE_TO_CONTROLLER)))
