"""One preview by Pulumi's engine: what it announces, what the state knows, what the rules say; made into a report."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker.errors
from pulumi import automation
from pulumi.automation import errors as automation_errors
from pulumi.automation.events import EngineEvent, PolicyEvent, StepEventMetadata

from components.settings import SettingsError
from components.settings.policies import Level, Policies
from components.targets.docker import guard
from operations.changes import preview
from operations.changes.plan import Plan
from operations.policies import asking
from operations.policies.judge import Verdict
from operations.policies.subject import Subject, config_of, policies_of
from operations.previews import cost, diffs, failures, rows, steps
from operations.previews.masking import Masker, collapsed, in_environment, in_state
from operations.previews.report import PROJECT, Cost, Failure, Finding, Report
from operations.setup import by_hand, engine_state, env, stack
from operations.setup.paths import ROOT


@dataclass
class Heard:
    """Everything of interest that the engine said."""

    announced: list[StepEventMetadata] = field(default_factory=list)
    members: preview.Announced = field(default_factory=preview.Announced)
    errors: list[str] = field(default_factory=list)
    policies: list[PolicyEvent] = field(default_factory=list)

    def on_event(self, event: EngineEvent) -> None:
        """What the Automation API calls."""
        self.members.on_event(event)
        if event.resource_pre_event:
            self.announced.append(event.resource_pre_event.metadata)
        elif event.policy_event:
            self.policies.append(event.policy_event)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            self.errors.append(event.diagnostic_event.message)


@dataclass(frozen=True)
class _Asked:
    """What one run of the engine came to."""

    heard: Heard
    by_pack: bool
    ended: str = ""
    """What Pulumi printed where it failed."""


def gather(name: str, environment: Mapping[str, str]) -> Report:
    """The report of a stack; one of a failure where there is no (whole) preview. Never raises for what a change can
    cause."""
    seen = in_environment(environment)
    try:
        if reason := _lacking(name, environment):
            raise _GiveUpError(reason)
        with _opened(name, environment) as (selected, new):
            return _looked(name, selected, new, seen)
    except automation_errors.CommandError as error:
        return _failed(name, str(error), Masker(seen))
    except _GiveUpError as error:
        return _failed(name, str(error), Masker(seen))


class _GiveUpError(Exception):
    """There is no preview; says why."""


def _lacking(name: str, environment: Mapping[str, str]) -> str:
    """A passphrase that this checkout has just generated opens nothing that others encrypted."""
    backend = environment["PULUMI_BACKEND_URL"]
    generated = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE") == str(env.PASSPHRASE)
    if generated and backend != f"file://{env.BACKEND}" and stack.exists(name, environment):
        return "PULUMI_CONFIG_PASSPHRASE is not set, and the stack is kept elsewhere than in this checkout."
    return ""


@contextmanager
def _opened(name: str, environment: Mapping[str, str]) -> Iterator[tuple[automation.Stack, bool]]:
    """The stack, and whether it is new. A new one is made in a place that is gone afterwards: previews make nothing."""
    file = ROOT / "stacks" / f"Pulumi.{name}.yaml"
    before = file.read_bytes() if file.exists() else None
    # What an update would refuse is shown all the same, and said at the top.
    told = {**environment, guard.REPORT_VARIABLE: guard.REPORT}
    with tempfile.TemporaryDirectory(prefix="evenkeel-preview-") as folder:
        new = not stack.exists(name, environment)
        try:
            selected = stack.select(name, {**told, "PULUMI_BACKEND_URL": f"file://{folder}"} if new else told)
            yield selected, new
        finally:
            if before is None:
                file.unlink(missing_ok=True)
            elif file.read_bytes() != before:
                file.write_bytes(before)


def _looked(name: str, selected: automation.Stack, new: bool, seen: set[str]) -> Report:
    with ThreadPoolExecutor(max_workers=1) as beside:
        exporting = None if new else beside.submit(selected.export_stack)
        asked = _ask(selected)
        deployment: Mapping[str, Any] = (exporting.result().deployment or {}) if exporting else {}
    secrets = in_state(deployment) | seen | _configured(selected)
    masker = Masker(secrets)
    announced = asked.heard.members
    before, after = preview.plans(announced.steps)
    protected = frozenset(step.urn.rpartition("::")[2] for step in announced.steps if step.new and step.new.protect)
    found = steps.merged(asked.heard.announced)
    changes = rows.of(announced.effects(), found, before, after)
    own = failures.beyond_protection(asked.heard.errors)
    failure = failures.explain("\n".join(own), name) if own else _unheard(asked, changes, name)
    policies, misread = _policies(name)
    subject = Subject(name, dataclasses.replace(after, protected=protected), policies, None if new else before,
                      frozenset(secrets))
    verdicts = asking.by_pack(asked.heard.policies, subject) if asked.by_pack else asking.by_functions(subject)
    report = Report(
        project=PROJECT, stack=name, compared="nothing" if new else "state", members=len(after.members),
        workloads=rows.workloads(before, after), rows=changes,
        operations=dict(rows.operations(found)), diff=collapsed(masker.text(diffs.of(map(_masked(masker), found)))),
        by_hand=tuple(_by_hand(name, deployment)), findings=findings(verdicts) if after.members else (),
        judged=_judged(asked, after), cost=_cost(name, before, after, found),
        failure=failure or misread)
    return Report.model_validate(masker.everything(report.model_dump(mode="json")))


def _masked(masker: Masker) -> Callable[[steps.Step], steps.Step]:
    """Before lines are compared: a secret of several lines is whole only here."""
    return lambda step: dataclasses.replace(step, old=masker.everything(step.old), new=masker.everything(step.new))


def _judged(asked: _Asked, after: Plan) -> str:
    if not after.members:
        return "no rule was asked"
    return asking.BY_PACK if asked.by_pack else asking.BY_FUNCTIONS


def _ask(selected: automation.Stack) -> _Asked:
    """The engine with the policy pack; without, where this Pulumi can't start it."""
    if asking.startable():
        heard, ended = _run(selected, [str(asking.PACK)])
        if not asking.did_not_start(ended):
            return _Asked(heard, True, ended)
    heard, ended = _run(selected, None)
    return _Asked(heard, False, ended)


