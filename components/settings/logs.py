"""Settings of what keeps logs."""

from __future__ import annotations

from components.settings.base import Model, knob


class Logs(Model):
    """What every member says, kept in one place and searchable: the OpenTelemetry Collector reads it, Loki keeps it."""

    enabled: bool = knob(False, "Keep them. Both programs are built from their sources where this is first on, which "
                                "takes about ten minutes, once. Without: the last 30 MB that each container said, as "
                                "the engine keeps them.")
    retention_days: int = knob(7, "Lines older than this go.", unit="days", ge=1)
    rate_mib_s: float = knob(8, "What is taken in at most; what is said faster waits in the containers' own files.",
                             unit="MiB/s", gt=0)
    size_gib: float = knob(5, "What the disk is expected to hold of them, for estimates of cost: lines go by age.",
                           unit="GiB", gt=0)
    buffer_mib: int = knob(256, "What waits on the collector's disk while Loki does not answer. When it is full, the "
                                "rest waits in the containers' own files, 30 MB each.", unit="MiB", ge=16)
    loki_memory_mib: int = knob(384, "Memory limit of Loki.", unit="MiB", ge=128)
    loki_cpus: float = knob(0.5, "CPU limit of Loki.", unit="cores", gt=0)
    collector_memory_mib: int = knob(192, "Memory limit of the collector, also where it only takes traces.",
                                     unit="MiB", ge=96)
    collector_cpus: float = knob(0.5, "CPU limit of the collector, likewise.", unit="cores", gt=0)
