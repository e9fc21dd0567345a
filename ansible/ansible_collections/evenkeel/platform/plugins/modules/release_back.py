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
        lacks some (RV(short)), only as many as those that are there can take, which may be none.
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

from ansible_collections.evenkeel.platform.plugins.module_utils import lock_store, returning, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, go back."""
    module = running.module(purpose={"type": "str", "choices": ["rollback", "retire"], "required": True},
                            force={"type": "bool", "default": False}, switch={"type": "bool", "default": False},
                            **lock_store.OPTION)

    def work(streams: DockerStreams) -> dict[str, Any]:
        return returning.back(streams, module.params, module.check_mode)

    running.perform(module, work)


if __name__ == "__main__":
    main()
