#!/usr/bin/python
"""Module ``evenkeel.platform.patroni_pause``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_pause
short_description: Keep Patroni from acting by itself, for maintenance by hand
version_added: 1.0.0
description:
  - While paused nobody takes over from a primary that dies, and Patroni starts no Postgres that was stopped.
options:
  state:
    description: Whether Patroni is paused or acts.
    type: str
    choices: [paused, acting]
    required: true
  timeout_s:
    description: How long to wait until the members have noticed, in seconds.
    type: float
    default: 30.0
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
- name: Work on Postgres by hand
  evenkeel.platform.patroni_pause:
    stack: local
    state: paused

- name: Let Patroni act again
  evenkeel.platform.patroni_pause:
    stack: local
    state: acting
"""

RETURN = r"""
state:
  description: Whether Patroni is paused or acts, after this (in check mode, as it would be).
  returned: always
  type: str
narration:
  description: What was done, as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import patroni_client, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Look, change, see that it is noticed."""
    module = running.module(state={"type": "str", "choices": ["paused", "acting"], "required": True},
                            timeout_s={"type": "float", "default": 30.0})
    wanted = module.params["state"]

    def work(streams: DockerStreams) -> dict[str, Any]:
        cluster = patroni_client.Patroni(streams)
        before = "paused" if cluster.look().paused else "acting"
        result: dict[str, Any] = {"changed": before != wanted, "state": wanted,
                                  "diff": {"before": f"Patroni: {before}\n", "after": f"Patroni: {wanted}\n"}}
        if before == wanted:
            return {**result, "narration": [f"Patroni is {wanted} already"]}
        said = {"paused": "Patroni is paused: nobody takes over from a primary that dies until it acts again",
                "acting": "Patroni acts again"}[wanted]
        if module.check_mode:
            return {**result, "narration": [f"Patroni would be {wanted}"]}
        cluster.request(cluster.any_running(), "PATCH", "/config", {"pause": True if wanted == "paused" else None})
        running.wait_for(lambda: "" if cluster.look().paused is (wanted == "paused") else "not noticed yet",
                         module.params["timeout_s"], f"Patroni is {wanted}")
        return {**result, "narration": [said]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
