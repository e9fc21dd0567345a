"""All rules asked about one subject. A rule that fails is a finding, never a pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.settings.policies import Level, Policies, Rule
from operations.policies import rules
from operations.policies.rules import Definition
from operations.policies.subject import Subject

ITSELF_FAILED = "the rule itself failed: "


@dataclass(frozen=True)
class Verdict:
    """One finding. ``broken``: the rule itself failed, its subject is not known to be right."""

    rule: Rule
    level: Level
    message: str
    broken: bool = False


def level(definition: Definition, policies: Policies) -> Level:
    """How much a rule matters to this stack."""
    own = definition.production if policies.production else definition.elsewhere
    return policies.levels.get(definition.rule, own)


def ask(definition: Definition, subject: Subject) -> list[Verdict]:
    """One rule's findings, in order and each once."""
    weight = level(definition, subject.policies)
    if weight is Level.OFF:
        return []
    try:
        found = list(dict.fromkeys(definition.check(subject)))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return [Verdict(definition.rule, Level.MANDATORY, why, broken=True)]
    return [Verdict(definition.rule, weight, message) for message in found]


def everything(subject: Subject, definitions: Sequence[Definition] = rules.ALL) -> list[Verdict]:
    """The findings of all rules."""
    return [verdict for definition in definitions for verdict in ask(definition, subject)]


def mandatory(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those that must not be."""
    return [verdict for verdict in verdicts if verdict.level is Level.MANDATORY]
