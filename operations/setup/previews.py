"""`make preview`: first who would notice what, then Pulumi's own diff. Secrets are masked in both."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi.automation import errors as automation_errors
from rich.console import Console

from components.targets.docker import guard
from operations.changes.preview import Announced
from operations.changes.words import Kind, listed
from operations.setup import by_hand, deploy, engine_state, stack


def show(name: str, environment: Mapping[str, str], console: Console) -> int:
    """Print both; 1 where an update would be refused, else 0. Raises ``DeployError``."""
    try:
        selected = stack.select(name, environment)
        # What would be refused is shown all the same, and said at the top.
        selected.workspace.env_vars = {**environment, guard.REPORT_VARIABLE: guard.REPORT}
        announced = Announced()
        result = selected.preview(on_event=announced.on_event, diff=True, color="never")
    except automation_errors.CommandError as error:
        raise deploy.DeployError(deploy.explain(str(error), environment)) from None
    for sentence in _by_hand(name, stack.recorded(selected)):
        console.print(f"by hand: {sentence}.", highlight=False, markup=False)
    effects = announced.effects()
    refused = any(effect.kind is Kind.REFUSED for effect in effects)
    console.print(f"stack {name}: what `make up` would do:" if not refused else
                  f"stack {name}: `make up` would be refused, and nothing would be changed:")
    for sentence in listed(effects):
        console.print(f"  {sentence}", highlight=False, markup=False)
    console.print("\nPulumi's own words:", highlight=False)
    console.print(result.stdout.strip(), highlight=False, markup=False, soft_wrap=True)
    return 1 if refused else 0


def _by_hand(name: str, state: stack.Recorded) -> list[str]:
    """What somebody did to the members behind Pulumi's back."""
    found = {container.name: container for container in engine_state.containers(name)}
    return [sentence for container, identity in sorted(state.containers.items())
            for sentence in by_hand.seen(found[container].attrs if container in found else None, identity,
                                         state.inputs[container], str(state.inputs[container]["hostname"]))]
