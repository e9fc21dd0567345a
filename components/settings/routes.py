"""Settings of the ways on which alerts reach people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from components.settings.base import Model, knob

SERVER = re.compile(r"^[A-Za-z0-9.-]+:\d{1,5}$")
ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+$")


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Kind(StrEnum):
    """What is spoken at the other end."""

    PAGERDUTY = "pagerduty"
    SLACK = "slack"
    EMAIL = "email"
    WEBHOOK = "webhook"
    HEARTBEAT = "heartbeat"


NEEDED: Mapping[Kind, tuple[str, ...]] = {Kind.PAGERDUTY: (), Kind.SLACK: (), Kind.EMAIL: ("to", "sender", "server"),
                                          Kind.WEBHOOK: ("url",), Kind.HEARTBEAT: ("url",)}
ALLOWED: Mapping[Kind, tuple[str, ...]] = {Kind.PAGERDUTY: (), Kind.SLACK: ("channel",), Kind.EMAIL: ("user",),
                                           Kind.WEBHOOK: ("token",), Kind.HEARTBEAT: ("token", "every_s")}


class Route(Model):
    """One way. Its secret is given by `pulumi config set --secret alert-NAME`: PagerDuty's integration key (Events API
    v2), Slack's webhook address, the password of a mail server (with `user`), a webhook's or heartbeat's token (with
    `token`). A heartbeat is no way for alerts: it tells a service elsewhere, again and again, that this platform is
    watched, and that service tells you when it stays away."""

    kind: Kind = knob(..., "pagerduty, slack, email, webhook or heartbeat.")
    severities: list[Severity] = knob(lambda: [Severity.WARNING, Severity.CRITICAL], "What is told on it.",
                                      min_length=1)
    channel: str = knob("", "Slack: another channel than the webhook's own.")
    to: list[str] = knob(list, "Email: to whom.")
    sender: str = knob("", "Email: from whom.")
    server: str = knob("", "Email: the server that takes it, `smtp.example.com:587`; by TLS.")
    user: str = knob("", "Email: who logs in there. Empty: nobody needs to.")
    url: str = knob("", "Webhook, heartbeat: where Alertmanager's JSON is posted.", pattern="^(https?://.+)?$")
    token: bool = knob(False, "Webhook, heartbeat: send the secret as a bearer token.")
    every_s: int = knob(60, "Heartbeat: how often. Let the other side wait for two of them.", unit="s", ge=15, le=3600)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needed, allowed = NEEDED[self.kind], ALLOWED[self.kind]
        for name in needed:
            if not getattr(self, name):
                raise ValueError(f"{self.kind.value} needs `{name}`")
        for name in ("channel", "to", "sender", "server", "user", "url", "token"):
            if getattr(self, name) and name not in (*needed, *allowed):
                raise ValueError(f"`{name}` means nothing to {self.kind.value}")
        if "every_s" in self.model_fields_set and "every_s" not in allowed:
            raise ValueError(f"`every_s` means nothing to {self.kind.value}")
        if self.kind is Kind.HEARTBEAT and "severities" in self.model_fields_set:
            raise ValueError("`severities` means nothing to heartbeat: it is told while all is well")
        if self.server and not SERVER.match(self.server):
            raise ValueError(f"server {self.server!r}: a name and a port, `smtp.example.com:587`")
        for address in (*self.to, *([self.sender] if self.sender else ())):
            if not ADDRESS.match(address):
                raise ValueError(f"{address!r} is no address of a mailbox")
        return self

    @property
    def has_secret(self) -> bool:
        """Whether `alert-NAME` must be there."""
        return self.kind in (Kind.PAGERDUTY, Kind.SLACK) or bool(self.user) or self.token
