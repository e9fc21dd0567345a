#!/usr/bin/env python3
"""The rules as a Pulumi policy pack: ``pulumi up --policy-pack operations/policies/pack.py``.

Pulumi's engine starts this file itself, so it needs no language host that can start packs; only `python3` with this
project's packages first on PATH, as `make env` sets it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])

import pulumi_policy  # noqa: E402
from pulumi_policy.proxy import UnknownValueError  # noqa: E402

from components.settings.policies import Level, Rule  # noqa: E402
from operations.changes import plan  # noqa: E402
from operations.policies import judge, rules  # noqa: E402
from operations.policies.asking import ADVISED  # noqa: E402
from operations.policies.subject import Subject, policies_of  # noqa: E402

NAME = "evenkeel"
UNKNOWN = "[unknown]"
LEVELS = {Level.MANDATORY: pulumi_policy.EnforcementLevel.MANDATORY,
          Level.ADVISORY: pulumi_policy.EnforcementLevel.ADVISORY}


def subject(stack: str, resources: list[pulumi_policy.PolicyResource]) -> Subject:
    """The platform from what the engine shows a pack: outputs, in a preview with unknown ones."""
    known = {resource.name: (resource.resource_type, plain(resource.props)) for resource in resources}
    protected = frozenset(resource.name for resource in resources if resource.opts.protect)
    return Subject(stack, plan.from_resources(known, protected), policies_of(stack))


def plain(value: Any) -> Any:
    """Without the SDK's proxies, which raise for what is not known yet."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, list | tuple) or type(value).__name__ == "_ListProxy":
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def _policy(definition: rules.Definition, level: Level) -> pulumi_policy.StackValidationPolicy:
    """One rule at one level: Pulumi wants the level of a policy before it says which stack it is for, and the stack's
    settings decide it. So each rule is there twice, and says at each level what is of that level."""
    def validate(arguments: pulumi_policy.StackValidationArgs, report: pulumi_policy.ReportViolation) -> None:
        if not arguments.resources:
            return
        stack = arguments.resources[0].urn.split(":")[2]
        for verdict in judge.ask(definition, subject(stack, arguments.resources)):
            if verdict.level is level:
                report(f"{judge.ITSELF_FAILED if verdict.broken else ''}{verdict.message}", None)

    return pulumi_policy.StackValidationPolicy(name(definition.rule, level), definition.asks, validate, LEVELS[level])


def name(rule: Rule, level: Level) -> str:
    """What Pulumi calls a rule at a level."""
    return rule.value if level is Level.MANDATORY else f"{rule.value}{ADVISED}"


if __name__ == "__main__":
    pulumi_policy.PolicyPack(NAME, [_policy(definition, level) for definition in rules.ALL if not definition.compares
                                    for level in LEVELS])
