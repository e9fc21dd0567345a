#!/usr/bin/python
"""Module ``evenkeel.platform.platform_plan``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_plan
short_description: Compute which members have to be replaced, and in which order
version_added: 1.0.0
description:
  - Compares the stack's YAML with what runs, by Pulumi's own preview, and orders the members that would be made anew
    so that whoever leads comes last. What is already as wanted is not in the plan, so a plan made again goes on where
    an interrupted run stopped.
  - Changes nothing but what an interrupted run left behind (O(repair)).
options:
  project:
    description: The folder with Pulumi.yaml.
    type: path
    required: true
  members:
    description: The stack's members as its outputs list them.
    type: list
    elements: dict
    required: true
  tiers:
    description: Only members of these tiers.
    type: list
    elements: str
    default: []
  only:
    description: Only these members.
    type: list
    elements: str
    default: []
  repair:
    description: First start members that are stopped and remove what an interrupted run left. Not done in check mode.
    type: bool
    default: false
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing by itself.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Say what an upgrade would do
  evenkeel.platform.platform_plan:
    stack: local
    project: /srv/shop
    members: "{{ evenkeel_members }}"
  register: plan
"""

RETURN = r"""
steps:
  description: The members to be replaced, in order, with C(member), C(workload), C(tier), C(role) and C(words).
  returned: always
  type: list
  elements: dict
remaining:
  description: How many members the filters left out although they have to be replaced.
  returned: always
  type: int
others:
  description: Other changes that a plain C(pulumi up) would make.
  returned: always
  type: list
  elements: str
broken:
  description: Members to be replaced that don't serve now.
  returned: always
  type: list
  elements: str
unfinished:
  description: Whether a plain C(pulumi up) would change something even if no member had to be replaced.
  returned: always
  type: bool
refresh:
  description: Whether Pulumi has to look at the engine again.
  returned: always
  type: bool
narration:
  description: The plan as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import health, plan, pulumi, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Preview, ask for the roles, order."""
    names = {"type": "list", "elements": "str", "default": []}
    module = running.module(project={"type": "path", "required": True},
                            members={"type": "list", "elements": "dict", "required": True},
                            tiers=names, only=names, repair={"type": "bool", "default": False})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        known = {str(member["member"]): member for member in asked["members"]}
        running.require(asked["only"], known, streams.stack)
        running.require(asked["tiers"], sorted({str(member["tier"]) for member in asked["members"]}), streams.stack,
                        "tier")
        try:
            project = pulumi.Pulumi(asked["project"], streams.stack)
            wanted = asked["repair"] and not module.check_mode
            repaired: dict[str, Any] = project.repair() if wanted else {"said": [], "refresh": False}
            seen = plan.read(project.preview(list(known), refresh=repaired["refresh"]))
        except (pulumi.PulumiError, ValueError) as error:
            raise running.RefusedError(str(error)) from None
        serving = [member.name for member in streams.members() if not health.sick(streams, member)]
        steps = plan.steps(seen, asked["members"], health.roles(streams), serving, tiers=asked["tiers"],
                           only=asked["only"])
        # Members that the outputs don't know yet are additions: `pulumi up` makes them.
        changes = [change for change in seen.changes if change.member in known]
        return {"changed": bool(repaired["said"]), "steps": [step.as_dict() for step in steps],
                "remaining": len(changes) - len(steps), "others": list(seen.others),
                "refresh": repaired["refresh"], "unfinished": seen.unfinished or len(changes) < len(seen.changes),
                "broken": [change.member for change in changes if change.member not in serving],
                "narration": [*repaired["said"], *plan.words(streams.stack, steps, seen)]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
