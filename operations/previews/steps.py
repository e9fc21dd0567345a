"""Pulumi's steps, one per resource, and whose they are in words of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.automation.events import StepEventMetadata

from components.targets.docker.inputs import FINGERPRINT_LABEL
from operations.changes.plan import CONTAINER, NETWORK, Plan, PlannedMember
from operations.changes.preview import with_masked_changes

SAME, CREATE, UPDATE, REPLACE, DELETE = "same", "create", "update", "replace", "delete"
OPS = {SAME: SAME, CREATE: CREATE, UPDATE: UPDATE, REPLACE: REPLACE, DELETE: DELETE, "create-replacement": REPLACE,
       "delete-replaced": REPLACE}
"""Pulumi's steps -> what they come to. Others (reads, imports) change nothing."""
RANK = (DELETE, REPLACE, UPDATE, CREATE, SAME)
"""The gravest first."""
GROUP, PROVIDER = "evenkeel:", "pulumi:"
MARKS = {"secretFiles": "files", "fingerprint": "turn", "hosts": "certificate", "commonName": "authority",
         "trigger": "convergence", "volume": "volume"}
"""Input -> what the resource that has it is; the first that fits."""


@dataclass(frozen=True)
class Step:
    """What becomes of one resource."""

    name: str
    type: str
    op: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    protected: bool = False

    @property
    def what(self) -> str:
        """The thing, as people call it."""
        known = {**self.old, **self.new}
        if self.type == CONTAINER:
            return "container"
        if self.type == NETWORK:
            return "network"
        if self.type.startswith((GROUP, PROVIDER)):
            return "group"
        for key, what in MARKS.items():
            if key in known:
                return what
        return "password" if known.get("name") == self.name else "bookkeeping"

    @property
    def member(self) -> str:
        """Whose it is; empty: the platform's."""
        known = {**self.old, **self.new}
        return str(_labels(known).get("evenkeel.member", "") or known.get("member", ""))

    @property
    def tier(self) -> str:
        """Where it belongs; empty where it belongs to all."""
        return str(_labels({**self.old, **self.new}).get("evenkeel.tier", ""))

    @property
    def keeps(self) -> bool:
        """Whether something is lost for good when it goes: data, a password, the authority."""
        return self.what in ("volume", "password", "authority") and self.protected

    @property
    def words(self) -> str:
        """Pulumi's word for it."""
        return f"{self.op} {self.what}"


def _labels(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    labels = inputs.get("labels") or {}
    if isinstance(labels, Mapping):
        return labels
    return {label["label"]: label["value"] for label in labels}


def merged(announced: Iterable[StepEventMetadata]) -> list[Step]:
    """One step per resource, whatever the order in which the engine announced its parts; sorted."""
    found: dict[str, Step] = {}
    for part in announced:
        op = OPS.get(str(getattr(part.op, "value", part.op)))
        if op is None:
            continue
        old = _plain((part.old.inputs or {}) if part.old else {})
        new = _plain(with_masked_changes(part) if part.new else {})
        protected = any(bool(state and state.protect) for state in (part.old, part.new))
        before = found.get(part.urn)
        found[part.urn] = Step(
            part.urn.rpartition("::")[2], part.type, min(op, before.op, key=RANK.index) if before else op,
            old or (before.old if before else {}), new or (before.new if before else {}),
            protected or bool(before and before.protected))
    return sorted(found.values(), key=lambda step: (step.tier, step.member, step.name, step.type))


def _plain(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Without what Pulumi and this program only keep for themselves."""
    kept = {key: value for key, value in inputs.items() if not key.startswith("__")}
    if isinstance(labels := kept.get("labels"), list):
        kept["labels"] = [label for label in labels if label.get("label") != FINGERPRINT_LABEL]
    return kept


def between(before: Plan, after: Plan) -> list[Step]:
    """The steps that two declarations are apart, where no engine was asked."""
    found = [step for name in sorted({*before.members, *after.members})
             for step in _of_member(before.members.get(name), after.members.get(name))]
    kept = [Step(name, "volume", DELETE, {"volume": name}, {}, protected=True)
            for name in sorted(before.protected - after.protected)]
    return [*found, *kept]


def _of_member(old: PlannedMember | None, new: PlannedMember | None) -> list[Step]:
    member = new or old
    assert member
    op = UPDATE if old and new else CREATE if new else DELETE
    container = Step(member.name, CONTAINER, op, _container(old), _container(new))
    files = Step(f"{member.name}-config", "files", op, _files(old), _files(new))
    return [step for step in (container, files) if step.old != step.new]


def _container(member: PlannedMember | None) -> dict[str, Any]:
    if member is None:
        return {}
    labels = [{"label": label, "value": value} for label, value in sorted(member.container.get("labels", {}).items())]
    return {**member.container, "labels": labels}


def _files(member: PlannedMember | None) -> dict[str, Any]:
    if member is None:
        return {}
    shown = {path: file.content for path, file in member.files.items() if not file.secret}
    hidden = {path: file.content for path, file in member.files.items() if file.secret}
    labels = {label: member.container["labels"][label] for label in ("evenkeel.member", "evenkeel.tier")}
    return {"files": shown, "secretFiles": hidden, "labels": labels}
