#!/usr/bin/python
"""Module ``evenkeel.platform.release_probe``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_probe
short_description: Ask a colour through every edge, as a tester does, before it has visitors
version_added: 1.1.0
description:
  - Sends requests with the header C(X-Evenkeel-Colour) through every edge and sees that this colour answered, below
    400.
  - Who the edge is isn't checked here, since its certificate may be anybody's.
options:
  urls:
    description: The edges.
    type: list
    elements: str
    required: true
  paths:
    description: What to ask for.
    type: list
    elements: str
    default: [/]
  colour:
    description: The colour.
    type: str
    choices: [blue, green]
    required: true
  times:
    description: How often each, one after the other, since every worker should have been asked.
    type: int
    default: 5
  timeout_s:
    description: How long an answer may take, in seconds.
    type: float
    default: 10.0
attributes:
  check_mode:
    support: full
    description: It only reads, so it does the same.
  diff_mode:
    support: none
    description: It changes nothing.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: See what a tester sees
  evenkeel.platform.release_probe:
    urls: [https://localhost:8443, https://localhost:8444]
    colour: green
"""

RETURN = r"""
narration:
  description: How many answers came, as a sentence.
  returned: success
  type: list
  elements: str
"""

import ssl
import urllib.error
import urllib.request

from ansible.module_utils.basic import AnsibleModule

COLOURS = ("blue", "green")
HEADER = "X-Evenkeel-Colour"


def main() -> None:
    """Ask, compare."""
    module = AnsibleModule(supports_check_mode=True, argument_spec={
        "urls": {"type": "list", "elements": "str", "required": True},
        "paths": {"type": "list", "elements": "str", "default": ["/"]},
        "colour": {"type": "str", "choices": list(COLOURS), "required": True},
        "times": {"type": "int", "default": 5}, "timeout_s": {"type": "float", "default": 10.0}})
    asked = module.params
    wrong = []
    addresses = [f"{url.rstrip('/')}{path}" for url in asked["urls"] for path in asked["paths"]]
    for address in addresses * asked["times"]:
        status, colour = ask(address, asked["colour"], asked["timeout_s"])
        if colour != asked["colour"] or status >= 400 or status == 0:
            wrong.append(f"{address}: {status or 'no answer'} by {colour or 'nobody'}")
    if wrong:
        module.fail_json(msg=f"{asked['colour']} does not answer as it should: {len(wrong)} of "
                             f"{len(addresses) * asked['times']}: {'; '.join(dict.fromkeys(wrong[:5]))}")
    module.exit_json(changed=False, narration=[
        f"{asked['colour']} answered {len(addresses) * asked['times']} requests through {len(asked['urls'])} edges"])


def ask(address: str, colour: str, timeout_s: float) -> tuple[int, str]:
    """Status (0: no answer) and the colour that gave it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    question = urllib.request.Request(address, headers={HEADER: colour})  # noqa: S310 - the edges' own addresses
    try:
        with urllib.request.urlopen(question, timeout=timeout_s, context=context) as answer:  # noqa: S310
            return int(answer.status), str(answer.headers.get(HEADER, ""))
    except urllib.error.HTTPError as error:
        return int(error.code), str(error.headers.get(HEADER, ""))
    except OSError:
        return 0, ""


if __name__ == "__main__":
    main()