def _run(selected: automation.Stack, packs: list[str] | None) -> tuple[Heard, str]:
    heard = Heard()
    try:
        selected.preview(on_event=heard.on_event, color="never", policy_packs=packs, suppress_outputs=True,
                         suppress_progress=True)
    except (automation_errors.CommandError, RuntimeError) as error:
        return heard, str(error)
    return heard, ""


def _unheard(asked: _Asked, changes: tuple[Any, ...], name: str) -> Failure | None:
    """Pulumi ended without an event that says why, and it was neither what a row nor what a rule tells."""
    if not asked.ended or asked.heard.policies or (changes and asked.heard.errors):
        return None
    return failures.explain(_without_command(asked.ended), name)


def _configured(selected: automation.Stack) -> set[str]:
    """Secrets of the stack's own file, which its state need not have yet."""
    if "secure:" not in (ROOT / "stacks" / f"Pulumi.{selected.name}.yaml").read_text():
        return set()
    return {value.value for value in selected.get_all_config().values() if value.secret}


def _policies(name: str) -> tuple[Policies, Failure | None]:
    """The rules' settings; the defaults, with the reason, where the stack's file can't be used."""
    try:
        return policies_of(name), None
    except SettingsError as error:
        return Policies(), failures.explain(str(error), name)


def findings(verdicts: list[Verdict]) -> tuple[Finding, ...]:
    """Verdicts as a report has them, sorted."""
    made = [Finding(rule=one.rule.value, level="mandatory" if one.level is Level.MANDATORY else "advisory",
                    message=one.message[:1_000], broken=one.broken) for one in verdicts]
    return tuple(sorted(made, key=lambda one: (one.level != "mandatory", one.rule, one.message)))


def _cost(name: str, before: Plan, after: Plan, found: list[steps.Step]) -> Cost | None:
    if not before.members and not after.members:
        return None
    return cost.estimate(cost.read(str(config_of(name).get("target", "docker"))), before, after, found)


def _by_hand(name: str, deployment: Mapping[str, Any]) -> list[str]:
    """What somebody did to the members behind Pulumi's back."""
    state = stack.recorded_in(deployment)
    try:
        found = {container.name: container for container in engine_state.containers(name)}
    except docker.errors.DockerException:
        return []  # The preview itself has failed by that, and says so.
    return [sentence for container, identity in sorted(state.containers.items())
            for sentence in by_hand.seen(found[container].attrs if container in found else None, identity,
                                         state.inputs[container], str(state.inputs[container]["hostname"]))]


def _failed(name: str, error: str, masker: Masker) -> Report:
    report = Report(project=PROJECT, stack=name, failure=failures.explain(_without_command(error), name))
    return Report.model_validate(masker.everything(report.model_dump(mode="json")))


def _without_command(error: str) -> str:
    """The Automation API puts the exit status and both streams under names of their own."""
    lines = [line.removeprefix("stderr:").removeprefix("stdout:").strip() for line in error.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("code:"))


def write(report: Report, folder: Path, shown: Mapping[str, str]) -> None:
    """The report as JSON, its whole diff, and what was ``shown`` (file -> text), for an artifact."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{report.stack}.json").write_text(report.model_dump_json(indent=1) + "\n")
    (folder / f"{report.stack}.diff").write_text(report.diff)
    for name, text in shown.items():
        (folder / name).write_text(text)
