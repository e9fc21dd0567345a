#!/usr/bin/python
"""Module ``evenkeel.platform.release_back``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_back
short_description: Go back to the former colour, or say what it takes to go back to it or to do without it
version_added: 1.1.0
description:
  - From the record of the last release and from what runs. Without O(switch) it changes nothing of the platform.
options:
  purpose:
    description: V(rollback) sends the traffic to the former colour; V(retire) empties the one without traffic.
    type: str
    choices: [rollback, retire]
    required: true
  force:
    description: Go back although a migration can't be undone.
    type: bool
    default: false
  lock:
    description: Take the platform's lock first, for this reason; see M(evenkeel.platform.operation_lock).
    type: str
    default: ''
    version_added: 1.2.0
  switch:
    description:
      - For a rollback, send all requests to the former colour at once where it has its workers, as
        M(evenkeel.platform.traffic_split) does with O(evenkeel.platform.traffic_split#module:absent=prepare). Where it
        lacks them, only tell so (RV(short)).
    type: bool
    default: false
    version_added: 1.2.0
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: What would a rollback do?
  evenkeel.platform.release_back:
    stack: local
    purpose: rollback
  register: back

- name: Go back as soon as can be
  evenkeel.platform.release_back:
    stack: local
    purpose: rollback
    lock: rollback.yml
    switch: true
  register: back
"""

RETURN = r"""
release:
  description: The last release's record.
  returned: always
  type: dict
colour:
  description: The colour to send the traffic to (rollback), or to empty (retire).
  returned: always
  type: str
image:
  description: The image of that colour (rollback), or of the one that stays (retire).
  returned: always
  type: str
members:
  description: The members of that colour now.
  returned: always
  type: list
  elements: str
short:
  description: Whether that colour has no worker, or a rolling release left it fewer than before.
  returned: always
  type: bool
jobs:
  description: Members that run by the clock, which belong to no colour.
  returned: always
  type: list
  elements: str
needed:
  description: Whether there is something left to do.
  returned: always
  type: bool
switch:
  description: The switch that was made, as M(evenkeel.platform.traffic_split) tells it.
  returned: when it was made
  type: dict
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    balancing,
    haproxy,
    lock_store,
    proof,
    release,
    release_store,
    running,
    split,
    switching,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams

AT_ONCE = {"percent": 100, "pools": [], "serial": None, "absent": "prepare", "health_timeout_s": 5.0,
           "least_workers": 1, "observe_s": 0.3}
"""How ``traffic_split`` is asked on the way back: a worker or a load balancer that is down must not hold it up."""


def main() -> None:
    """Look, decide, tell; go back at once where that is asked for and can be."""
    module = running.module(purpose={"type": "str", "choices": ["rollback", "retire"], "required": True},
                            force={"type": "bool", "default": False}, switch={"type": "bool", "default": False},
                            **lock_store.OPTION)
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        # Opened while others are asked: on the way back every tenth of a second counts.
        opening = balancing.Balancers(streams).opened()
        said = lock_store.take_first(streams, asked, module.check_mode)
        last = release_store.Releases(streams).current()
        if last is None:
            raise running.RefusedError(f"the stack {streams.stack} has had no release: there is nothing to go back to "
                                       "or to do without. Nothing was changed")
        members = streams.members()
        with opening as (opened, out_of_reach):
            shares = {seen.running.get("web", "0") for seen in split.look(opened, split.SPLIT).values()}
            found = rollback(last, shares, asked["force"]) if asked["purpose"] == "rollback" else retire(last, shares)
            side = [member for member in members if member.labels.get("evenkeel.colour") == found["colour"]]
            there = [member.name for member in side]
            if asked["purpose"] == "retire" and not there:
                found |= {"needed": False, "narration": [f"{found['colour']} has no worker: nothing to retire"]}
            # One worker that is down must not keep the traffic from going back at once; a rolling release took some
            # away.
            short = not side or (last.strategy == "rolling" and proof.fewer(proof.workers(side), last.capacity,
                                                                            found["colour"]))
            result = {"changed": False, "release": last.as_dict(), "members": there, "short": short,
                      "jobs": [member.name for member in members if "evenkeel.schedule" in member.labels], **found}
            result["narration"] = [*said, *found["narration"]]
            if not (asked["purpose"] == "rollback" and asked["switch"] and found["needed"] and not short):
                return result
            asking = {**AT_ONCE, "colour": found["colour"]}
            made = switching.Switch(streams, asking, module.check_mode).among(opened, out_of_reach)
            return {**result, **made, "needed": module.check_mode,
                    "narration": [*result["narration"], *made["narration"]]}

    running.perform(module, work)


def rollback(last: release.Release, shares: set[str], force: bool) -> dict[str, Any]:
    """Where the traffic of ``last`` came from."""
    if last.irreversible and not force:
        raise running.RefusedError(
            f"release {last.serial} ran a migration that can't be undone. Nothing was changed. Next: correct the image "
            f"and release it; `make rollback FORCE=true STACK={last.stack}` goes back to {last.old_image} all the same")
    needed = shares != {str(haproxy.share_of(100, last.old_colour))}
    said = (f"release {last.serial} of {last.image} is taken back: everything to {last.old_colour} "
            f"({last.old_image})" if needed else f"{last.old_colour} ({last.old_image}) has all requests already")
    return {"colour": last.old_colour, "image": last.old_image, "needed": needed, "narration": [said]}


def retire(last: release.Release, shares: set[str]) -> dict[str, Any]:
    """The colour without traffic, and the image of the other one."""
    if last.state == release.RUNNING or shares not in ({"0"}, {"100"}):
        raise running.RefusedError(f"both colours have traffic, or release {last.serial} is under way. Nothing was "
                                   f"changed. Next: finish it, or `make rollback STACK={last.stack}`")
    idle = "blue" if shares == {"100"} else "green"
    stays = last.image if last.colour != idle else last.old_image
    return {"colour": idle, "image": stays, "needed": True,
            "narration": [f"{idle} has no traffic: its workers finish and end; {stays} is what the application is"]}


if __name__ == "__main__":
    main()
