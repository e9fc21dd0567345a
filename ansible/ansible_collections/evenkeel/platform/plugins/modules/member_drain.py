#!/usr/bin/python
"""Module ``evenkeel.platform.member_drain``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: member_drain
short_description: Lead connections away from a member before it is replaced, and back to it afterwards
version_added: 1.0.0
description:
  - A Postgres replica gets no new readers from any proxy, and the poolers renew their connections as transactions end.
  - For other members nothing is done. Those without data are drained by C(pulumi up) before it replaces them, and those
    that lead hand over beforehand.
  - Drained is a state of running programs; it ends with a restart of the proxy, and nothing is written down.
options:
  member:
    description: The member.
    type: str
    required: true
  state:
    description: Whether connections shall be led away from it or to it.
    type: str
    choices: [drained, serving]
    required: true
  timeout_s:
    description: How long transactions that are under way may take to end, in seconds.
    type: float
    default: 15.0
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
- name: Lead readers away from postgres-2
  evenkeel.platform.member_drain:
    stack: local
    member: postgres-2
    state: drained
"""

RETURN = r"""
narration:
  description: What was done, as sentences.
  returned: always
  type: list
  elements: str
"""

import time
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import drain, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, decide, act."""
    module = running.module(member={"type": "str", "required": True},
                            state={"type": "str", "choices": ["drained", "serving"], "required": True},
                            timeout_s={"type": "float", "default": 15.0})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        name, wanted = asked["member"], asked["state"]
        workload = name.rpartition("-")[0]
        if workload not in drain.WAYS:
            return {"changed": False, "narration": []}
        way = drain.WAYS[workload](streams, name)
        began = time.monotonic()
        wrong = way.wrong(wanted)
        if wrong and not module.check_mode:
            way.lead(wanted, asked["timeout_s"])
        took = round((time.monotonic() - began) * 1000)
        other = {"drained": "serving", "serving": "drained"}[wanted]
        said = way.words[wanted] if wrong else f"{name} is {wanted} already"
        return {"changed": wrong, "narration": [f"{said} ({took} ms)" if wrong else said],
                "diff": {"before": f"{name}: {other if wrong else wanted}\n", "after": f"{name}: {wanted}\n"}}

    running.perform(module, work)


if __name__ == "__main__":
    main()
