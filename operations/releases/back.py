"""``python -m operations.releases.back STACK=... [FORCE=true]``: `make rollback`.

Ansible takes seconds to start on a machine that is busy, and then every one counts. So the traffic goes back first, by
the code of the playbook's own first task, and then this process becomes the playbook, which does the rest as the same
run. Where the traffic can't go back at once, the playbook tries the same and says why.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import returning
from ansible_collections.evenkeel.platform.plugins.module_utils.running import RefusedError
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, StreamError

PLAYBOOK = "ansible/playbooks/rollback.yml"


def main(arguments: Sequence[str]) -> int:
    options = {"STACK": "local", "FORCE": "false", **dict(part.split("=", 1) for part in arguments)}
    began, stack, force = time.monotonic(), options["STACK"], options["FORCE"] == "true"
    told = at_once(stack, force)
    for sentence in told["narration"] if told else ():
        print(f"{time.monotonic() - began:7.1f} s  {sentence}", flush=True)
    os.execvp("ansible-playbook", command(stack, force, told))  # noqa: S606 - no shell is what is wanted


def at_once(stack: str, force: bool) -> dict[str, Any] | None:
    """What the playbook's first task found and did; None where it shall try itself."""
    try:
        return returning.back(DockerStreams(stack), {"purpose": "rollback", "force": force, "switch": True,
                                                     "lock": "rollback.yml"}, False)
    except (RefusedError, StreamError):
        return None


def command(stack: str, force: bool, told: dict[str, Any] | None) -> list[str]:
    """`ansible-playbook`, for what is left to do. It needs no inventory, and reading one takes a second."""
    found = ["ansible-playbook", "-i", "localhost,", PLAYBOOK, "-e", f"stack={stack}", "-e",
             f"force={'true' if force else 'false'}"]
    if told is None:
        return found
    # Only what it needs: Ansible would take braces in a sentence for an expression.
    kept = {name: told[name] for name in ("colour", "image", "needed", "short", "switch") if name in told}
    return [*found, "-e", json.dumps({"release_switched": {**kept, "release": {"name": told["release"]["name"]}}})]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
