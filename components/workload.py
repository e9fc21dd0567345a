"""The vocabulary: what a tier says about what it runs, in words no engine owns.

A *workload* is one kind of process with numbered *members*; a *target* (``components/targets``) turns it into
containers or pods. Nothing here knows of Docker, Kubernetes, Postgres or Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pulumi

CONFIG_DIR = "/etc/evenkeel"
"""Where a member finds its config and secret files, read-only."""

DATA_DIR = "/var/lib/evenkeel"
"""Where a member keeps what must outlive it."""

ENGINE_SOCKET = "/engine/engine.sock"
"""Where a member with ``controls_engine`` finds the engine's own socket."""

LOGS_DIR = "/var/log/members"
"""Where a member with ``reads_logs`` finds what every member said."""

USER_ID = 10001
"""User and group of every process of the platform (``images/base`` makes it)."""

FAILURE_DOMAINS = ("a", "b", "c")
"""What fails together: a rack, a zone, a host. On one machine they are only names, but members are spread alike."""


class Zone(StrEnum):
    """A network segment. A member reaches only members that share one of its zones."""

    EDGE = "edge"
    APP = "app"
    DATA = "data"
    CONTROL = "control"
    """Who may ask the engine for something, and whom it is asked through."""
    WATCH = "watch"
    """Who watches, and who is told: from here messages leave the stack."""

    @property
    def internal(self) -> bool:
        """Whether its members reach nothing outside of the stack."""
        return self in (Zone.DATA, Zone.CONTROL)


class Effect(StrEnum):
    """What a changed file does to the member that reads it."""

    RELOAD = "reload"
    """The workload's ``reload`` command is run; nobody notices."""
    RESTART = "restart"
    """The member is restarted, one member at a time."""
    NONE = "none"
    """Read when it is needed; nothing is to be done."""


@dataclass(frozen=True)
class Member:
    """One running copy of a workload. ``ordinal`` counts from 1."""

    workload: str
    ordinal: int

    @property
    def name(self) -> str:
        return f"{self.workload}-{self.ordinal}"

    @property
    def domain(self) -> str:
        """The failure domain: members 1, 2, 3, 4 are in a, b, c, a."""
        return FAILURE_DOMAINS[(self.ordinal - 1) % len(FAILURE_DOMAINS)]


@dataclass(frozen=True)
class ConfigFile:
    """A file under ``CONFIG_DIR``. ``path`` is relative to it; ``content`` may be a Pulumi output (and secret)."""

    path: str
    content: pulumi.Input[str]
    secret: bool = False
    """Secret files have mode 0400, are masked in every diff and become a Secret on Kubernetes."""
    executable: bool = False
    effect: Effect = Effect.RELOAD


@dataclass(frozen=True)
class Port:
    """A port a member listens on, reachable within its zones."""

    name: str
    number: int
    published: int | None = None
    """Host port of member 1 when reachable from outside; member n has ``published + n - 1``."""


@dataclass(frozen=True)
class Metrics:
    """Where a member tells figures about itself in Prometheus' format; with an ``exporter``, where that one asks for
    them on its behalf."""

    port: int
    path: str = "/metrics"
    tls: bool = False
    """By TLS, with a certificate of the platform's authority on either side."""
    exporter: str = ""
    """Whom the member answers, as it has no such format of its own: blackbox (a request as a client makes it),
    certificate (what it shows), nginx, pgbouncer, postgres or redis."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What else is asked with."""
    about_others: bool = False
    """The figures say themselves which member each of them is about."""


@dataclass(frozen=True)
class Volume:
    """Storage of one member that outlives it. ``protected`` ones are kept by ``make down``."""

    name: str
    path: str = DATA_DIR
    size_gib: float = 1
    protected: bool = True


@dataclass(frozen=True)
class HealthCheck:
    """A command run inside a member: exit 0 means that it serves its purpose."""

    command: tuple[str, ...]
    interval_s: int = 10
    timeout_s: int = 5
    retries: int = 3
    start_s: int = 120
    """How long a start may take before it counts as failed."""


def answers(port: int, path: str) -> tuple[str, ...]:
    """A health check's command: whether the member answers this path with success, as those do that speak HTTP."""
    return ("curl", "-fsS", "-m", "2", "-o", "/dev/null", f"http://127.0.0.1:{port}{path}")


@dataclass(frozen=True)
class Step:
    """A command, one of several in a row, run inside members: exit 0 when its part is done."""

    command: tuple[str, ...]
    workload: str | None = None
    """Run at once in all running members of this workload; None: in the member itself."""


CPU_FIRST = 8
"""The CPU weight of members that keep data, or decide about them or about requests. Their work is short and everybody
waits for it: on a machine that its workers keep busy, a switchover with equal weights paused writes for about half as
long again."""


