"""A tier: settings in, workloads out, and a place in the resource tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from components.certificates import Certificates
from components.names import Names
from components.rendering import join, render
from components.secrets import Secrets
from components.settings import Settings
from components.workload import ConfigFile, Effect, Workload

GO_SHARE = 0.9
"""Of its memory limit that a process of Go should stay below."""


class Target(Protocol):
    """Where workloads run: turns each into the resources of one engine."""

    @property
    def names(self) -> Names:
        """How members are found there."""

    @property
    def restarts_members(self) -> bool:
        """Whether the engine brings back every member that died, whatever ended it, and runs what has a schedule."""

    @property
    def shows_logs(self) -> bool:
        """Whether a member may read what the others say (``Workload.reads_logs``)."""

    def begin_watching(self) -> None:
        """Where nothing runs yet, what is run from here on may wait until what was run before serves."""

    def run(self, workload: Workload, parent: pulumi.Resource) -> None:
        """Register the resources of every member of ``workload`` under ``parent``."""


@dataclass(frozen=True)
class Context:
    """What a tier may know besides its own settings."""

    stack: str
    settings: Settings
    target: Target
    secrets: Secrets
    certificates: Certificates
    declared: list[Workload] = field(default_factory=list)
    """Every workload of the tiers so far, in their order; of all tiers once files are asked for."""

    @property
    def names(self) -> Names:
        return self.target.names


class Tier(pulumi.ComponentResource):
    """Base of all tiers. A subclass sets ``kind`` and answers ``workloads``; it deliberately registers no resource of
    its own: that is the target's work."""

    kind: str

    def __init__(self, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"evenkeel:tier:{self.kind.capitalize()}", self.kind, None, opts)
        self.context = context
        self.running = self.workloads()
        context.declared.extend(self.running)

    def run(self) -> None:
        """Have the target run them. After all tiers are declared: a tier's files may tell of all the others."""
        for workload in self.running:
            self.context.target.run(workload, parent=self)
        self.register_outputs({})

    def workloads(self) -> list[Workload]:
        raise NotImplementedError

    def exports(self) -> Mapping[str, Any]:
        """Further stack outputs; secret ones marked as such."""
        return {}

    def file(self, path: str, template: str, *, secret: bool = False, effect: Effect = Effect.RELOAD,
             executable: bool = False, **values: Any) -> ConfigFile:
        """A config file rendered from ``templates/<template>``; values may be Pulumi outputs."""
        return ConfigFile(path, render(template, **values), secret=secret, effect=effect, executable=executable)

    def tls_files(self, workload: str, count: int, *, also: tuple[str, ...] = (), bundle: bool = False,
                  ) -> list[ConfigFile]:
        """``tls/ca.pem`` and the workload's certificate: ``tls/cert.pem`` + ``tls/key.pem``, or HAProxy's one file
        ``tls/bundle.pem``. ``also`` are further names it must be valid for."""
        names = self.context.names
        hosts = [names.member(workload, n) for n in range(1, count + 1)] + [names.service(workload), *also]
        certificate = self.context.certificates.issue(workload, hosts)
        files = [ConfigFile("tls/ca.pem", self.context.certificates.authority)]
        if bundle:
            both = join([certificate.chain, certificate.key])
            return [*files, ConfigFile("tls/bundle.pem", both, secret=True)]
        return [*files, ConfigFile("tls/cert.pem", certificate.chain),
                ConfigFile("tls/key.pem", certificate.key, secret=True)]


def go_environment(memory_mib: int) -> Mapping[str, str]:
    """What a program written in Go is told of its memory limit: it cleans up more eagerly when it comes near."""
    return {"GOMEMLIMIT": f"{memory_mib * GO_SHARE:.0f}MiB"}


def environment(**values: Any) -> Mapping[str, str]:
    """Environment variables from values that are set; booleans become ``true`` and ``false``."""
    return {key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in values.items() if value is not None}
