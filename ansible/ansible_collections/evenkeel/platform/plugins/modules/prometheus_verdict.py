#!/usr/bin/python
"""Module ``evenkeel.platform.prometheus_verdict``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_verdict
short_description: Judge a colour by what a Prometheus knows
version_added: 1.1.0
description:
  - Asks a Prometheus how a colour answered in the last O(window_s) seconds, compares that with limits and with the
    other colour, and says V(pass), V(fail) or V(no data). Too few requests, an empty answer and a Prometheus that can't
    be reached are no data, and no data is never a pass.
  - Without O(requests_query) and O(failed_query), HAProxy's own exporter is asked, as every load balancer has it.
options:
  url:
    description: Address of the Prometheus.
    type: str
    required: true
  colour:
    description: The colour to judge.
    type: str
    choices: [blue, green]
    required: true
  window_s:
    description: How far back to look, in seconds.
    type: int
    default: 60
  requests_query:
    description:
      - PromQL for the number of answers; C({colour}) and C({window}) are filled in. Empty means HAProxy's exporter.
    type: str
    default: ''
  failed_query:
    description: PromQL for the number of failed ones, likewise.
    type: str
    default: ''
  p95_query:
    description: PromQL for the 95th percentile of response times in ms, likewise. HAProxy's exporter has none.
    type: str
    default: ''
  samples:
    description: Fewer answers are no data; or a failure, when so many failed that all others can't make up for it.
    type: int
    default: 50
  error_percent:
    description: More failed ones than this fail, in percent.
    type: float
    default: 1.0
  success_percent:
    description: Fewer good ones than this fail, in percent.
    type: float
    default: 99.0
  p95_ms:
    description: A slower 95th percentile fails, in ms. V(0) means that it isn't judged.
    type: float
    default: 200.0
  times_stable:
    description: How many times the other colour's 95th percentile it may be. V(0) means that they aren't compared.
    type: float
    default: 2.0
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
author:
  - Evenkeel (@evenkeel)
"""

EXAMPLES = r"""
- name: See that green answers as well as blue
  evenkeel.platform.prometheus_verdict:
    url: http://127.0.0.1:9090
    colour: green
    p95_query: >-
      1000 * histogram_quantile(0.95, sum by (le) (rate(http_request_seconds_bucket{colour="{colour}"}[{window}])))
  register: verdict
  failed_when: verdict.outcome != 'pass'
"""

RETURN = r"""
outcome:
  description: V(pass), V(fail) or V(no data).
  returned: always
  type: str
reasons:
  description: Values and thresholds.
  returned: always
  type: list
  elements: str
narration:
  description: The same as a sentence.
  returned: always
  type: list
  elements: str
"""

from dataclasses import fields
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy, prometheus, verdict

LIMITS = ("samples", "error_percent", "success_percent", "p95_ms", "times_stable")


def main() -> None:
    """Read arguments, ask, judge."""
    defaults = {one.name: one.default for one in fields(verdict.Limits)}
    module = AnsibleModule(supports_check_mode=True, argument_spec={
        "url": {"type": "str", "required": True},
        "colour": {"type": "str", "choices": list(haproxy.COLOURS), "required": True},
        "window_s": {"type": "int", "default": 60},
        **{name: {"type": "str", "default": ""} for name in ("requests_query", "failed_query", "p95_query")},
        **{name: {"type": "int" if name == "samples" else "float", "default": defaults[name]} for name in LIMITS}})
    asked = module.params
    limits = verdict.Limits(**{name: asked[name] for name in LIMITS})
    try:
        found = {colour: measure(asked, colour) for colour in haproxy.COLOURS}
    except prometheus.PrometheusError as error:
        said = verdict.Verdict(verdict.NO_DATA, (str(error),))
    else:
        stable = next(colour for colour in haproxy.COLOURS if colour != asked["colour"])
        said = verdict.judge(found[asked["colour"]], found[stable], limits)
    module.exit_json(changed=False, outcome=said.outcome, reasons=list(said.reasons),
                     narration=[f"{asked['colour']}: {said}"])


def measure(asked: dict[str, Any], colour: str) -> verdict.Measure:
    """What Prometheus knows of a colour; no requests where it knows nothing."""
    questions = prometheus.queries(colour, asked["window_s"], asked["p95_query"])
    for name in ("requests", "failed"):
        if own := asked[f"{name}_query"]:
            questions[name] = own.replace("{colour}", colour).replace("{window}", f"{asked['window_s']}s")
    return prometheus.Prometheus(asked["url"]).measure(questions) or verdict.Measure()


if __name__ == "__main__":
    main()
