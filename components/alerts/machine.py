"""The machine that the exporters run on: processors, memory, disks."""

from __future__ import annotations

from collections.abc import Sequence

from components.alerts.rule import Group, above
from components.settings import Settings
from components.workload import Workload

TIER = {"tier": "machine"}


def group(settings: Settings, _declared: Sequence[Workload]) -> Group:
    """On one machine that is the machine of all members; on several, only one of theirs."""
    limits = settings.monitoring.thresholds
    return Group("machine", [], [
        *above("CpuBusy", '100 * (1 - avg by (stack, member) (rate(node_cpu_seconds_total{mode="idle"}[1m])))',
               (limits.cpu_warning, limits.cpu_critical), "the machine's processors are busy", "machine-busy",
               unit="%", for_s=(900, 300), labels=TIER),
        *above("MemoryFull", "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
               (limits.memory_warning, limits.memory_critical), "the machine's memory is in use", "machine-busy",
               unit="%", for_s=(300, 60), labels=TIER),
        *above("DiskFull", "100 * (1 - min by (stack, device) (node_filesystem_avail_bytes / "
               "node_filesystem_size_bytes))", (limits.disk_warning, limits.disk_critical),
               "the machine's disk {{ $labels.device }} is in use", "disk-full", unit="%", for_s=(300, 60),
               labels=TIER),
    ])
