"""Lookup plugin ``evenkeel.platform.secret``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: A password or a secret output of the stack
version_added: 1.0.0
description:
  - Asks Pulumi for a secret output, or for a generated password by its name (V(redis-cache), V(postgres-monitoring)),
    when it is needed. Nothing is cached, and no inventory holds it.
  - Use it with C(no_log) wherever a task would show its arguments.
author:
  - Evenkeel (@evenkeel)
options:
  _terms:
    description: Names of outputs or of passwords.
    type: list
    elements: str
    required: true
  stack:
    description: The stack.
    type: str
    default: local
    vars:
      - name: stack
      - name: evenkeel_stack
  project:
    description: The folder with Pulumi.yaml.
    type: path
    vars:
      - name: evenkeel_project
"""

EXAMPLES = r"""
- name: Open the protected page
  ansible.builtin.uri:
    url: "{{ evenkeel_url }}/admin/"
    url_username: admin
    url_password: "{{ lookup('evenkeel.platform.secret', 'edge_passwords').admin }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The values, in the order of the names.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.evenkeel.platform.plugins.module_utils.pulumi import Pulumi, PulumiError


class LookupModule(LookupBase):
    """Asks Pulumi, every time."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """One value per name."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            project = Pulumi(self.get_option("project") or ".", self.get_option("stack"))
            known = project.output(secrets=True)
            if not set(terms) <= set(known):
                known = {**project.passwords(), **known}
        except PulumiError as error:
            raise AnsibleLookupError(str(error)) from None
        missing = [term for term in terms if term not in known]
        if missing:
            raise AnsibleLookupError(f"the stack {self.get_option('stack')!r} has no secret {', '.join(missing)}: it "
                                     f"has {', '.join(sorted(known))}")
        return [known[term] for term in terms]
