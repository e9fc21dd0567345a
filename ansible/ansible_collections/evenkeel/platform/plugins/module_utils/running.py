"""What the thin ``main()`` of every module shares: arguments, the client, and failing in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.evenkeel.platform.plugins.module_utils import streams

POLL_S = 0.5
SETTLE_S = 15.0
"""How long to look for somebody who can take over: links between members come and go for a moment."""

ARGUMENTS: dict[str, Any] = {"stack": {"type": "str", "required": True}}


def module(**arguments: Any) -> AnsibleModule:
    """An ``AnsibleModule`` that takes ``stack`` and ``arguments`` and knows check mode."""
    made = AnsibleModule(argument_spec={**ARGUMENTS, **arguments}, supports_check_mode=True)
    if streams.DOCKER_IMPORT_ERROR:
        made.fail_json(msg=missing_required_lib("docker"), exception=streams.DOCKER_IMPORT_ERROR)
    return made


def perform(made: AnsibleModule, work: Callable[[streams.DockerStreams], dict[str, Any]]) -> None:
    """Run ``work`` and leave with its result; an error that has words becomes a failure with these words."""
    try:
        result = work(streams.DockerStreams(made.params["stack"]))
    except (streams.StreamError, RefusedError) as error:
        made.fail_json(msg=str(error))
    made.exit_json(**result)


class RefusedError(Exception):
    """The operation is not possible now; the message says why, and what to do."""


def require(names: Iterable[str], known: Iterable[str], stack: str, kind: str = "member") -> None:
    """Raise ``RefusedError`` unless all of ``names`` are among ``known``."""
    there = list(known)
    if missing := sorted(set(names) - set(there)):
        raise RefusedError(f"the stack {stack!r} has no {kind} {', '.join(missing)}: it has {', '.join(there)}")


def chosen_in_time(choose: Callable[[], tuple[Any, str]], timeout_s: float) -> tuple[Any, str]:
    """The first choice that isn't None, or (None, why not) when none was made in ``timeout_s`` seconds."""
    deadline = time.monotonic() + timeout_s
    while True:
        found, why_not = choose()
        if found is not None or time.monotonic() >= deadline:
            return found, why_not
        time.sleep(POLL_S)


def wait_for(look: Callable[[], str], timeout_s: float, what: str, poll_s: float = POLL_S) -> float:
    """Seconds until ``look`` answers "" instead of what is still missing. ``look`` is asked at least once.

    Raises ``RefusedError`` that names ``what`` and the last thing missing.
    """
    began = time.monotonic()
    while missing := look():
        if time.monotonic() - began > timeout_s:
            raise RefusedError(f"{what}: not within {timeout_s:g} s: {missing}")
        time.sleep(poll_s)
    return time.monotonic() - began
