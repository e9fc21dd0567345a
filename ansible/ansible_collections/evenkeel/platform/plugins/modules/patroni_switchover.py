#!/usr/bin/python
"""Module ``evenkeel.platform.patroni_switchover``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_switchover
short_description: Make another Postgres member the primary, as a pause and not as an error
version_added: 1.0.0
description:
  - Sees that a replica has every acknowledged write, asks Patroni to switch over, pauses all poolers (PgBouncer's
    C(PAUSE)) when Postgres is about to stop, and resumes (C(RESUME)) as soon as every proxy reaches the new primary and
    that takes writes.
  - Clients wait during the pause; nobody gets an error. A pause is tried beforehand, and a statement that keeps it from
    beginning for longer than O(pause_timeout_s) ends the attempt, with everything as it was. Only a statement that
    begins in the half second after that, and lasts longer, is ended with its server.
  - The pause ends by itself should this module die in the middle.
  - Changes nothing when the primary is already as wanted.
options:
  primary:
    description:
      - The member that shall be primary. Without it, and without O(prefer), the replicas elect one of them. That is the
        quickest, since Patroni lets a replica that is passed over wait for 2 s before it follows.
    type: str
  avoid:
    description: Members that shall not be primary. Needed when O(primary) is not given.
    type: list
    elements: str
    default: []
  prefer:
    description: Members to choose from first.
    type: list
    elements: str
    default: []
  pause_timeout_s:
    description: How long statements that are under way may keep the pause from beginning, in seconds.
    type: float
    default: 1.0
  attempts:
    description: How often to try to begin the pause.
    type: int
    default: 3
  timeout_s:
    description: How long Patroni may take to switch over, in seconds; then the poolers are resumed in any case.
    type: float
    default: 8.0
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
- name: Take the primary's role from postgres-1 before it is replaced
  evenkeel.platform.patroni_switchover:
    stack: local
    avoid: [postgres-1]

- name: Make postgres-2 the primary
  evenkeel.platform.patroni_switchover:
    stack: local
    primary: postgres-2
"""

RETURN = r"""
before:
  description: The primary before.
  returned: always
  type: str
primary:
  description: The primary after (in check mode, who would be chosen).
  returned: always
  type: str
pause_ms:
  description: From the request to pause to the last pooler's word that it goes on, in milliseconds.
  returned: when changed and not in check mode
  type: int
phases_ms:
  description: When statements had ended (C(paused)), when every proxy reached the new primary (C(routed)), when that
    took writes (C(writable)) and when all went on (C(resumed)), in milliseconds since the request to pause.
  returned: when changed and not in check mode
  type: dict
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import patroni, running, switchover
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read arguments, decide, act."""
    module = running.module(
        primary={"type": "str"}, avoid={"type": "list", "elements": "str", "default": []},
        prefer={"type": "list", "elements": "str", "default": []},
        pause_timeout_s={"type": "float", "default": 1.0}, attempts={"type": "int", "default": 3},
        timeout_s={"type": "float", "default": 8.0})
    asked = module.params
    if not asked["primary"] and not asked["avoid"]:
        module.fail_json(msg="neither `primary` nor `avoid` is given: say who shall be primary, or who shall not")

    def work(streams: DockerStreams) -> dict[str, Any]:
        cluster = switchover.Postgres(streams)
        seen = cluster.look()
        before = seen.leader
        if before is None:
            raise running.RefusedError("Patroni has no leader: nothing can be switched over. Next: `make status "
                                       f"STACK={streams.stack}` and `make logs TIER=postgres STACK={streams.stack}`")
        wanted = asked["primary"]
        if before.name == wanted or (not wanted and before.name not in asked["avoid"]):
            return {"changed": False, "before": before.name, "primary": before.name,
                    "narration": [f"{before.name} is the primary: nothing to switch over"]}
        others = [instance.name for instance in seen.instances if wanted and instance.name != wanted]

        def choose() -> tuple[patroni.Instance | None, str]:
            return patroni.candidate(cluster.look(), [*asked["avoid"], *others], asked["prefer"])

        chosen, why_not = running.chosen_in_time(choose, 0 if module.check_mode else running.SETTLE_S)
        if chosen is None:
            raise running.RefusedError(f"nobody can take over from {before.name}: {why_not}. It stays the primary.")
        result: dict[str, Any] = {"changed": True, "before": before.name, "primary": chosen.name,
                                  "diff": {"before": f"primary: {before.name}\n", "after": f"primary: {chosen.name}\n"},
                                  "narration": [f"{chosen.name} would take over from {before.name}"]}
        if module.check_mode:
            return result
        # Where anybody will do, they elect: that is quicker than naming one.
        free = not wanted and set(asked["avoid"]) <= {before.name} and not asked["prefer"]
        new, times = cluster.switch(before.name, "" if free else chosen.name, pause_timeout_s=asked["pause_timeout_s"],
                                    attempts=asked["attempts"], timeout_s=asked["timeout_s"])
        said = (f"{new} took over from {before.name}; clients waited {times['resumed']} ms (statements ended "
                f"{times['paused']}, routed {times['routed']}, writable {times['writable']})")
        return {**result, "primary": new, "diff": {"before": f"primary: {before.name}\n", "after": f"primary: {new}\n"},
                "pause_ms": times["resumed"], "phases_ms": times, "narration": [said]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
