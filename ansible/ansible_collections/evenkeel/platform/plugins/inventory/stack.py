"""Inventory plugin ``evenkeel.platform.stack``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack
short_description: The members of a running platform, from its stack's outputs
version_added: 1.0.0
description:
  - Every member is a host, in groups per tier (C(tier_postgres)), workload (C(postgres), C(web_blue)), colour
    (C(colour_blue)), pool, failure domain (C(domain_a)) and C(stateful) or C(stateless); all of them in C(platform).
  - Reads C(pulumi stack output), and keeps what it read in a file, without any secret. As long as the stack's state has
    not changed that file is used, and also when the state can't be reached, with a warning.
  - Secrets come by P(evenkeel.platform.secret#lookup).
author:
  - Evenkeel (@evenkeel)
options:
  plugin:
    description: Always V(evenkeel.platform.stack).
    required: true
    choices: [evenkeel.platform.stack]
  stack:
    description:
      - The stack. C(-e stack=NAME) goes before it.
    type: str
    default: local
    env:
      - name: STACK
  project:
    description: The folder with Pulumi.yaml; by default the nearest above the inventory's file.
    type: path
  cache_dir:
    description: Where outputs are kept; by default C(.evenkeel/outputs) in the project.
    type: path
"""

EXAMPLES = r"""
# stack.evenkeel.yml
plugin: evenkeel.platform.stack
stack: staging
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars
from ansible_collections.evenkeel.platform.plugins.module_utils import inventory as stack_inventory
from ansible_collections.evenkeel.platform.plugins.module_utils.pulumi import Pulumi, PulumiError

display = Display()


class InventoryModule(BaseInventoryPlugin):
    """Hosts and groups of one stack."""

    NAME = "evenkeel.platform.stack"

    def verify_file(self, path: str) -> bool:
        """Only files that say by their name that they are ours."""
        return bool(super().verify_file(path)) and path.endswith((".evenkeel.yml", ".evenkeel.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Read the outputs, add groups and hosts."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        stack = str(load_extra_vars(loader).get("stack") or self.get_option("stack"))
        project = Path(self.get_option("project") or _project_of(Path(path)))
        outputs = self._outputs(project, stack, Path(self.get_option("cache_dir") or project / ".evenkeel/outputs"))
        members = outputs.get("members")
        if not members:
            raise AnsibleParserError(f"The stack {stack!r} has no members yet. Next: make up STACK={stack}, or name "
                                     "another stack with -e stack=NAME.")
        self._add(stack, project, outputs, members)

    def _add(self, stack: str, project: Path, outputs: dict[str, Any], members: list[dict[str, Any]]) -> None:
        self.inventory.add_group(stack_inventory.PLATFORM)
        shared = {"evenkeel_stack": stack, "evenkeel_project": str(project), "evenkeel_members": members,
                  "evenkeel_url": outputs.get("url"), "evenkeel_urls": outputs.get("urls", [])}
        for name, value in shared.items():
            self.inventory.set_variable("all", name, value)
        # Not on every host: a command for one of them must run there, not on this machine.
        self.inventory.set_variable(stack_inventory.PLATFORM, "ansible_connection", "evenkeel.platform.member")
        for member in members:
            host = str(member["member"])
            self.inventory.add_host(host)
            groups = stack_inventory.groups_of(member)
            for group, parent in groups.items():
                self.inventory.add_group(group)
                self.inventory.add_child(parent, group)
                if group not in groups.values():
                    self.inventory.add_child(group, host)
            for name, value in stack_inventory.variables_of(stack, member).items():
                self.inventory.set_variable(host, name, value)

    def _outputs(self, project: Path, stack: str, folder: Path) -> dict[str, Any]:
        """From the file while it is as new as the state, else from Pulumi, else from the file after all."""
        kept = folder / f"{stack}.json"
        known = json.loads(kept.read_text()) if kept.exists() else {}
        state = _state_of(stack)
        if known and state and known.get("state") == state:
            return dict(known["outputs"])
        try:
            outputs = stack_inventory.without_secrets(Pulumi(str(project), stack).output())
        except PulumiError as error:
            if not known:
                raise AnsibleParserError(f"{error}\nNext: make up STACK={stack}, or name another stack with -e "
                                         "stack=NAME.") from None
            display.warning(f"The stack's state can't be read ({error}); what was read before is used: {kept}")
            return dict(known["outputs"])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.write_text(json.dumps({"state": state, "outputs": outputs}, indent=1))
        return outputs


def _project_of(path: Path) -> Path:
    for folder in path.resolve().parents:
        if (folder / "Pulumi.yaml").exists():
            return folder
    raise AnsibleParserError(f"{path} lies in no Evenkeel project (no Pulumi.yaml above it). Next: set `project`.")


def _state_of(stack: str) -> str:
    """Tells one state from the next without reading it; "" where the backend isn't a folder of this machine."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    if not backend.startswith("file://"):
        return ""
    files = sorted((Path(backend.removeprefix("file://")) / ".pulumi" / "stacks").glob(f"*/{stack}.json*"))
    return " ".join(f"{file.name}:{file.stat().st_mtime_ns}" for file in files if file.suffix in (".json", ".gz"))
