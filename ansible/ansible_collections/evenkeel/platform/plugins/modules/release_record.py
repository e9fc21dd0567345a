#!/usr/bin/python
"""Module ``evenkeel.platform.release_record``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_record
short_description: Keep where a release is, or how it ended
version_added: 1.1.0
description:
  - Writes into the record of the release under way, which the live view shows and an interrupted run goes on from.
options:
  serial:
    description: The release; another one under way is refused. Empty means the latest.
    type: int
  stage:
    description: Its stage now.
    type: str
  percent:
    description: The share of the requests that its colour is meant to get.
    type: int
  waits_for:
    description: What it waits for, in words.
    type: str
  mark:
    description: A switch that was made, as M(evenkeel.platform.traffic_split) returned it, with a C(what).
    type: dict
  figures:
    description: Figures for the history.
    type: dict
  irreversible:
    description: Whether a migration ran that the former image can't live with.
    type: bool
  state:
    description: How it ended; without it, it goes on.
    type: str
    choices: [done, rolled back, failed, frozen]
  why:
    description: Why it ended so.
    type: str
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
- name: It is verified now
  evenkeel.platform.release_record:
    stack: local
    serial: 7
    stage: verify
"""

RETURN = r"""
release:
  description: The record as it is then.
  returned: always
  type: dict
narration:
  description: How it ended, as a sentence.
  returned: always
  type: list
  elements: str
"""

from dataclasses import replace
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import release, release_store, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams

PLAIN = ("stage", "percent", "waits_for", "irreversible", "state", "why")


def main() -> None:
    """Read, lay over, write."""
    module = running.module(
        serial={"type": "int"}, stage={"type": "str"}, percent={"type": "int"}, waits_for={"type": "str"},
        mark={"type": "dict"}, figures={"type": "dict"}, irreversible={"type": "bool"},
        state={"type": "str", "choices": [release.DONE, release.BACK, release.FAILED, release.FROZEN]},
        why={"type": "str"})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        store = release_store.Releases(streams)
        before = store.current()
        if before is None or asked["serial"] not in (None, before.serial):
            raise running.RefusedError(f"there is no release {asked['serial'] or ''} under way on the stack "
                                       f"{streams.stack}. Next: `make releases STACK={streams.stack}`")
        given = {name: asked[name] for name in PLAIN if asked[name] is not None}
        after = replace(before, **given, figures={**before.figures, **(asked["figures"] or {})},
                        marks=[*before.marks, *([asked["mark"]] if asked["mark"] else [])])
        changed = after != before
        if changed and not module.check_mode:
            after = store.end(after) if asked["state"] else after
            if not asked["state"]:
                store.keep(after)
        told = [release.summary(after).strip()] if asked["state"] else []
        return {"changed": changed, "release": after.as_dict(), "narration": told,
                "diff": {"before": f"{before.stage} {before.state} {before.percent} %\n",
                         "after": f"{after.stage} {after.state} {after.percent} %\n"}}

    running.perform(module, work)


if __name__ == "__main__":
    main()
