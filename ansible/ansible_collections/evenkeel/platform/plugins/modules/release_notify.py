#!/usr/bin/python
"""Module ``evenkeel.platform.release_notify``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_notify
short_description: Tell a webhook what a release does
version_added: 1.1.0
description:
  - Posts JSON. V(plain) has C(event), C(text) and the release's record; V(slack) is what Slack's and Mattermost's
    incoming webhooks take.
  - A receiver that can't be reached never fails a release; it is said.
options:
  url:
    description: The receiver's address. Empty means that nobody is told.
    type: str
    default: ''
  format:
    description: What it understands.
    type: str
    choices: [plain, slack]
    default: plain
  event:
    description: What happened.
    type: str
    required: true
  text:
    description: The same as a sentence.
    type: str
    required: true
  release:
    description: The release's record.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Nobody is told.
  diff_mode:
    support: none
    description: It changes nothing.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: Tell the team
  evenkeel.platform.release_notify:
    url: "{{ lookup('ansible.builtin.env', 'RELEASE_WEBHOOK') }}"
    format: slack
    event: switched
    text: release 7 has all requests
"""

RETURN = r"""
sent:
  description: Whether the receiver took it.
  returned: always
  type: bool
narration:
  description: Why it did not.
  returned: always
  type: list
  elements: str
"""

import json
import urllib.parse
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule

TIMEOUT_S = 5.0


def main() -> None:
    """Post, or say why not."""
    module = AnsibleModule(supports_check_mode=True, argument_spec={
        "url": {"type": "str", "default": "", "no_log": True},
        "format": {"type": "str", "choices": ["plain", "slack"], "default": "plain"},
        "event": {"type": "str", "required": True}, "text": {"type": "str", "required": True},
        "release": {"type": "dict", "default": {}}})
    asked = module.params
    if not asked["url"] or module.check_mode:
        module.exit_json(changed=False, sent=False, narration=[])
    try:
        post(asked["url"], message(asked))
    except (OSError, ValueError) as error:
        host = urllib.parse.urlsplit(asked["url"]).hostname or "the receiver"
        module.exit_json(changed=False, sent=False, narration=[f"{host} could not be told: {error}"])
    module.exit_json(changed=False, sent=True, narration=[])


def message(asked: dict[str, Any]) -> dict[str, Any]:
    """The body."""
    if asked["format"] == "slack":
        return {"text": asked["text"]}
    return {"event": asked["event"], "text": asked["text"], "release": asked["release"]}


def post(url: str, body: dict[str, Any]) -> None:
    """Raises ``OSError`` or ``ValueError``."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("its address is no http or https URL")
    question = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(question, timeout=TIMEOUT_S):  # noqa: S310 - http(s), checked above
        return


if __name__ == "__main__":
    main()
