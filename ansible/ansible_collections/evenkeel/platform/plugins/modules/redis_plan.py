#!/usr/bin/python
"""Module ``evenkeel.platform.redis_plan``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_plan
short_description: What has to be done so that a Redis Cluster has other numbers of masters and replicas
version_added: 1.2.0
description:
  - Compares the cluster that runs with O(masters) and O(replicas), and says who becomes a master, who follows whom,
    how many slots move and who goes. Changes nothing.
  - Where members are missing it says which; the rest is known once they are there.
options:
  project:
    description: The folder with Pulumi.yaml.
    type: path
    required: true
  masters:
    description: How many masters there shall be. Without it, as many as the stack's YAML says (C(redis.masters)).
    type: int
  replicas:
    description: Replicas of each. Without it, as many as the stack's YAML says (C(redis.replicas_per_master)).
    type: int
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
- name: See what four masters would take
  evenkeel.platform.redis_plan:
    stack: local
    project: /srv/shop
    masters: 4
"""

RETURN = r"""
plan:
  description:
    - C(add), C(hand_over), C(promote), C(masters) and C(remove) are lists of members, C(follow) maps replicas to
      masters, C(slots) is how many move.
  returned: always
  type: dict
wanted:
  description: C(masters) and C(replicas) as they shall be.
  returned: always
  type: dict
empty:
  description: Whether there is nothing to do.
  returned: always
  type: bool
narration:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.evenkeel.platform.plugins.module_utils import (
    redis_client,
    redis_scaling,
    running,
    stack_file,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams


def main() -> None:
    """Read the numbers, look, compare."""
    module = running.module(project={"type": "path", "required": True}, masters={"type": "int"},
                            replicas={"type": "int"})
    if stack_file.YAML_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("ruamel.yaml"), exception=stack_file.YAML_IMPORT_ERROR)
    asked = module.params

    def work(streams: DockerStreams) -> dict[str, Any]:
        file = Path(asked["project"]) / "stacks" / f"Pulumi.{asked['stack']}.yaml"
        try:
            text = file.read_text()
        except OSError as error:
            raise running.RefusedError(f"{file}: {error}") from None
        masters, replicas = redis_scaling.wanted(text, asked["masters"], asked["replicas"])
        redis = redis_client.Redis(streams)
        try:
            redis_scaling.refuse(masters, replicas)
            found = redis_scaling.plan(redis.look_twice(), redis.domains, masters, replicas, redis.domains)
        except ValueError as error:
            raise running.RefusedError(f"{error}. Next: `make status STACK={streams.stack}`; members that are left out "
                                       f"are let in by `ansible localhost -m evenkeel.platform.redis_create -a "
                                       f"stack={streams.stack}`") from None
        said = [f"Redis of {streams.stack}: {masters} masters with {replicas} replicas each: "
                + ("nothing to do" if found.empty else f"{masters * (1 + replicas)} members")]
        caution = redis_scaling.warning(masters, redis.domains.values())
        said += [f"  {number}. {line}" for number, line in enumerate(found.sentences(), 1)]
        return {"changed": False, "plan": asdict(found), "wanted": {"masters": masters, "replicas": replicas},
                "empty": found.empty, "narration": [*said, *([caution] if caution and not found.empty else [])]}

    running.perform(module, work)


if __name__ == "__main__":
    main()
