"""``make heal``: until Ctrl-C, runs the playbooks of ``monitoring.healing`` while their alerts fire; ``ONCE=yes`` looks
once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import audit
from rich.console import Console

from components.settings import Settings, SettingsError
from components.settings.healing import Hook
from operations.audit import record
from operations.healing import due
from operations.healing.due import Answer, Past
from operations.monitoring import api
from operations.policies.subject import config_of
from operations.setup.errors import SetupError
from operations.setup.paths import ROOT

EVERY_S = 5
LONGEST_S = 3600
"""A playbook that takes longer is ended, as by Ctrl-C."""
INTERRUPTED = 130


def _run(command: Sequence[str]) -> int:
    """The playbook's own output goes where ours goes."""
    try:
        return subprocess.run(command, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=LONGEST_S).returncode
    except subprocess.TimeoutExpired:
        return 124


@dataclass
class Healer:
    """One stack's hooks, one playbook at a time. Reads past runs from the audit log: a healer that was started anew, or
    on another day, knows them."""

    stack: str
    hooks: Mapping[str, Hook]
    say: Callable[[str], None]
    log: audit.Log
    note: Callable[..., int] = record.recorded
    alerts: Callable[[str], Sequence[Mapping[str, Any]]] = api.alerts
    run: Callable[[Sequence[str]], int] = _run
    _said: dict[str, str] = field(default_factory=dict)
    _ran: list[Past] = field(default_factory=list)

    def look(self, now: float) -> list[Answer]:
        """Run what is due. Raises ``SetupError`` where nobody can say what fires."""
        runs = due.known(due.past(self.log.read()), self._ran)
        answers = due.answers(self.hooks, due.firing(self.alerts(self.stack)), runs, now)
        for answer in answers:
            if answer.why:
                self._say_once(answer.hook, f"{answer.hook}: {answer.firing.name} fires ({answer.firing.says}); not "
                                            f"now: {answer.why}")
            else:
                self._act(answer)
        for hook in self._said.keys() - {answer.hook for answer in answers}:
            del self._said[hook]
        return answers

    def _act(self, answer: Answer) -> None:
        hook = self.hooks[answer.hook]
        self._said.pop(answer.hook, None)
        self.say(f"{answer.hook}: {answer.firing.name} fires ({answer.firing.says}): {hook.playbook}")
        began = time.time()
        status = self.note(self.log, self.stack, due.OPERATION, {
            due.VARIABLE: answer.hook, "alert": answer.firing.name, "playbook": hook.playbook},
            lambda: self.run(due.command(self.stack, answer.hook, hook, answer.firing)))
        self._ran.append(Past(answer.hook, began, time.time()))
        self.say(f"{answer.hook}: {hook.playbook} " + ("is done" if status == 0 else f"failed with status {status}"))

    def _say_once(self, hook: str, sentence: str) -> None:
        """Numbers in it change with every look; the reason seldom does."""
        reason = sentence.partition("not now: ")[2].split()[:2]
        if self._said.get(hook) != " ".join(reason):
            self._said[hook] = " ".join(reason)
            self.say(sentence)


def check(hooks: Mapping[str, Hook]) -> None:
    """Raise ``SetupError`` for a playbook that is not there."""
    for name, hook in hooks.items():
        if not (ROOT / hook.playbook).is_file():
            raise SetupError(f"monitoring.healing.{name}: there is no {hook.playbook} in this checkout",
                             then="correct the name in the stack's file")


def main(arguments: Sequence[str]) -> int:
    """Exit status 2 where there is nothing to do."""
    options = {"STACK": "local", **dict(part.split("=", 1) for part in arguments if "=" in part and part[-1] != "=")}
    stack, console = options["STACK"], Console()

    def say(sentence: str) -> None:
        console.print(f"{time.strftime('%F %T')} {sentence}", highlight=False, markup=False, soft_wrap=True)

    try:
        hooks = Settings.load(config_of(stack), stack=stack, where=f"stacks/Pulumi.{stack}.yaml").monitoring.healing
        if not hooks:
            console.print(f"No hook is configured. Next: `monitoring.healing` in stacks/Pulumi.{stack}.yaml "
                          "(docs/monitoring.md)", highlight=False)
            return 2
        check(hooks)
        healer = Healer(stack, hooks, say, record.log_of(stack))
        if options.get("ONCE") == "yes":
            healer.look(time.time())
            return 0
        say(f"{', '.join(hooks)}: watching; Ctrl-C ends it")
        _watch(healer)
    except (SetupError, SettingsError) as error:
        console.print(str(error), highlight=False, markup=False)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _watch(healer: Healer) -> None:
    silent = False
    while True:
        try:
            healer.look(time.time())
            silent = False
        except SetupError as error:
            if not silent:
                healer.say(f"nobody says what fires, so nothing is done: {error.what}")
            silent = True
        time.sleep(EVERY_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
