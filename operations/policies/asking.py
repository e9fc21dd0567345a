"""How a preview asks the rules: by the policy pack where Pulumi starts it, else by the same functions."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable

from pulumi.automation.events import PolicyEvent

from components.settings.policies import Level, Rule
from operations.policies import judge, rules
from operations.policies.judge import Verdict
from operations.policies.subject import Subject
from operations.setup.paths import ROOT

PACK = ROOT / "operations" / "policies" / "pack.py"
ADVISED = "-advised"
"""After a rule's name in the pack, where its finding is advice."""
BY_PACK = "rules judged by the policy pack in Pulumi's engine"
BY_FUNCTIONS = "rules judged by their functions: this Pulumi starts no policy pack"
NOT_STARTED = re.compile(r"policy pack .*failed to start|failed to load Pulumi policy project|policy pack not found")


def startable() -> bool:
    """Whether the pack's library is here. Whether this Pulumi starts it shows when it tries (``did_not_start``)."""
    return importlib.util.find_spec("pulumi_policy") is not None


def did_not_start(output: str) -> bool:
    """Whether Pulumi says that it could not start the pack."""
    return NOT_STARTED.search(output) is not None


def by_pack(events: Iterable[PolicyEvent], subject: Subject) -> list[Verdict]:
    """What the pack found in Pulumi's engine, and what only a preview can tell: it knows what runs, and the secrets."""
    found = [verdict for event in events if (verdict := _verdict(event))]
    ours = [verdict for definition in rules.ALL if definition.compares or definition.knows_secrets
            for verdict in judge.ask(definition, subject)]
    return list(dict.fromkeys([*found, *ours]))


def by_functions(subject: Subject) -> list[Verdict]:
    """The same without the pack."""
    return judge.everything(subject)


def _verdict(event: PolicyEvent) -> Verdict | None:
    if event.policy_pack_name != "evenkeel":
        return None
    rule = Rule(event.policy_name.removesuffix(ADVISED))
    asks = next(definition.asks for definition in rules.ALL if definition.rule is rule)
    said = event.message.strip().removeprefix(asks).strip()
    broken = said.startswith(judge.ITSELF_FAILED)
    weight = Level.ADVISORY if event.policy_name.endswith(ADVISED) else Level.MANDATORY
    return Verdict(rule, weight, said.removeprefix(judge.ITSELF_FAILED), broken)
