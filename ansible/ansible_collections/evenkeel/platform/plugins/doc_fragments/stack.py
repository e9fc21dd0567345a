"""What every module of this collection has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Use with ``extends_documentation_fragment: evenkeel.platform.stack``."""

    DOCUMENTATION = r"""
options:
  stack:
    description:
      - The stack whose platform is meant, as in C(make up STACK=NAME).
    type: str
    required: true
requirements:
  - docker (the Python package), as the platform's own environment has it
notes:
  - Runs on the controller and reaches members over streams into their containers, so nothing has to be published and
    no password leaves a member.
attributes:
  check_mode:
    description: Says what would be done, without doing it.
  diff_mode:
    description: Shows the state before and after.
"""
