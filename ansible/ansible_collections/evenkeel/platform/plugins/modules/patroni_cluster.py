#!/usr/bin/python
"""Module ``evenkeel.platform.patroni_cluster``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_cluster
short_description: Say who is primary, who replicates, and whether the quorum is in force
version_added: 1.0.0
description:
  - Asks Patroni of any member that answers. Changes nothing, ever.
extends_documentation_fragment:
  - evenkeel.platform.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Look at the Postgres cluster
  evenkeel.platform.patroni_cluster:
    stack: local
  register: postgres

- name: Name the primary
  ansible.builtin.debug:
    var: postgres.primary
"""

RETURN = r"""
primary:
  description: The primary; empty when there is none just now.
  returned: always
  type: str
members:
  description: Every member with C(name), C(role), C(state), C(lag_bytes), C(timeline) and C(pending_restart).
  returned: always
  type: list
  elements: dict
problems:
  description: What keeps the cluster from being whole, as sentences.
  returned: always
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import patroni, running, switchover
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Ask and tell."""
    module = running.module()

    def work(streams: DockerStreams) -> dict[str, Any]:
        postgres = switchover.Postgres(streams)
        seen = postgres.look()
        leader = seen.leader
        return {"changed": False, "primary": leader.name if leader else "",
                "members": [{**asdict(instance), "tags": dict(instance.tags)} for instance in seen.instances],
                "problems": patroni.problems(seen, [member.name for member in postgres.members])}

    running.perform(module, work)


if __name__ == "__main__":
    main()
