#!/usr/bin/python
"""Module ``evenkeel.platform.release_begin``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_begin
short_description: Begin a release, or take up the one that was interrupted
version_added: 1.1.0
description:
  - Sees which colour has the traffic, gives the release its serial, and keeps its record in the platform's etcd. An
    interrupted release of the same image goes on from its stage; one that had no visitors yet is given up for a new
    one; one that had is not, and the command that takes it back is named.
options:
  project:
    description: The folder with Pulumi.yaml.
    type: path
    required: true
  image:
    description: The image to be released.
    type: str
    required: true
  strategy:
    description: How.
    type: str
    choices: [blue-green, canary, rolling]
    default: blue-green
  first_percent:
    description: A canary's first share of the requests, in percent.
    type: int
    default: 5
  step_percent:
    description: How much more it gets with each step, in percent.
    type: int
    default: 15
  batch:
    description: Workers of the largest pool that a rolling release moves at once, as far as the next two allow.
    type: int
    default: 1
    version_added: 1.2.0
  max_surge:
    description: How many more workers than declared there may be meanwhile.
    type: int
    default: 1
    version_added: 1.2.0
  max_unavailable:
    description: How many of the declared ones may be missing meanwhile.
    type: int
    default: 0
    version_added: 1.2.0
  lock:
    description: Take the platform's lock first, for this reason; see M(evenkeel.platform.operation_lock).
    type: str
    default: ''
    version_added: 1.2.0
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes the record of releases and nothing of the platform.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Begin
  evenkeel.platform.release_begin:
    stack: local
    project: /srv/shop
    image: registry.example.com/shop:1.5.0
  register: begun
"""

RETURN = r"""
release:
  description: The release, with C(serial), C(name), C(colour), C(image), C(old_colour), C(old_image) and C(stage).
  returned: always
  type: dict
settings:
  description: What the stack's file has to say so that the colour is filled.
  returned: always
  type: dict
steps:
  description: What is still to be done, in order; each with the share of the requests (C(percent)) and with what the
    stack's file has to say before (C(settings)).
  returned: always
  type: list
  elements: dict
members:
  description: Colour -> its members now.
  returned: always
  type: dict
refresh:
  description: Whether Pulumi has to look at the engine first, because an earlier run was cut off.
  returned: always
  type: bool
narration:
  description: The plan as sentences.
  returned: always
  type: list
  elements: str
"""

import getpass
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.evenkeel.platform.plugins.module_utils import (
    balancing,
    haproxy,
    lock_store,
    proof,
    pulumi,
    release,
    release_store,
    rolling,
    running,
    split,
    stack_file,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, Member


def main() -> None:
    """Read arguments, look, decide, keep."""
    module = running.module(
        project={"type": "path", "required": True}, image={"type": "str", "required": True},
        strategy={"type": "str", "choices": list(release.STRATEGIES), "default": "blue-green"},
        first_percent={"type": "int", "default": 5}, step_percent={"type": "int", "default": 15},
        batch={"type": "int", "default": 1}, max_surge={"type": "int", "default": 1},
        max_unavailable={"type": "int", "default": 0}, **lock_store.OPTION)
    if stack_file.YAML_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("ruamel.yaml"), exception=stack_file.YAML_IMPORT_ERROR)
    asked = module.params
    if not (1 <= asked["first_percent"] <= 100 and 1 <= asked["step_percent"] <= 100):
        module.fail_json(msg="first_percent and step_percent: 1 to 100 each")
    if wrong := rolling.problem(moving(asked)):
        module.fail_json(msg=wrong)
    running.perform(module, lambda streams: begin(module, streams))


