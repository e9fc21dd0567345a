"""`make up`'s second half: `pulumi up` with words for what it waits for, then the table."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pulumi import automation
from pulumi.automation import errors as automation_errors
from pulumi.automation.events import EngineEvent
from rich.console import Console

from components.targets.docker import engine, naming, waiting
from operations.setup import engine_state, stack, state_file

SHOW_EVERY_S = 10
SAVE_ONCE: Mapping[str, str] = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""Pulumi writes the whole state before and after every step, a third of a start's work. Once at the end is enough where
the next run finds by itself what a run that was cut off made (``engine_state``), or took away."""
READY = "ready"
"""The resource that waits for all members (``components/targets/docker/readiness.py``)."""
GROUPS = ("pulumi:pulumi:Stack", "evenkeel:")
"""Resources that only hold others: they end when these do."""
ECHOES = ("update failed", "an unhandled error occurred: program exited")


class DeployError(Exception):
    """`pulumi up` failed; the message is what its user needs to read."""


def speaker(console: Console) -> Callable[[str], None]:
    """Says what is done on the way to a command's end, indented under it."""
    return lambda sentence: console.print(f"  {sentence}", highlight=False)


def select_free(name: str, environment: Mapping[str, str], say: Callable[[str], None]) -> automation.Stack:
    """The stack, once no other run holds it. Raises ``DeployError`` where it can't be opened or never becomes free."""
    try:
        selected = stack.select(name, environment)
        stack.wait_for_others(selected, environment["PULUMI_BACKEND_URL"], say)
    except automation_errors.CommandError as error:
        raise DeployError(explain(str(error), environment)) from None
    except TimeoutError as error:
        raise DeployError(str(error)) from None
    return selected


def deploy(name: str, environment: Mapping[str, str], console: Console, *,
           parallel: int | None = None) -> automation.UpResult:
    """Bring the stack up and return when every member serves. ``environment`` is what ``prepare`` returned;
    ``parallel`` bounds how many resources change at once, where what serves must not feel it."""
    say = speaker(console)
    selected = select_free(name, environment, say)
    recorded = stack.recorded(selected)
    stack.release_retired(selected, recorded, say)
    refresh = engine_state.repair(name, recorded, say)
    if recorded.has_secrets and not engine_state.containers(name):
        environment = {**environment, **SAVE_ONCE}
    with tempfile.NamedTemporaryFile(prefix="evenkeel-ready-") as ready:
        selected.workspace.env_vars = {**environment, "EVENKEEL_READY_FILE": ready.name}
        watch = Watch(console, Path(ready.name))
        with watch:
            try:
                result = selected.up(on_event=watch.on_event, refresh=refresh, color="never", parallel=parallel)
            except automation_errors.CommandError as error:
                raise DeployError(explain(watch.errors() or str(error), environment)) from None
    state_file.prune(name, environment["PULUMI_BACKEND_URL"])
    if not watch.waited:
        _wait_for_all(name)
    return result


def _wait_for_all(name: str) -> None:
    """Nothing changed for Pulumi may still mean that members have just been started, by us or by the engine."""
    members = [
        {"member": container.labels["evenkeel.member"], "container": container.name,
         "health": engine.health_command(container), "startSeconds": 120}
        for container in engine_state.containers(name) if naming.SCHEDULE not in container.labels
    ]
    waiting.until_ready(members)


def explain(output: str, environment: Mapping[str, str]) -> str:
    """What Pulumi printed, and for the cases it leaves unexplained, what to do."""
    if "incorrect passphrase" in output:
        file = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_CONFIG_PASSPHRASE")
        return (f"The passphrase in {file} does not open this stack's secrets; nothing was changed.\nNext: put the "
                "right one there; or, where it is lost and the data may go, remove the stack file's `encryptionsalt` "
                "line and the stack's folder in .evenkeel/state, then run `make up` again.")
    return output


class Watch:
    """Follows a run's events: a line every ``SHOW_EVERY_S`` seconds says how far it is and what it waits for."""

    def __init__(self, console: Console, ready_file: Path) -> None:
        self._console = console
        self._ready_file = ready_file
        self._busy: dict[str, str] = {}
        self._done = 0
        self._diagnostics: list[str] = []
        self._members: set[str] = set()
        self.waited = False
        """Whether the run itself waited until all members served."""
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def on_event(self, event: EngineEvent) -> None:
        """Called by the Automation API, from a thread of its own."""
        before = event.resource_pre_event
        if before and before.metadata.op != "same" and not before.metadata.type.startswith(GROUPS):
            metadata = before.metadata
            self._busy[metadata.urn] = metadata.op.value if hasattr(metadata.op, "value") else str(metadata.op)
            inputs = (metadata.new.inputs if metadata.new else None) or {}
            if metadata.type.startswith("docker:index/container") and inputs.get("start", True):
                self._members.add(metadata.urn.rsplit("::", 1)[-1])
        elif event.res_outputs_event and event.res_outputs_event.metadata.urn in self._busy:
            urn = event.res_outputs_event.metadata.urn
            del self._busy[urn]
            self._done += 1
            self.waited |= urn.endswith(f"::{READY}")
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            self._diagnostics.append(event.diagnostic_event.message.strip())

    def errors(self) -> str:
        """The errors that the engine reported, each once, without those that only say that there was one."""
        return "\n".join(text for text in dict.fromkeys(self._diagnostics) if text and not text.startswith(ECHOES))

    def _report(self) -> None:
        while not self._stop.wait(SHOW_EVERY_S):
            elapsed = time.monotonic() - self._started
            self._console.print(f"  {elapsed:4.0f} s  {self._done} resources done; {self._waiting_for()}")

    def _waiting_for(self) -> str:
        busy = sorted(urn.rsplit("::", 1)[-1] for urn in list(self._busy))
        if busy == [READY]:
            served = set(self._ready_file.read_text().split())
            waiting = sorted(self._members - served)
            return f"waiting until these serve: {', '.join(waiting)}" if waiting else "all members serve"
        if not busy:
            return "reading the program"
        return "under way: " + ", ".join(busy[:6]) + (f" and {len(busy) - 6} more" if len(busy) > 6 else "")
