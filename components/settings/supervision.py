"""Settings of the supervisors: what brings members back that the engine does not bring back by itself."""

from __future__ import annotations

from components.settings.base import Model, knob


class Supervision(Model):
    """Supervisors and the restricted proxy of the engine's socket. On Kubernetes they are left out: it restarts members
    and runs schedules by itself."""

    enabled: bool = knob(
        True, "Run them. Off: what `docker kill` ended stays down until the next `make up`, and nothing runs by a "
        "schedule.")
    members: int = knob(2, "Supervisors, of which one acts, and as many proxies. With 1 nobody brings that one back.",
                        ge=1, le=5)
    fencing: bool = knob(
        True, "Release the leader key of a Postgres node that is proved dead, so that another takes over in seconds. "
        "Off: writes wait until the key expires (`postgres.ttl_s`).")
    settle_s: float = knob(
        1.0, "How long after a death the engine, or a `stop` that is still under way, has its turn; three times as "
        "long after the stop signal.", unit="s", ge=0.5, le=5)
    lease_s: int = knob(4, "A supervisor that leads and says nothing for so long is stepped over.", unit="s", ge=3,
                        le=30)
    steady_s: float = knob(30.0, "A member that ran for so long has recovered: its next death starts the pauses anew.",
                           unit="s", ge=5)
    longest_pause_s: float = knob(
        60.0, "Pauses before the next start of a member that keeps dying grow from 1 s (the first start has none), "
        "doubling, to this.", unit="s", ge=1, le=3600)
    schedule_grace_s: float = knob(
        60.0, "A scheduled run that nobody started in time is made up for within this, and left out later.", unit="s",
        ge=5, le=3600)
    memory_mib: int = knob(64, "Memory limit of one supervisor.", unit="MiB", ge=40)
    cpus: float = knob(0.5, "CPU limit of one supervisor.", unit="cores", gt=0)