@dataclass(frozen=True)
class Resources:
    """Limits of one member. ``memory_request_mib`` and ``cpu_request`` are what a scheduler reserves; where the CPU is
    short, members get it in proportion to their ``cpu_weight`` (on Kubernetes: to what is reserved)."""

    memory_mib: int
    cpus: float
    memory_request_mib: int | None = None
    cpu_request: float | None = None
    cpu_weight: int = 1
    open_files: int = 16384


@dataclass(frozen=True)
class Schedule:
    """When members run, instead of always: each is started when it is due and ends by itself. A run that still works
    when the next one is due makes that one be left out."""

    cron: str
    """Minute, hour, day of the month, month, day of the week; UTC."""
    timeout_s: int
    """A run that takes longer has failed. The workload itself ends it; a target may, too, a little later."""


@dataclass(frozen=True)
class Workload:
    """One kind of process, ``count`` members of it.

    ``files`` is asked once per member, so members may differ. ``command`` replaces the image's command (not its
    entrypoint); ``environment`` never holds a secret. ``aliases`` are further service names that reach any member.
    """

    name: str
    tier: str
    image: str
    """Name of one of our images (``images/<name>``), or a full reference of somebody else's (has a ``:`` or ``/``)."""
    count: int
    zones: tuple[Zone, ...]
    resources: Resources
    health: HealthCheck | None = None
    launcher: tuple[str, ...] | None = None
    """Put before the image's own entrypoint and command, which it executes in the end."""
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Callable[[Member], Sequence[ConfigFile]] = lambda _member: ()
    reload: tuple[str, ...] | None = None
    """Run inside a member after a file with ``Effect.RELOAD`` changed."""
    reload_settle_s: float = 0
    """How long after a reload its clients need to come back with new connections; until then no other such member of
    the tier is reloaded."""
    check: tuple[str, ...] | None = None
    """Run inside a member to judge the files in place before a reload; a failure puts the old ones back."""
    ports: tuple[Port, ...] = ()
    metrics: tuple[Metrics, ...] = ()
    volumes: tuple[Volume, ...] = ()
    tmpfs: tuple[str, ...] = ("/tmp", "/run")  # noqa: S108 - inside the container
    tmpfs_mib: int = 64
    aliases: tuple[str, ...] = ()
    stable_address: bool = False
    """Members keep their address for life, for clients that resolve a name only once."""
    controls_engine: bool = False
    """Members get the engine's own socket at ``ENGINE_SOCKET``. Whoever speaks through it owns the machine: only for
    what does nothing but restrict it. Only where the engine has one (``Target.restarts_members`` is false)."""
    reads_logs: bool = False
    """Members find what every container of the engine said at ``LOGS_DIR``, for reading alone, and run as user 0
    without any capability: nobody else may read there. Only where an engine allows it (``Target.shows_logs``)."""
    schedule: Schedule | None = None
    """Set: members are no services but runs. None of them is waited for, and a run that failed is not repeated."""
    clustered: bool = False
    """Members hold roles and votes among each other (a primary, a quorum): who replaces one must mind the others. So
    only an operation replaces them; a plain update that would is refused."""
    can_grow: bool = True
    """Further members may be added to a cluster that runs."""
    resized_by: str = ""
    """The playbook in ``ansible/playbooks`` that changes the number of members of a cluster that runs. A plain update
    that would is refused, and names it."""
    drain: tuple[Step, ...] = ()
    """Leads a member's clients to the others before it is replaced. Unneeded where the stop signal does it."""
    converge: tuple[Step, ...] = ()
    """What a reload of one member can't do: run from the first member that runs, once all have their new files."""
    converge_on: tuple[str, ...] = ()
    """Paths of files, the same for all members, whose change calls for ``converge``."""
    settle_s: float = 0
    """How long after a member serves its clients need to find it; only then another member may be replaced."""
    stop_signal: str = "SIGTERM"
    stop_grace_s: int = 30
    stops_before: tuple[str, ...] = ()
    """Workloads whose members it needs in order to stop cleanly, declared earlier. Starts are never ordered."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """For example ``colour`` and ``pool``; the target adds tier, workload, member and domain."""

    @property
    def stateful(self) -> bool:
        """Whether members have data of their own, hence an identity worth protecting."""
        return any(volume.protected for volume in self.volumes)

    @property
    def has_identity(self) -> bool:
        """Whether others must tell its members apart: they keep something, or an address."""
        return bool(self.volumes) or self.stable_address

    @property
    def members(self) -> list[Member]:
        return [Member(self.name, ordinal) for ordinal in range(1, self.count + 1)]
