"""Two declarations compared, where no state may be read: a fork's pull request gets no secrets.

Each checkout says what it declares (``dump``), and the two are compared as an update would be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import yaml
from pulumi import RunError

from components.settings import SettingsError
from components.workload import Effect
from operations.changes import declared, effects
from operations.changes.plan import Plan, PlannedFile, PlannedMember
from operations.policies import asking
from operations.policies.subject import Subject, config_of, policies_of, secrets_of
from operations.previews import cost, diffs, failures, rows, steps
from operations.previews.gather import findings
from operations.previews.report import PROJECT, Report

JUDGED = "rules judged by their functions over what is declared"


def dump(stack: str) -> str:
    """What this checkout declares for a stack, as JSON: ``plan``, or ``error`` where nothing can be declared."""
    try:
        declared.own_secrets(secrets_of(stack))
        plan = declared.plan(config_of(stack), stack)
    except (SettingsError, RunError, yaml.YAMLError) as error:
        return json.dumps({"error": str(error)})
    return json.dumps({"plan": {
        "members": {name: asdict(member) for name, member in plan.members.items()},
        "protected": sorted(plan.protected), "subnets": dict(plan.subnets), "cannot_grow": sorted(plan.cannot_grow),
        "resized_by": dict(plan.resized_by)}})


def read(text: str) -> Plan | str:
    """The plan in a dump; or the error. What is no dump is an error, too: a program that ended writes none."""
    try:
        known = json.loads(text)
        if "error" in known:
            return str(known["error"])
        found = known["plan"]
        members = {name: _member(one) for name, one in found["members"].items()}
        return Plan(members, frozenset(found["protected"]), found["subnets"], frozenset(found["cannot_grow"]),
                    found.get("resized_by", {}))
    except (ValueError, KeyError, TypeError):
        return text.strip() or "the program ended without a word"


def _member(known: Mapping[str, Any]) -> PlannedMember:
    files = {path: PlannedFile(file["content"], Effect(file["effect"]), file["secret"])
             for path, file in known["files"].items()}
    return PlannedMember(**{**known, "files": files})


def compare(stack: str, base: str, head: str) -> Report:
    """The report of two dumps. A base that declares nothing is a stack that is new."""
    before, after = read(base), read(head)
    if isinstance(after, str):
        return Report(project=PROJECT, stack=stack, compared="declarations", failure=failures.explain(after, stack))
    known = before if isinstance(before, Plan) else Plan({})
    found = steps.between(known, after)
    subject = Subject(stack, after, policies_of(stack), known)
    return Report(
        project=PROJECT, stack=stack, compared="declarations" if known.members else "nothing",
        members=len(after.members), workloads=rows.workloads(known, after),
        rows=rows.of(effects.compare(known, after), found, known, after),
        operations=dict(rows.operations(found)), diff=diffs.of(found),
        findings=findings(asking.by_functions(subject)), judged=JUDGED,
        cost=cost.estimate(cost.read(str(config_of(stack).get("target", "docker"))), known, after, found))
