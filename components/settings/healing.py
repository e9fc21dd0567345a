"""Settings of healing: which playbook answers which alert."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob
from components.settings.routes import Severity

PLAYBOOK = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_./-]*\.ya?ml$")
SHORTEST_PAUSE_S = 60


class Hook(Model):
    """A playbook that is run while an alert fires, by `make heal`."""

    alert: str = knob(..., "Name of the alert: `RedisMemoryFull`.", min_length=1)
    playbook: str = knob(..., "The playbook, from the top of the checkout: `ansible/playbooks/switchover.yml`, or one "
                              "of yours. It is told `stack`, and as `alert` what fires with its labels.")
    severities: list[Severity] = knob(lambda: [Severity.WARNING, Severity.CRITICAL], "Of which severity.", min_length=1)
    labels: dict[str, str] = knob(dict, "Only where the alert has these labels: `{tier: redis}`.")
    after_s: int = knob(60, "How long it must have been firing.", unit="s", ge=0)
    pause_s: int = knob(600, "From the end of one run to the next.", unit="s", ge=SHORTEST_PAUSE_S)
    most_a_day: int = knob(3, "Runs within 24 hours, whatever becomes of them. Then people have to look.", ge=1, le=100)
    extra: dict[str, str] = knob(dict, "Further variables for the playbook.")

    @model_validator(mode="after")
    def _values_are_valid(self) -> Self:
        if not PLAYBOOK.match(self.playbook) or ".." in self.playbook.split("/"):
            raise ValueError(f"playbook: {self.playbook!r}: a YAML file below the top of the checkout")
        if taken := {"stack", "alert", "healing"} & self.extra.keys():
            raise ValueError(f"extra: {sorted(taken)[0]!r} is told to every playbook already")
        return self
