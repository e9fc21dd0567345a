#!/usr/bin/python
"""Module ``evenkeel.platform.platform_member``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_member
short_description: Bring the platform to what the stack's YAML says, and these members with it
version_added: 1.0.0
description:
  - Runs C(pulumi up) with the permission to replace exactly O(members). Members that are new or gone need none, and
    neither does what replaces nobody.
options:
  project:
    description: The folder with Pulumi.yaml.
    type: path
    required: true
  members:
    description: The members that may be replaced.
    type: list
    elements: str
    default: []
  settle:
    description:
      - Only let Pulumi take note of the containers of O(members), which were brought up to date before, and leave
        all other changes.
    type: bool
    default: false
  wait:
    description: Wait until every member of the platform serves.
    type: bool
    default: true
    version_added: 1.2.0
  removed:
    description:
      - Of O(members), those that go for good. Their data volumes, which are protected otherwise, go with them.
    type: list
    elements: str
    default: []
    version_added: 1.2.0
  refresh:
    description: Let Pulumi look at the engine first.
    type: bool
    default: false
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
- name: Replace postgres-2 by what the stack's YAML says
  evenkeel.platform.platform_member:
    stack: local
    project: /srv/shop
    members: [postgres-2]
"""

RETURN = r"""
replaced:
  description: Members whose container is another one now (in check mode, would be).
  returned: always
  type: list
  elements: str
took_s:
  description: How long Pulumi took, in seconds.
  returned: always
  type: float
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

import time
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import plan, pulumi, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Look, run Pulumi, look again."""
    module = running.module(project={"type": "path", "required": True},
                            members={"type": "list", "elements": "str", "default": []},
                            settle={"type": "bool", "default": False},
                            removed={"type": "list", "elements": "str", "default": []},
                            wait={"type": "bool", "default": True},
                            refresh={"type": "bool", "default": False})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        began = time.monotonic()
        before = {member.name: member for member in streams.members()}
        images = {name: streams.image_of(member) for name, member in before.items() if name in asked["members"]}
        try:
            project = pulumi.Pulumi(asked["project"], streams.stack)
            if module.check_mode:
                seen = plan.read(project.preview(asked["members"] or list(before), refresh=asked["refresh"]))
                replaced, others = [change.member for change in seen.changes], seen.others
            else:
                if asked["removed"]:
                    project.unprotect(asked["removed"])
                printed = project.up(asked["members"], refresh=asked["refresh"], settle=asked["settle"],
                                     wait=asked["wait"])
                after = {member.name: member for member in streams.members()}
                replaced = [name for name, member in after.items()
                            if name not in before or before[name].identity != member.identity]
                replaced += [name for name in before if name not in after]
                others = tuple(line.strip() for line in printed.splitlines() if line.strip().startswith(("+", "~", "-"))
                               and line.strip().split()[1].isdigit())
        except (pulumi.PulumiError, ValueError) as error:
            raise running.RefusedError(str(error)) from None
        took = time.monotonic() - began
        what = f"{', '.join(replaced)} replaced, made or removed" if replaced else "no container replaced"
        more = f"; {', '.join(others)}" if others else ""
        former = {name: images.get(name, "another container" if name in before else "no container")
                  for name in replaced}
        return {"changed": bool(replaced or others), "replaced": replaced, "took_s": round(took, 1),
                "diff": {"before": "".join(f"{name}: {image}\n" for name, image in former.items()),
                         "after": "".join(f"{name}: replaced\n" for name in replaced)},
                "narration": [f"pulumi up: {what}{more} ({took:.1f} s)"]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
