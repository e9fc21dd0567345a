"""The effects of an update before it happens, from what Pulumi's engine announces in a preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation.events import EngineEvent, OpType, StepEventMetadata

from operations.changes import effects, plan
from operations.changes.plan import Plan
from operations.changes.words import Effect

DYNAMIC = "pulumi-python:dynamic"
OF_INTEREST = (plan.CONTAINER, plan.NETWORK, DYNAMIC)
MASKED = "[secret]"
CHANGED = "changed"


@dataclass
class Announced:
    """Collects the steps of a preview; ``on_event`` is what the Automation API wants."""

    steps: list[StepEventMetadata] = field(default_factory=list)

    def on_event(self, event: EngineEvent) -> None:
        """Keep what concerns members."""
        step = event.resource_pre_event
        if step and step.metadata.type.startswith(OF_INTEREST):
            self.steps.append(step.metadata)

    def effects(self) -> list[Effect]:
        """What the update would do."""
        before, after = plans(self.steps)
        return effects.compare(before, after)


def plans(steps: Iterable[StepEventMetadata]) -> tuple[Plan, Plan]:
    """The platform as Pulumi knows it, and as it would be."""
    before: dict[str, tuple[str, Mapping[str, Any]]] = {}
    after: dict[str, tuple[str, Mapping[str, Any]]] = {}
    protected: set[str] = set()
    for step in steps:
        name = step.urn.rpartition("::")[2]
        if step.old:
            before.setdefault(name, (step.type, step.old.inputs or {}))
            if step.old.protect:
                protected.add(name)
        if step.new:
            after[name] = (step.type, with_masked_changes(step))
    return (plan.from_resources(before, frozenset(protected)),
            plan.from_resources(after, frozenset(protected & set(after))))


def with_masked_changes(step: StepEventMetadata) -> Mapping[str, Any]:
    """The new inputs, with secrets that change marked so: Pulumi shows old and new ones alike, as ``[secret]``."""
    assert step.new
    inputs = step.new.inputs or {}
    before = step.old.inputs or {} if step.old else {}
    if step.op != OpType.UPDATE or "secretFiles" not in inputs:
        return inputs
    visible = any(before.get(key) != inputs.get(key) for key in ("files", "executables"))
    paths = [path for path, content in _mapping(inputs["secretFiles"]).items() if content == MASKED]
    known = [path for path in paths if f'secretFiles["{path}"]' in (step.detailed_diff or {})
             or f"secretFiles.{path}" in (step.detailed_diff or {})]
    touched = known or ([] if visible else paths)
    return {**inputs, "secretFiles": {**_mapping(inputs["secretFiles"]), **dict.fromkeys(touched, CHANGED)}}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