def begin(module: AnsibleModule, streams: DockerStreams) -> dict[str, Any]:
    """The release that this run is to make."""
    asked = module.params
    taken = lock_store.take_first(streams, asked, module.check_mode)
    store = release_store.Releases(streams)
    active, known_serial = traffic(streams)
    members = {colour: [member for member in streams.members() if member.labels.get("evenkeel.colour") == colour]
               for colour in haproxy.COLOURS}
    file = Path(asked["project"]) / "stacks" / f"Pulumi.{streams.stack}.yaml"
    text = file.read_text()
    said_serial = int(stack_file.value_at(text, "app.release") or 0)
    if said_serial < known_serial:
        raise running.RefusedError(
            f"{file.name} describes release {said_serial}, and release {known_serial} runs: this checkout is older "
            "than the platform. Nothing was changed. Next: take the newest release's file (`git pull`), then run the "
            "same command again")
    before = store.current()
    try:
        made, told = release.begin(
            before, stack=streams.stack, image=asked["image"], strategy=asked["strategy"], active=active,
            active_image=image_of(streams, members[active]),
            last_serial=max(known_serial, said_serial, store.last_serial()),
            capacity={pool: count for (pool, _), count in proof.workers(members[active]).items()},
            who=getpass.getuser(), now=time.time())
    except release.ReleaseError as error:
        raise running.RefusedError(str(error)) from None
    declared = stack_file.value_at(text, f"app.colours.{made.old_colour}.image") or stack_file.value_at(
        text, "app.image")
    steps = release.ahead(release.steps(made, asked["first_percent"], asked["step_percent"], moving(asked)), made)
    settings = {**release.declared(made, declared), **steps[0].settings}
    made = replace(made, restores={**{key: stack_file.value_at(text, key) for key in settings}, **made.restores})
    refresh = False
    if not module.check_mode:
        if before is not None and before.state == release.RUNNING and before.serial != made.serial:
            store.end(replace(before, state=release.REPLACED, why=f"for {made.image}"))
        if before is not None and before.state == release.RUNNING:
            refresh = repaired(asked["project"], streams.stack)
        else:
            store.ask("")
        store.keep(made)
    return {"changed": True, "release": made.as_dict(), "settings": settings,
            "steps": [asdict(step) for step in steps],
            "members": {colour: [member.name for member in found] for colour, found in members.items()},
            "refresh": refresh, "narration": [*taken, *([told] if told else []), *plan(made, steps)]}


def moving(asked: Mapping[str, Any]) -> rolling.Moving:
    """How many workers move at once."""
    return rolling.Moving(asked["batch"], asked["max_surge"], asked["max_unavailable"])


def traffic(streams: DockerStreams) -> tuple[str, int]:
    """The colour that has the traffic, and the serial that the load balancers keep. One that is out of reach could not
    be switched later, and Pulumi would wait for it meanwhile: then nothing begins."""
    with balancing.Balancers(streams).opened() as (opened, out_of_reach):
        balancing.require_all(out_of_reach, streams.stack)
        seen = split.look(opened, split.SPLIT)
        kept = [one.run(f"cat {split.RELEASE} 2>/dev/null || true") for one in opened]
    serial = max((int(json.loads(text)["serial"]) for text in kept if text.strip()), default=0)
    return haproxy.leader(next(iter(seen.values())).running), serial


def image_of(streams: DockerStreams, members: list[Member]) -> str:
    """What a colour's web pool runs."""
    workers = [member for member in members if member.labels.get("evenkeel.pool") == "web"]
    if not workers:
        raise running.RefusedError("the colour that has the traffic has no worker: there is nothing to release beside. "
                                   "Next: `make up`")
    return streams.image_of(workers[0])


def repaired(project: str, stack: str) -> bool:
    """Put right what the interrupted run left of Pulumi's own; whether Pulumi has to look anew."""
    try:
        return bool(pulumi.Pulumi(project, stack).repair()["refresh"])
    except pulumi.PulumiError as error:
        raise running.RefusedError(str(error)) from None


def plan(made: release.Release, steps: Sequence[release.Step]) -> list[str]:
    """The release in sentences."""
    shares = ", ".join(f"{step.percent} %" for step in steps)
    beside = f"{made.old_colour} ({made.old_image})"
    if made.strategy == "rolling":
        workers = ", ".join(f"{count} of {pool}" for pool, count in made.capacity.items())
        how = (f"move the workers ({workers}) from {beside} to {made.colour} in {len(steps)} batches, with {shares} of "
               "the requests")
    else:
        how = f"fill {made.colour} beside {beside}, verify it, then give it {shares} of the requests"
    return [f"release {made.serial} of {made.image} on the stack {made.stack}, {made.strategy}: {how}"]


if __name__ == "__main__":
    main()
