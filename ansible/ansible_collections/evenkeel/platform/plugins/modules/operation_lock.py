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

import socket
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import etcd_client, lock, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, decide, act."""
    module = running.module(state={"type": "str", "choices": ["present", "absent"], "default": "present"},
                            reason={"type": "str", "default": "an operation"},
                            force={"type": "bool", "default": False})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        store = etcd_client.Etcd(streams)
        mine = lock.holder(asked["reason"])
        held = store.get(lock.KEY)
        if asked["state"] == "present":
            return take(store, mine, held)
        ours = held is not None and (asked["force"] or lock.same_run(held, mine))
        if held is not None and ours and not module.check_mode and not store.delete(lock.KEY, held):
            raise running.RefusedError("somebody took the lock over at this very moment: it is left alone")
        said = [f"the lock of {held['who']} on {held['host']} ({held['reason']}) was released"] if (
            held and ours and asked["force"]) else []
        return {"changed": ours, "holder": {} if ours else held or {}, "narration": said, "diff": diff(held if ours
                else None, None)}

    def take(store: etcd_client.Etcd, mine: dict[str, Any], held: dict[str, Any] | None) -> dict[str, Any]:
        if held is not None and lock.same_run(held, mine):
            return {"changed": False, "holder": held, "narration": []}
        said = []
        if held is not None:
            if not lock.stale(held, socket.gethostname(), lock.began(held.get("process") or 0)):
                raise running.RefusedError(lock.explain(held, module.params["stack"]))
            said = [f"the lock of an interrupted run was taken over: {held['reason']}, process {held['process']}, "
                    f"since {held['since']}, gone without releasing it"]
        if not module.check_mode:
            taken = store.replace(lock.KEY, held, mine) if held is not None else store.create(lock.KEY, mine)
            if not taken:
                raise running.RefusedError("somebody took the lock at this very moment. Nothing was changed. Next: run "
                                           "the same command again to see who")
        return {"changed": True, "holder": mine, "narration": said, "diff": diff(held, mine)}

    running.perform(module, work)


def diff(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, str]:
    """Who holds it, before and after."""
    return {"before": f"held for: {before['reason']}\n" if before else "", "after": f"held for: {after['reason']}\n"
            if after else ""}


if __name__ == "__main__":
    main()
