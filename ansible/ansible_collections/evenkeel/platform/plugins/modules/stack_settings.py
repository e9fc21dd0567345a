#!/usr/bin/python
"""Module ``evenkeel.platform.stack_settings``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_settings
short_description: Change settings in a stack's YAML, keeping its comments
version_added: 1.1.0
description:
  - Writes values into C(stacks/Pulumi.NAME.yaml), in place and atomically. The running platform is not touched;
    C(pulumi up) is what acts on the file.
options:
  project:
    description: The folder with Pulumi.yaml.
    type: path
    required: true
  settings:
    description: Dotted setting (C(app.colours.green.image)) to value; a null value takes the setting out.
    type: dict
    required: true
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
- name: Declare what green shall run
  evenkeel.platform.stack_settings:
    stack: local
    project: /srv/shop
    settings:
      app.colours.green.image: registry.example.com/shop:1.5.0
"""

RETURN = r"""
file:
  description: The file.
  returned: always
  type: str
before:
  description: The same settings as they were.
  returned: always
  type: dict
narration:
  description: What was changed, as sentences.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.evenkeel.platform.plugins.module_utils import running, stack_file


def main() -> None:
    """Read, edit, write."""
    module = running.module(project={"type": "path", "required": True}, settings={"type": "dict", "required": True})
    if stack_file.YAML_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("ruamel.yaml"), exception=stack_file.YAML_IMPORT_ERROR)
    asked = module.params

    def work(_: Any) -> dict[str, Any]:
        file = Path(asked["project"]) / "stacks" / f"Pulumi.{asked['stack']}.yaml"
        try:
            text = file.read_text()
            before = {key: stack_file.value_at(text, key) for key in asked["settings"]}
            after = stack_file.edited(text, asked["settings"])
        except (OSError, ValueError) as error:
            raise running.RefusedError(f"{file}: {error}") from None
        changed = after != text
        if changed and not module.check_mode:
            partial = file.with_suffix(".partial")
            partial.write_text(after)
            partial.replace(file)
        told = [f"{file.name}: {key}: {before[key]} -> {value}" for key, value in asked["settings"].items()
                if before[key] != value]
        return {"changed": changed, "file": str(file), "before": before, "narration": told,
                "diff": {"before": text, "after": after}}

    running.perform(module, work)


if __name__ == "__main__":
    main()
