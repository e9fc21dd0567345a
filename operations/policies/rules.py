"""Every rule, a pure function: what it finds wrong, in sentences that say who, what and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.settings.policies import Level, Rule
from components.workload import FAILURE_DOMAINS
from operations.changes import effects, parameters
from operations.changes.plan import PlannedMember
from operations.changes.words import Kind
from operations.policies.subject import Subject

Check = Callable[[Subject], Iterator[str]]
SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY|API_KEY|ACCESS_KEY|CREDENTIAL)S?$")
CREDENTIALS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
SHORTEST_SECRET = 8
CONFIG_VOLUME, CACHE_VOLUME = "-config", "-cache"
"""Volumes that are made anew from what is declared, or that may be lost."""


@dataclass(frozen=True)
class Definition:
    """A rule: what it asks for, how much it matters, and its check."""

    rule: Rule
    asks: str
    check: Check
    elsewhere: Level = Level.MANDATORY
    """Its level on stacks that are not for production; there it is mandatory, unless ``production`` says otherwise."""
    production: Level = Level.MANDATORY
    compares: bool = False
    """Whether it needs to know what runs."""
    knows_secrets: bool = False
    """Whether it finds more where the values of secrets are known, as a preview knows them."""


def clustered_kept(subject: Subject) -> Iterator[str]:
    """A plain update must not do what the platform refuses: replace members of a cluster, delete what is protected."""
    if subject.before is None:
        return
    for effect in effects.compare(subject.before, subject.plan):
        if effect.kind is Kind.REFUSED:
            yield f"{', '.join(effect.members) or effect.workload}: refused ({', '.join(effect.because)})"


def limits_set(subject: Subject) -> Iterator[str]:
    """One member without a limit can take the memory or the processors of all."""
    for name, container in _containers(subject):
        missing = [words for key, words in (("memory", "memory"), ("cpus", "CPU"), ("ulimits", "open files"))
                   if not container.get(key) or str(container[key]) in ("0", "0.0")]
        if missing:
            yield f"{name}: no limit of {' and '.join(missing)}; its workload's `resources` set them"


def only_edge_published(subject: Subject) -> Iterator[str]:
    """Whatever is published can be reached past the edge, its limits and its TLS."""
    for member in subject.plan.members.values():
        ports = [str(port.get("external") or port.get("internal")) for port in member.container.get("ports") or ()]
        if ports and member.tier != "edge":
            yield f"{member.name}: publishes {', '.join(ports)} on the host; only the edge may, take the port out"


def no_secret_in_environment(subject: Subject) -> Iterator[str]:
    """Everybody who may list containers reads their environment."""
    known = [secret for secret in subject.secrets if len(secret) >= SHORTEST_SECRET]
    for name, container in _containers(subject):
        for entry in container.get("envs") or ():
            key, _, value = str(entry).partition("=")
            holds = any(secret in value for secret in known) or value == "[secret]" or CREDENTIALS.search(value)
            named = SECRET_NAME.search(key.upper()) and value and not value.startswith("/")
            if holds or named:
                yield f"{name}: {key} holds a secret; name it in `app.secrets`, then it reaches the process alone"


def images_pinned(subject: Subject) -> Iterator[str]:
    """A tag that moves gives each machine, and each restart, another image."""
    for name, container in _containers(subject):
        image = str(container.get("image") or "")
        tag = image.rpartition("/")[2].partition(":")[2]
        if not DIGEST.search(image) and tag in ("", "latest"):
            yield f"{name}: its image {image or '(none)'} is not pinned; name a version or a digest"


def etcd_odd(subject: Subject) -> Iterator[str]:
    """An even member adds a loss that stops everything, and no loss that is survived."""
    count = sum(1 for member in subject.plan.members.values() if member.workload == "etcd")
    if count and count % 2 == 0:
        yield f"etcd: {count} members; use {count - 1} or {count + 1}"


def three_domains(subject: Subject) -> Iterator[str]:
    """A majority survives the loss of a domain only where there are three."""
    by_workload: dict[str, set[str]] = {}
    for member in subject.plan.members.values():
        if member.clustered:
            domain = str(member.container.get("labels", {}).get("evenkeel.domain", ""))
            by_workload.setdefault(member.workload, set()).add(domain)
    for workload, domains in sorted(by_workload.items()):
        if len(domains) < len(FAILURE_DOMAINS):
            yield (f"{workload}: its members are in {len(domains)} of {len(FAILURE_DOMAINS)} failure domains; three "
                   "members are spread over all")


def backups_on(subject: Subject) -> Iterator[str]:
    """Replicas repeat a mistake; only an archive undoes it."""
    for member in subject.plan.members.values():
        file = member.files.get(parameters.PATRONI_FILE)
        if file is None:
            continue
        dynamic = parameters.dynamic(file.content)
        if str(dynamic.get("parameters.archive_mode", "off")).lower() not in ("on", "always", "true"):
            yield (f"{member.workload}: nothing is archived: a dropped table is gone. This version makes no backups "
                   "by itself; take your own from a replica until it does")
            return


def deletion_protected(subject: Subject) -> Iterator[str]:
    """What holds data must not go with a line of a diff."""
    for member in subject.plan.members.values():
        for volume in member.container.get("volumes") or ():
            name = str(volume.get("volume_name") or volume.get("volumeName") or "")
            if not name or not member.clustered or name.endswith((CONFIG_VOLUME, CACHE_VOLUME)):
                continue
            resource = name.removeprefix(f"evenkeel-{subject.stack}-")
            if resource not in subject.plan.protected:
                yield f"{member.name}: its volume {resource} is not protected; `Volume(protected=True)` does"


def _containers(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in sorted(subject.plan.members):
        member: PlannedMember = subject.plan.members[name]
        yield name, member.container


ALL = (
    Definition(Rule.CLUSTERED_KEPT, "members of a cluster, and what is protected, are not replaced by a plain update",
               clustered_kept, compares=True),
    Definition(Rule.LIMITS_SET, "every member has limits of memory, CPU and open files", limits_set),
    Definition(Rule.ONLY_EDGE_PUBLISHED, "only the edge is published", only_edge_published),
    Definition(Rule.NO_SECRET_IN_ENVIRONMENT, "no secret stands in a container's environment",
               no_secret_in_environment, knows_secrets=True),
    Definition(Rule.IMAGES_PINNED, "every image has a version or a digest", images_pinned),
    Definition(Rule.ETCD_ODD, "etcd has an odd number of members", etcd_odd),
    Definition(Rule.THREE_DOMAINS, "members of clusters are spread over three failure domains", three_domains,
               elsewhere=Level.ADVISORY),
    Definition(Rule.BACKUPS_ON, "Postgres archives what it writes", backups_on, elsewhere=Level.OFF,
               production=Level.ADVISORY),
    Definition(Rule.DELETION_PROTECTED, "volumes with data of clusters are protected", deletion_protected),
)
