"""What the engine holds of a stack, and how it is brought in line with the state before Pulumi runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from docker.models.containers import Container

from components.targets.docker import engine, naming
from operations.setup import by_hand
from operations.setup.stack import Recorded
from operations.supervisor import container as described

TIERS = ("edge", "app", "postgres", "redis", "monitoring", "supervision")


def containers(stack: str) -> list[Container]:
    """Every member's container, running or not, in the order in which a request passes the tiers."""
    found = engine.client().containers.list(all=True, ignore_removed=True,
                                             filters={"label": f"evenkeel.stack={stack}"})
    members = [container for container in found if "evenkeel.member" in container.labels]
    return sorted(members, key=lambda container: _place(container.labels))


def running(stack: str, workload: str) -> list[Container]:
    """The members of a workload whose containers run."""
    return [container for container in containers(stack)
            if container.labels["evenkeel.workload"] == workload and container.status == "running"]


def runs(stack: str, image: str) -> bool:
    """Whether a member is of an image that this checkout builds under the name ``image``."""
    return any(str(container.attrs["Config"]["Image"]).startswith(f"evenkeel/{image}:") for container in
               containers(stack))


def repair(stack: str, state: Recorded, say: Callable[[str], None]) -> bool:
    """Start members that are stopped, remove containers that no state knows, put back limits that were changed by
    hand. True when Pulumi must look at the engine again (``--refresh``). Data is safe: it lives in volumes, which are
    never touched here.
    """
    remove_unknown(stack, state, say)
    present = containers(stack)
    for container in present:
        if naming.SCHEDULE in container.labels and container.status != "paused":
            continue  # Between its runs a scheduled member has exited, or was only created.
        if container.status in ("exited", "created", "dead"):
            container.start()
            say(f"started {container.name}: it was {container.status}")
        elif container.status == "paused":
            container.unpause()
            say(f"resumed {container.name}: it was paused")
    for container in present:
        for change in by_hand.differences(container.attrs, state.inputs.get(container.name or "", {})):
            change.put_back(container)
            say(f"put back {change.sentence(container.labels['evenkeel.member'])}")
    ids = {container.id for container in present}
    missing = sorted(name for name, identity in state.containers.items() if identity not in ids)
    if missing:
        say(f"gone without Pulumi's knowledge, will be made again: {', '.join(missing)}")
    return bool(missing or state.pending)


def remove_unknown(stack: str, state: Recorded, say: Callable[[str], None]) -> None:
    """Remove containers and networks of the stack that the state doesn't know: a run that was cut off made them."""
    known = set(state.containers.values())
    for container in containers(stack):
        if container.id not in known:
            _end(container)
            say(f"removed {container.name}: an interrupted run had made it")
    both: dict[str, str | list[str] | bool] = {"label": [f"evenkeel.stack={stack}", "evenkeel.helper"]}
    for helper in engine.client().containers.list(all=True, ignore_removed=True, filters=both):
        helper.remove(force=True)
    for network in engine.client().networks.list(filters={"label": f"evenkeel.stack={stack}"}):
        if network.id not in state.networks:
            network.remove()
            say(f"removed the network {network.name}: an interrupted run had made it")


def _end(container: Container) -> None:
    """It may have begun to serve: whoever waits for its answer gets it, as with every member that is replaced."""
    found = described.read(container.attrs)
    if found and found.status == "running":
        container.stop(timeout=round(found.stop_grace_s))
    container.remove(force=True)


def _place(labels: Mapping[str, str]) -> tuple[int, str, int]:
    tier, workload = labels["evenkeel.tier"], labels["evenkeel.workload"]
    place = TIERS.index(tier) if tier in TIERS else len(TIERS)
    return place, workload, int(labels["evenkeel.member"].rpartition("-")[2])
