"""Whom Prometheus asks for figures, made of what the platform declares: no list of members is written anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components import monitoring_exporters as exporters
from components.names import Names
from components.settings.checks import Check
from components.workload import Metrics, Workload

DROPPED = ("go_.*", "python_gc_.*", "promhttp_.*", "grpc_.*", "etcd_debugging_.*", ".*_created", "process_virtual_.*",
           "haproxy_(backend|server)_(agg_)?check_status", "haproxy_.*_max_.*", "haproxy_.*_comp_.*",
           "redis_commands?_.*", "redis_latency_percentiles.*", "net_conntrack_.*", "prometheus_(sd|target|http)_.*")
"""Names of figures that nobody looks at, a third of all that is told."""
MOST_SAMPLES = 20000
"""A member that tells more is not listened to: an application that puts visitors' names in labels would fill
everything."""


@dataclass(frozen=True)
class Target:
    """One address and what its figures are labelled with."""

    address: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """Targets that are asked in the same way."""

    name: str
    path: str
    tls: bool
    parameters: Mapping[str, str]
    about_others: bool
    interval_s: int = 0
    """Where it is another than everybody's."""
    targets: Sequence[Target] = ()
    discovered: str = ""
    """Where members have no names of their own: the DNS name that leads to all of them."""
    port: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of whoever is discovered."""


def jobs(stack: str, declared: Sequence[Workload], names: Names, checks: Mapping[str, Check]) -> list[Job]:
    """One per workload and place where it tells figures, and one per check."""
    return [*_jobs(stack, declared, names), *_checks(stack, declared, names, checks)]


def _checks(stack: str, declared: Sequence[Workload], names: Names, checks: Mapping[str, Check]) -> Iterator[Job]:
    """A check's name stands where others have a workload: its certificate is watched by it, too."""
    doors = exporters.front_doors(declared, names)
    for name, check in checks.items():
        targets = [Target(one.address, {
            "stack": stack, "tier": check.tier, "workload": name, "exporter": exporters.CHECK, "check": name,
            **(_member(one.member.name, one.member.domain) if one.member else {}),
            "instance": one.parameters["target"],
            **{f"__param_{key}": value for key, value in one.parameters.items()}})
            for one in exporters.checked(name, check, doors, names)]
        yield Job(f"check-{name}", exporters.PATHS["blackbox"], False, {}, False, check.interval_s, targets)


def _jobs(stack: str, declared: Sequence[Workload], names: Names) -> Iterator[Job]:
    for workload in declared:
        if not workload.count or workload.schedule:
            continue
        apart = names.tells_apart(workload)
        for metrics in workload.metrics:
            labels = {"stack": stack, "tier": workload.tier, "workload": workload.name, **workload.labels}
            if metrics.exporter:
                yield _by_exporter(workload, metrics, names, labels)
            elif apart:
                yield _job(workload, metrics, targets=[
                    Target(f"{names.member(workload.name, member.ordinal)}:{metrics.port}",
                           {**labels, **_member(member.name, member.domain),
                            "instance": f"{member.name}:{metrics.port}"})
                    for member in workload.members])
            else:
                yield _job(workload, metrics, discovered=names.service(workload.name), port=metrics.port, labels=labels)


def _job(workload: Workload, metrics: Metrics, *, targets: Sequence[Target] = (), discovered: str = "", port: int = 0,
         labels: Mapping[str, str] | None = None) -> Job:
    return Job(workload.name, metrics.path, metrics.tls, metrics.parameters, metrics.about_others, targets=targets,
               discovered=discovered, port=port, labels=labels or {})


def _by_exporter(workload: Workload, metrics: Metrics, names: Names, labels: Mapping[str, str]) -> Job:
    """The exporter is asked, once for each member, and the figures are the member's."""
    asked = exporters.asked(workload, metrics, names)
    targets = [Target(one.address, {
        **labels, **(_member(one.member.name, one.member.domain) if one.member else {}), "exporter": metrics.exporter,
        "instance": f"{one.member.name if one.member else workload.name}:{metrics.port}",
        **{f"__param_{name}": value for name, value in one.parameters.items()}}) for one in asked]
    return Job(f"{workload.name}-{metrics.exporter}", exporters.PATHS[metrics.exporter], False, {}, False,
               exporters.SELDOM_S.get(metrics.exporter, 0), targets)


def _member(name: str, domain: str) -> dict[str, str]:
    return {"member": name, "domain": domain}
