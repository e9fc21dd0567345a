"""What one preview found, as data: written as JSON by whoever ran it, shown by whoever posts it.

A report may come from somebody who is not trusted (a fork's run), so it is checked when it is read, holds no markup,
and has bounds.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from operations.changes.words import Kind

PROJECT = "evenkeel"
LONGEST, MOST = 4_000, 2_000
Word = Annotated[str, StringConstraints(max_length=200)]
Sentence = Annotated[str, StringConstraints(max_length=LONGEST)]
Text = Annotated[str, StringConstraints(max_length=4_000_000)]


class Part(BaseModel):
    """Of a report. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(Part):
    """One effect on members of one workload."""

    tier: Word = ""
    workload: Word
    members: tuple[Word, ...] = Field((), max_length=MOST)
    kind: Kind
    lost: bool = False
    """Whether data or a secret would go with it."""
    what: Sentence
    so: Sentence = ""
    because: tuple[Sentence, ...] = Field((), max_length=MOST)
    instead: Sentence = ""
    pulumi: tuple[Sentence, ...] = Field((), max_length=MOST)
    """Pulumi's words: ``replace container x 2``."""


class Finding(Part):
    """What a rule found."""

    rule: Word
    level: Literal["mandatory", "advisory"]
    message: Sentence
    broken: bool = False
    """The rule itself failed; nothing is known about its subject."""


class Amount(Part):
    """What one part costs a month, before and after; None: unknown."""

    what: Sentence
    before: float | None
    after: float | None


class Cost(Part):
    """An estimate by one price file."""

    target: Word
    dated: Word
    currency: Word
    own_hardware: bool = False
    amounts: tuple[Amount, ...] = Field((), max_length=MOST)
    unknown: tuple[Sentence, ...] = Field((), max_length=MOST)
    """Why a part isn't known."""


class Failure(Part):
    """Why there is no (whole) preview."""

    what: Sentence
    means: Sentence
    then: Sentence
    error: Text


class Report(Part):
    """One preview of one stack."""

    version: Literal[1] = 1
    project: Word
    stack: Word
    compared: Literal["state", "declarations", "nothing"] = "state"
    """With what Pulumi knows to run; with another declaration; with nothing: the stack doesn't exist yet."""
    members: int = 0
    """How many there are afterwards."""
    workloads: tuple[Word, ...] = Field((), max_length=MOST)
    """What there is, before or afterwards."""
    rows: tuple[Row, ...] = Field((), max_length=MOST)
    operations: dict[Word, int] = Field(default_factory=dict)
    """Pulumi's count of resources by operation."""
    diff: Text = ""
    by_hand: tuple[Sentence, ...] = Field((), max_length=MOST)
    findings: tuple[Finding, ...] = Field((), max_length=MOST)
    judged: Sentence = ""
    """Which way the rules were asked."""
    cost: Cost | None = None
    failure: Failure | None = None

    @property
    def refused(self) -> bool:
        """Whether an update would end before it did anything."""
        return any(row.kind is Kind.REFUSED for row in self.rows)

    @property
    def changes(self) -> bool:
        """Whether an update would do anything."""
        return bool(self.rows or self.diff)

    @property
    def passed(self) -> bool:
        """Whether it may be merged as far as this preview can tell."""
        return not (self.refused or self.failure or any(finding.level == "mandatory" for finding in self.findings))
