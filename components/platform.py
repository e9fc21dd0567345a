"""The composition root: which tiers, in which order, on which target."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any

import pulumi

from components.app import App
from components.certificates import Certificates
from components.edge import Edge
from components.generated import rotation
from components.monitoring import Monitoring
from components.postgres import Postgres
from components.redis import Redis
from components.secrets import Secrets
from components.settings import Settings
from components.supervision import Supervision
from components.tier import Context, Target, Tier
from components.workload import Workload

TIERS: tuple[type[Tier], ...] = (Edge, App, Postgres, Redis, Monitoring, Supervision)
"""In the order in which a request passes them, and in which they are shown."""
DECLARED: tuple[type[Tier], ...] = (Postgres, Redis, Edge, App, Monitoring, Supervision)
"""In the order in which files name them."""
STARTED: tuple[type[Tier], ...] = (Postgres, App, Redis, Edge)
"""In the order in which they are made where nothing runs yet: what takes longest to serve comes first."""
AFTERWARDS: tuple[type[Tier], ...] = (Monitoring, Supervision)
"""No visitor waits for who watches."""


class Platform:
    """All tiers of one stack."""

    def __init__(self, stack: str, settings: Settings, target: Target) -> None:
        self.settings = settings
        foundation = pulumi.ComponentResource("evenkeel:platform:Foundation", "foundation")
        steps = rotation.requested(os.environ.get(rotation.VARIABLE))
        self.context = Context(stack, settings, target,
                               Secrets(foundation, steps=steps, sources=settings.secrets.source_of),
                               Certificates(stack, foundation, steps=steps))
        made = {tier: tier(self.context) for tier in DECLARED}
        for tier in STARTED:
            made[tier].run()
        target.begin_watching()
        for tier in AFTERWARDS:
            made[tier].run()
        self.tiers = [made[tier] for tier in TIERS]
        self._phases = {**self.context.secrets.phases, **self.context.certificates.phases}
        rotation.refuse_unknown(steps, set(self._phases))

    @property
    def workloads(self) -> list[Workload]:
        return [workload for tier in self.tiers for workload in tier.running]

    def outputs(self) -> Mapping[str, Any]:
        """What `pulumi stack output` shows: everything the inventory and a newcomer need; secret is only what a tier
        marks so."""
        address = ipaddress.ip_address(self.settings.network.address)
        host = "localhost" if address.is_loopback or address.is_unspecified else str(address)
        published = [(port, member) for workload in self.workloads for port in workload.ports if port.published
                     for member in workload.members]
        urls = [f"{port.name}://{host}:{(port.published or 0) + member.ordinal - 1}" for port, member in published]
        return {
            "url": next((url for url in urls if url.startswith("https")), None),
            "urls": urls,
            "authority": self.context.certificates.authority,
            "rotation": pulumi.Output.all(**self._phases).apply(rotation.unfinished),
            "members": [
                {"member": member.name, "workload": workload.name, "tier": workload.tier, "domain": member.domain,
                 "stateful": workload.stateful, **workload.labels,
                 **({"schedule": workload.schedule.cron} if workload.schedule else {})}
                for workload in self.workloads for member in workload.members
            ],
            **{name: value for tier in self.tiers for name, value in tier.exports().items()},
        }
