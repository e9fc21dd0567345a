#!/usr/bin/python
"""Module ``evenkeel.platform.traffic_split``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic_split
short_description: Send requests to a colour, over all load balancers or over none
version_added: 1.1.0
description:
  - Proves that every load balancer sees the workers of each colour that shall get requests healthy, writes the split
    beside the one in force on every load balancer, then puts it into force on all of them (a rename and C(set map) over
    streams that were opened before), reads it back, and counts what each colour was sent.
  - What can't be done on every load balancer is undone on all of them. Whatever is found to differ (an interrupted run,
    a load balancer that was down) is put right and said.
options:
  colour:
    description: The colour that shall get O(percent) of the requests; the other one gets the rest.
    type: str
    choices: [blue, green]
    required: true
  percent:
    description: How many of 100 requests O(colour) gets.
    type: int
    default: 100
  pools:
    description: Which pools; empty means all that take requests.
    type: list
    elements: str
    default: []
  serial:
    description: Serial of the release that this brings, kept beside the split; without it, what is kept stays.
    type: int
  image:
    description: The image of that release.
    type: str
    default: ''
  record:
    description: Keep in the record of the release under way beforehand which share is meant, and afterwards the switch.
    type: bool
    default: false
    version_added: 1.2.0
  absent:
    description:
      - V(refuse) changes nothing unless every load balancer is within reach.
      - V(prepare) changes those that are, and writes the file of a stopped one, which it reads when it starts. For a
        way back that can't wait.
    type: str
    choices: [refuse, prepare]
    default: refuse
  health_timeout_s:
    description: How long the proof that the workers are healthy may take, in seconds.
    type: float
    default: 10.0
  least_workers:
    description: This many healthy workers per pool will do when O(health_timeout_s) is over; V(0) means all of them.
    type: int
    default: 0
  observe_s:
    description: How long to count what each colour is sent, in seconds.
    type: float
    default: 1.0
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
- name: All requests to green
  evenkeel.platform.traffic_split:
    stack: local
    colour: green

- name: Five of a hundred to green
  evenkeel.platform.traffic_split:
    stack: local
    colour: green
    percent: 5
"""

RETURN = r"""
before:
  description: Load balancer -> pool -> percentage that O(colour) got.
  returned: always
  type: dict
switch:
  description:
    - C(typed) is when the command was typed that led to it and C(began) when the first runtime command was sent, both
      in seconds since 1970; C(acknowledged_ms) until every load
      balancer had confirmed; C(last_old_ms) until the last request to the colour that lost all of them, null when it
      got none.
  returned: when changed and not in check mode
  type: dict
actual:
  description: Requests that each colour was sent while O(observe_s) lasted.
  returned: not in check mode
  type: dict
actual_percent:
  description: What O(colour) was sent of them; null when nobody asked anything.
  returned: not in check mode
  type: float
counted:
  description:
    - What every load balancer had answered of each colour just before the change (or now, where nothing had to be
      changed), and when (C(at), seconds since 1970). M(evenkeel.platform.release_watch) counts on from there.
  returned: not in check mode
  type: dict
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy, release_store, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams
from ansible_collections.evenkeel.platform.plugins.module_utils.switching import Switch


def main() -> None:
    """Read arguments, switch."""
    module = running.module(
        colour={"type": "str", "choices": list(haproxy.COLOURS), "required": True},
        percent={"type": "int", "default": 100}, pools={"type": "list", "elements": "str", "default": []},
        record={"type": "bool", "default": False}, serial={"type": "int"}, image={"type": "str", "default": ""},
        absent={"type": "str", "choices": ["refuse", "prepare"], "default": "refuse"},
        health_timeout_s={"type": "float", "default": 10.0}, least_workers={"type": "int", "default": 0},
        observe_s={"type": "float", "default": 1.0})
    if not 0 <= module.params["percent"] <= 100:
        module.fail_json(msg=f"percent: {module.params['percent']}: 0 to 100")

    def work(streams: DockerStreams) -> dict[str, Any]:
        store = release_store.Releases(streams) if module.params["record"] and not module.check_mode else None
        if store:
            store.mean(module.params["percent"])
        result = Switch(streams, module.params, module.check_mode).run()
        if store and "switch" in result:
            store.mark("switch", result["switch"])
        return result

    running.perform(module, work)


if __name__ == "__main__":
    main()
