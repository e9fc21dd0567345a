"""`make down`: stop the platform; keep data and secrets, or delete them together (decision 8)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from rich.console import Console

from operations.setup import engine_state, stack, state_file
from operations.setup.deploy import SAVE_ONCE, DeployError, select_free, speaker
from operations.setup.paths import ROOT


def stop(name: str, environment: Mapping[str, str], console: Console, *, delete_data: bool) -> None:
    """Destroy everything but the protected resources (passwords, authority, data volumes); with ``delete_data`` these,
    too, and the stack itself."""
    if not stack.exists(name, environment):
        console.print(f"There is no stack {name!r}: nothing to stop.")
        return
    say = speaker(console)
    selected = select_free(name, environment, say)
    engine_state.remove_unknown(name, stack.recorded(selected), say)
    if delete_data:
        _pulumi(["state", "unprotect", "--all"], name, environment)
        _pulumi(["destroy", "--skip-preview"], name, environment)
        selected.workspace.remove_stack(name, preserve_config=True)
        stack.forget_salt(name)
        state_file.forget(name, environment["PULUMI_BACKEND_URL"])
        console.print(f"The stack {name!r} is gone, with its data and secrets. Its settings stay in "
                      f"stacks/Pulumi.{name}.yaml.")
    else:
        _pulumi(["destroy", "--skip-preview", "--exclude-protected"], name, environment)
        console.print(f"Stopped. Data and secrets are kept: `make up STACK={name}` brings them back, "
                      f"`make down STACK={name} DATA=delete` deletes them.")


def _pulumi(arguments: list[str], name: str, environment: Mapping[str, str]) -> None:
    """The Automation API has no words for these."""
    command = ["pulumi", *arguments, "--yes", "--non-interactive", "--stack", name, "--color", "never"]
    done = subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, **environment, **SAVE_ONCE}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0 and "waiting for state to become 'removed'" in done.stdout:
        raise DeployError("The engine counts containers on a network that has none left, and keeps it: a known "
                          "fault of Docker 20.10 when many containers stop at once. Everything else is gone.\nNext: "
                          "restart the engine (`systemctl restart docker`), then run the same command again.")
    if done.returncode != 0:
        raise DeployError(f"`{' '.join(command)}` failed:\n{done.stdout.strip()}")

