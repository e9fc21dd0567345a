#!/usr/bin/python
"""Module ``evenkeel.platform.release_watch``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_watch
short_description: Watch how a colour answers, and say what is to become of the release
version_added: 1.1.0
description:
  - Looks every second for as long as O(seconds), or until O(until_samples) requests were answered, then judges. An
    instant limit over the last seconds ends it at once. Somebody may pause, resume, promote or abort the release
    meanwhile (C(make release-pause) and so on).
  - Where there is no data when the time is over, it waits for some for at most O(patience_s); no data is never a pass.
options:
  colour:
    description: The colour to watch; the other one is what it is compared with.
    type: str
    choices: [blue, green]
    required: true
  seconds:
    description: How long, in seconds.
    type: float
    default: 30.0
  counted:
    description:
      - What M(evenkeel.platform.traffic_split) returned as C(counted). Requests and O(seconds) count from that moment
        on, not from the beginning of the watch.
    type: dict
    default: {}
  until_samples:
    description: End earlier when so many requests were answered. V(0) means that the time counts alone.
    type: int
    default: 0
  patience_s:
    description: How long to wait for data after that, in seconds.
    type: float
    default: 30.0
  limits:
    description:
      - C(samples), C(error_percent), C(success_percent), C(p95_ms), C(times_stable), C(instant_error_percent) and
        C(instant_samples), as the role C(release) documents them.
    type: dict
    default: {}
  source:
    description: Where the figures come from.
    type: str
    choices: [balancers, prometheus]
    default: balancers
  prometheus_url:
    description: Address of the Prometheus. Empty means the stack's own.
    type: str
    default: ''
  p95_query:
    description:
      - PromQL for the 95th percentile in ms, C({colour}) and C({window}) filled in. Empty means the histogram of the
        workers where the stack's own Prometheus is asked, else none.
    type: str
    default: ''
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
- name: See how green does for half a minute
  evenkeel.platform.release_watch:
    stack: local
    colour: green
  register: watched
"""

RETURN = r"""
outcome:
  description: V(pass), V(fail), V(no data), V(promote) or V(abort).
  returned: always
  type: str
why:
  description: The same as a sentence, with values and thresholds.
  returned: always
  type: str
narration:
  description: The same.
  returned: always
  type: list
  elements: str
"""

from dataclasses import fields
from typing import Any

from ansible_collections.evenkeel.platform.plugins.module_utils import (
    analysis,
    haproxy,
    prometheus,
    release_store,
    running,
    verdict,
)
from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams
from ansible_collections.evenkeel.platform.plugins.module_utils.watching import Watching


def main() -> None:
    """Read arguments, watch."""
    module = running.module(
        colour={"type": "str", "choices": list(haproxy.COLOURS), "required": True},
        seconds={"type": "float", "default": 30.0}, until_samples={"type": "int", "default": 0},
        counted={"type": "dict", "default": {}},
        patience_s={"type": "float", "default": 30.0}, limits={"type": "dict", "default": {}},
        source={"type": "str", "choices": ["balancers", "prometheus"], "default": "balancers"},
        prometheus_url={"type": "str", "default": ""}, p95_query={"type": "str", "default": ""})
    asked = module.params
    types: dict[str, Any] = {one.name: type(one.default) for one in fields(verdict.Limits)}
    if unknown := sorted(set(asked["limits"]) - set(types)):
        module.fail_json(msg=f"limits: there is no {', '.join(unknown)}; there are {', '.join(types)}")
    limits = verdict.Limits(**{name: types[name](value) for name, value in asked["limits"].items()})

    def work(streams: DockerStreams) -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "outcome": verdict.NO_DATA, "why": "nothing is watched in check mode",
                    "narration": []}
        try:
            source: analysis.Source = analysis.Balancers(streams) if asked["source"] == "balancers" else (
                analysis.Prometheus(*_asked_at(streams, asked["prometheus_url"], asked["p95_query"])))
        except prometheus.PrometheusError as error:
            raise running.RefusedError(str(error)) from None
        outcome, why = Watching(asked, limits, source, release_store.Releases(streams)).run()
        return {"changed": False, "outcome": outcome, "why": why, "narration": [f"{asked['colour']}: {why}"]}

    running.perform(module, work)


def _asked_at(streams: DockerStreams, url: str, p95_query: str) -> tuple[str, str]:
    """Address and query, those of the stack's own Prometheus where no other is named."""
    if url:
        return url, p95_query
    member = streams.of(prometheus.WORKLOAD)[0]
    addresses = streams.addresses(member)
    if not addresses:
        raise prometheus.PrometheusError(f"{member.name} does not run. Next: `make up STACK={streams.stack}`")
    return f"http://{addresses[0]}:{prometheus.PORT}", p95_query or prometheus.WORKERS_P95


if __name__ == "__main__":
    main()
