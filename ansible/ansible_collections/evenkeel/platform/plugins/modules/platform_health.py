#!/usr/bin/python
"""Module ``evenkeel.platform.platform_health``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_health
short_description: A gate that opens when the platform serves
version_added: 1.0.0
description:
  - Runs every member's own health command, and asks the tiers what no single member knows, that is whether Postgres
    has one primary, a replica that streams in every other member and its quorum in force, whether all Redis slots are
    served with a replica behind every master and no member settling in, whether etcd agrees on one leader, and whether
    every load balancer reaches every worker.
  - Waits until all is well. Fails with the reasons, and the last lines of the logs of members that don't serve.
  - Changes nothing, ever.
options:
  tiers:
    description: The tiers to look at; without any, all.
    type: list
    elements: str
    default: []
  expected:
    description: The members of O(tiers) that must exist. The inventory knows them.
    type: list
    elements: str
    default: []
  tolerated:
    description: Members that need not serve, because they are about to be replaced.
    type: list
    elements: str
    default: []
  timeout_s:
    description: How long to wait, in seconds. V(0) looks once.
    type: float
    default: 60.0
  next:
    description: The command that a failure names as the next to type.
    type: str
    default: make status
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
- name: Go on only when the database tier is whole
  evenkeel.platform.platform_health:
    stack: local
    tiers: [postgres]
    expected: "{{ groups['tier_postgres'] }}"
"""

RETURN = r"""
serving:
  description: Members whose health command succeeds.
  returned: always
  type: list
  elements: str
waited_s:
  description: How long it took until all was well, in seconds.
  returned: success
  type: float
narration:
  description: The same as sentences.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import health, running
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Look until all is well or the time is up."""
    names = {"type": "list", "elements": "str", "default": []}
    module = running.module(tiers=names, expected=names, tolerated=names, timeout_s={"type": "float", "default": 60.0},
                            next={"type": "str", "default": "make status"})
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        verdict = health.Verdict((), ())

        def look() -> str:
            nonlocal verdict
            verdict = health.judge(streams, asked["expected"], asked["tiers"], asked["tolerated"])
            return "; ".join(verdict.problems)

        try:
            patience = 0 if module.check_mode else asked["timeout_s"]
            waited = running.wait_for(look, patience, "the platform is not whole")
        except running.RefusedError as refusal:
            said = [str(refusal), *logs(streams, verdict), f"Next: {asked['next']}"]
            raise running.RefusedError("\n".join(said)) from None
        where = f"tier {', '.join(asked['tiers'])}" if asked["tiers"] else "all tiers"
        return {"changed": False, "serving": list(verdict.serving), "waited_s": round(waited, 1),
                "narration": [f"{where}: {len(verdict.serving)} members serve, after {waited:.1f} s"]}

    running.perform(module, work)


def logs(streams: DockerStreams, verdict: health.Verdict) -> list[str]:
    """The last log lines of members that a problem begins with."""
    blamed = {problem.split(":")[0] for problem in verdict.problems}
    lines: list[str] = []
    for member in streams.members():
        if member.name in blamed:
            lines += [f"  {member.name}, made from {streams.image_of(member)}, last said:",
                      *(f"    {line}" for line in streams.last_lines(member))]
    return lines


if __name__ == "__main__":
    main()
