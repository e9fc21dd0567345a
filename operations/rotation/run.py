"""A rotation, step by step: `pulumi up` with the step, all members healthy, the step proved; then the next one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import yaml
from rich.console import Console

from components.certificates import AUTHORITY
from components.generated import rotation
from components.generated.rotation import Phase, Step
from components.settings import Settings
from operations.rotation import held, plan, proofs
from operations.rotation.held import Held
from operations.setup import deploy
from operations.setup.paths import ROOT

PARALLEL = 3
"""Members that get their files at once. All twenty at a time would take the processor from those that serve."""
SAID = {
    Step.INTRODUCE: "a second value is accepted beside the one in use",
    Step.SWITCH: "the new value is in use, the old one still accepted",
    Step.RETIRE: "the old value is refused",
    Step.WITHDRAW: "back to the old value",
}


def rotate(name: str, what: str, console: Console, *, until: Step = Step.RETIRE, back: bool = False) -> None:
    """Rotate ``what`` of the stack, or take back what is unfinished of it.

    Raises ``PlanError`` before anything is done, ``DeployError`` or ``ProofError`` after the step that failed. Whatever
    is done is kept: called again, it goes on from there.
    """
    began = time.monotonic()

    def say(sentence: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {sentence}", highlight=False)

    environment = {key: value for key, value in os.environ.items() if key != rotation.VARIABLE}
    selected = deploy.select_free(name, environment, say)
    now = held.read(selected)
    if not now:
        raise plan.PlanError(f"The stack {name!r} has no secrets yet.\nNext: `make up STACK={name}`.")
    chosen = plan.select(what, {key: value.phase for key, value in now.items()})
    phases = {key: now[key].phase for key in chosen}
    todo = plan.back(phases) if back else plan.forward(phases, until)
    _tell(todo, what, say)
    settings = _settings(name)
    for stage in todo.stages:
        before = {key: now[key] for key in stage.names}
        started = time.monotonic()
        say(f"{stage.step}: {', '.join(stage.names)}")
        deploy.deploy(name, {**environment, rotation.VARIABLE: stage.request}, console, parallel=PARALLEL)
        now = held.read(selected)
        after = {key: now[key] for key in stage.names}
        proofs.require(_questions(name, settings, stage.step, before, after), say)
        say(f"{stage.step}: {SAID[stage.step]}, proved ({time.monotonic() - started:.1f} s)")
    _conclude({key: now[key] for key in chosen}, what, name, say)
    console.print(f"[bold]rotate: {len(todo.stages)} steps, {len(chosen) - len(todo.left_out)} of {len(now)} secrets; "
                  f"{time.monotonic() - began:.1f} s in all[/]", highlight=False)


def _questions(name: str, settings: Settings, step: Step, before: Mapping[str, Held],
               after: Mapping[str, Held]) -> list[proofs.Question]:
    found = proofs.accepted(name, settings, after)
    if Phase.STEADY in {value.phase for value in after.values()}:
        found += proofs.refused(name, settings, before, after)
    if AUTHORITY in after and step is not Step.INTRODUCE:
        found += proofs.issued_by(name, after[AUTHORITY].in_use)
    return found


def _tell(todo: plan.Plan, what: str, say: Callable[[str], None]) -> None:
    if todo.resumed:
        say(f"an unfinished rotation is there: {', '.join(todo.resumed)}")
    if todo.left_out:
        say(f"it is finished first; these are through with it: {', '.join(todo.left_out)} (run `make rotate` again to "
            "rotate them once more)")
    if not todo.stages:
        say(f"{what}: nothing to do")


def _conclude(chosen: Mapping[str, Held], what: str, name: str, say: Callable[[str], None]) -> None:
    if any(value.phase is not Phase.STEADY for value in chosen.values()):
        more = "" if name == "local" else f" STACK={name}"
        say(f"unfinished on purpose: `make rotate WHAT={what}{more}` finishes it, with BACK=yes it is taken back")


def _settings(name: str) -> Settings:
    """The stack's settings as its file says them."""
    config = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{name}.yaml").read_text()).get("config") or {}
    plain = {key.partition(":")[2]: value for key, value in config.items()
             if key.startswith("evenkeel:") and not (isinstance(value, dict) and "secure" in value)}
    return Settings.load(plain, stack=name, where=f"stacks/Pulumi.{name}.yaml")
