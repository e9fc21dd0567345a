#!/usr/bin/python
"""Module ``evenkeel.platform.operation_lock``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: operation_lock
short_description: See that one operation at a time changes a platform
version_added: 1.0.0
description:
  - Takes or releases the platform's lock, which lives in its etcd and says who holds it, why and since when.
  - A run that has the lock gets it again. A lock whose holder certainly is gone (a process of this machine that has
    ended) is taken over, and said so. Any other is refused with the holder's name and the command that releases it.
options:
  state:
    description: Whether this run shall hold the lock.
    type: str
    choices: [present, absent]
    default: present
  reason:
    description: What the operation does, for whoever is refused meanwhile.
    type: str
    default: an operation
  force:
    description: Release somebody else's lock, too.
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
- name: Be the only one
  evenkeel.platform.operation_lock:
    stack: local
    reason: upgrade

- name: Let others
  evenkeel.platform.operation_lock:
    stack: local
    state: absent
"""

RETURN = r"""
holder:
  description: Who holds the lock now, with C(who), C(host), C(process), C(reason) and C(since); empty when nobody does.
  returned: always
  type: dict
narration:
  description: What was done, as sentences. Empty when there is nothing to say.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import lock_store, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, take or release."""
    module = running.module(state={"type": "str", "choices": ["present", "absent"], "default": "present"},
                            reason={"type": "str", "default": "an operation"},
                            force={"type": "bool", "default": False})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        if asked["state"] == "present":
            found = lock_store.take(streams, asked["reason"], module.check_mode)
        else:
            found = lock_store.release(streams, asked["force"], module.check_mode)
        return {"changed": found.changed, "holder": found.holder, "narration": found.said,
                "diff": {"before": said(found.before), "after": said(found.holder)}}

    running.perform(module, work)


def said(holder: dict[str, Any] | None) -> str:
    """Who holds it, as a line of a diff."""
    return f"held for: {holder['reason']}\n" if holder else ""


if __name__ == "__main__":
    main()
