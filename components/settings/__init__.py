"""The stack's configuration as typed, validated models: every knob, its default, its meaning."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import ValidationError, model_validator

from components.settings.app import App
from components.settings.base import Model, knob
from components.settings.edge import Edge
from components.settings.errors import SettingsError, explain
from components.settings.monitoring import Monitoring
from components.settings.policies import Policies
from components.settings.postgres import Postgres
from components.settings.published import default_ports
from components.settings.redis import Redis
from components.settings.secrets import Secrets
from components.settings.supervision import Supervision

STACK_NAME = re.compile(r"^[a-z][a-z0-9-]{0,29}$")

__all__ = ["Settings", "SettingsError", "TargetName"]


class TargetName(StrEnum):
    """Where the stack runs."""

    DOCKER = "docker"
    KUBERNETES = "kubernetes"


class Network(Model):
    """Addresses of the stack on this machine."""

    address: str = knob("127.0.0.1", "Address on which the edge is published. 0.0.0.0: reachable from outside.")
    edge_subnet: str | None = knob(
        None, "Subnet of the edge network, at least /26. Empty: a /24 of 10.64.0.0/10 derived from the stack's name.")

    @model_validator(mode="after")
    def _addresses_are_valid(self) -> Self:
        ipaddress.ip_address(self.address)
        if self.edge_subnet and ipaddress.IPv4Network(self.edge_subnet).prefixlen > 26:
            raise ValueError(f"network.edge_subnet {self.edge_subnet} is too small: at least a /26")
        return self


class Settings(Model):
    """Everything a stack file may say."""

    target: TargetName = knob(
        TargetName.DOCKER,
        "Where it runs: docker (this machine's engine) or kubernetes (rendered and validated so far, not "
        "deployed).")
    network: Network = knob(Network, "Addresses of the stack.")
    edge: Edge = knob(Edge, "Nginx and HAProxy.")
    app: App = knob(App, "The application.")
    postgres: Postgres = knob(Postgres, "Postgres, etcd, PgBouncer.")
    redis: Redis = knob(Redis, "Redis Cluster.")
    secrets: Secrets = knob(Secrets, "Where the platform's own passwords come from.")
    supervision: Supervision = knob(Supervision, "The supervisors.")
    monitoring: Monitoring = knob(Monitoring, "Figures, rules and alerts.")
    policies: Policies = knob(Policies, "The rules that a preview judges it by.")
    images: dict[str, str] = knob(
        dict, "Replacements of the platform's own images by name, for example `postgres: registry/postgres:tag`.")

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> Self:
        if self.monitoring.traces.enabled and not self.edge.nginx.access_log:
            raise ValueError("monitoring.traces needs edge.nginx.access_log: traces begin in that log")
        return self

    @classmethod
    def load(cls, config: Mapping[str, Any], *, stack: str, where: str) -> Settings:
        """Validate a stack's configuration and fill in what derives from the stack's name.

        Raises ``SettingsError`` that names every wrong key in ``where`` (the stack's file), why it is wrong and, for a
        misspelled one, the nearest right one.
        """
        if not STACK_NAME.match(stack):
            raise SettingsError(f"the stack name {stack!r} can't be used: it becomes part of host names, so lower-case "
                                "letters, digits and dashes, a letter first, 30 characters at most.\nNothing was "
                                "changed. Next: `pulumi stack rename NAME`, or choose another at `pulumi stack init`.")
        try:
            settings = cls.model_validate(dict(config))
        except ValidationError as error:
            raise SettingsError(explain(error, cls, where)) from None
        https, http = default_ports(stack)
        nginx = settings.edge.nginx
        ports = {"https_port": nginx.https_port or https, "http_port": nginx.http_port or http}
        edge = settings.edge.model_copy(update={"nginx": nginx.model_copy(update=ports)})
        return settings.model_copy(update={"edge": edge})

    def images_in_use(self) -> dict[str, str]:
        """Setting -> image, for every image that a setting names."""
        colours = {f"app.colours.{name}.image": colour.image for name, colour in
                   (("blue", self.app.colours.blue), ("green", self.app.colours.green)) if colour.image}
        own = {f"app.pools.{name}.image": pool.image for name, pool in self.app.pools.items() if pool.image}
        own |= {f"app.jobs.{name}.image": job.image for name, job in self.app.jobs.items() if job.image}
        replaced = {f"images.{name}": image for name, image in self.images.items()}
        return {"app.image": self.app.image, **colours, **own, **replaced}
