#!/usr/bin/python
"""Module ``evenkeel.platform.traffic_route``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic_route
short_description: Lead requests with a header or cookie to a colour, over all load balancers or over none
version_added: 1.1.0
description:
  - A request whose header or cookie C(X-Evenkeel-Colour) has the O(value) goes to O(colour), as long as that colour has
    workers, whatever the split says. For testers, and for one side of an A/B test.
options:
  value:
    description: What the header or cookie has to say.
    type: str
    required: true
  colour:
    description: Where that leads.
    type: str
    choices: [blue, green]
  state:
    description: Whether there shall be such a route.
    type: str
    choices: [present, absent]
    default: present
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
- name: Beta testers see green
  evenkeel.platform.traffic_route:
    stack: local
    value: beta
    colour: green
"""

RETURN = r"""
routes:
  description: Every route there is then, value -> colour.
  returned: always
  type: dict
narration:
  description: What was done, as sentences.
  returned: always
  type: list
  elements: str
"""

import re
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import balancing, haproxy, running, split
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams

VALUE = re.compile(r"^[A-Za-z0-9-]+$")


def main() -> None:
    """Read arguments, look, change everywhere."""
    module = running.module(value={"type": "str", "required": True},
                            colour={"type": "str", "choices": list(haproxy.COLOURS)},
                            state={"type": "str", "choices": ["present", "absent"], "default": "present"})
    asked = module.params
    if not VALUE.match(asked["value"]):
        module.fail_json(msg=f"value: {asked['value']!r}: letters, digits and dashes only")
    if asked["state"] == "present" and not asked["colour"]:
        module.fail_json(msg="colour: say where requests with that value shall go")

    def work(streams: DockerStreams) -> dict[str, Any]:
        balancers = balancing.Balancers(streams)
        with balancers.opened() as (opened, out_of_reach):
            balancing.require_all(out_of_reach, streams.stack)
            seen = split.look(opened, split.TESTERS)
            wanted = dict(next(iter(seen.values())).file)
            wanted.pop(asked["value"], None)
            if asked["state"] == "present":
                wanted[asked["value"]] = asked["colour"]
            change = split.Change(split.TESTERS, wanted)
            changed = any(one.wrong(wanted) for one in seen.values())
            if changed and not module.check_mode:
                split.prepare(opened, change)
                split.commit(opened, change, seen)
        if changed and not module.check_mode:
            split.confirm(balancers, change, list(seen))
        where = f"leads to {asked['colour']}" if asked["state"] == "present" else "leads nowhere in particular"
        return {"changed": changed, "routes": wanted,
                "narration": [f"X-Evenkeel-Colour: {asked['value']} {where} on {len(seen)} load balancers"],
                "diff": {"before": "".join(f"{name}: {one}\n" for name, one in seen.items()),
                         "after": "".join(f"{name}: {split.said(wanted)}\n" for name in seen)}}

    running.perform(module, work)


if __name__ == "__main__":
    main()
