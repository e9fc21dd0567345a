"""Settings of checks of one's own: requests that are made regularly, and what must come back."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import model_validator

from components.settings.base import Model, knob
from components.settings.routes import Severity
from components.settings.traffic import require_path, require_statuses

TIERS = ("edge", "app", "postgres", "redis", "monitoring")


class Check(Model):
    """A request that is made regularly. It fails when no edge brings the answer that is wanted."""

    url: str = knob(..., "A path (`/api/orders?limit=1`): asked through every edge, as a client does. Or an address "
                         "elsewhere, `https://partner.example.com/health`. No secrets: it is a label.", min_length=1)
    statuses: list[int] = knob(lambda: [200], "Statuses that are wanted.", min_length=1)
    contains: str = knob("", "What the answer must contain: a regular expression (RE2). Empty: anything.")
    interval_s: int = knob(15, "How often.", unit="s", ge=5, le=120)
    for_s: int = knob(30, "How long it must fail before it is told.", unit="s", ge=0)
    severity: Severity = knob(Severity.WARNING, "info, warning or critical.")
    says: str = knob("", "What it means that it fails, in a sentence. Empty: only that it does.")
    tier: str = knob("app", f"Whose health it takes from: {', '.join(TIERS)}.")
    runbook: str = knob("", "Where it says what to do: a link. Empty: docs/runbooks/check-failing.md.")

    @property
    def through_edges(self) -> bool:
        return self.url.startswith("/")

    @model_validator(mode="after")
    def _values_are_valid(self) -> Self:
        if self.through_edges:
            require_path(self.url.partition("?")[0])
        elif (parts := urlsplit(self.url)).scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url: {self.url!r}: a path, `/api/orders`, or an address, "
                             "`https://partner.example.com/health`")
        elif parts.password is not None:
            raise ValueError("url: a password in an address would be a label that everybody reads")
        require_statuses("statuses", self.statuses)
        try:
            re.compile(self.contains)
        except re.error as error:
            raise ValueError(f"contains: {self.contains!r} is no regular expression: {error}") from None
        if self.tier not in TIERS:
            raise ValueError(f"tier: {self.tier!r}: one of {', '.join(TIERS)}")
        return self
