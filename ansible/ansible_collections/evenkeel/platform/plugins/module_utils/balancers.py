"""Whether every load balancer reaches every worker: one that serves is of no use before their checks have seen it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ansible_collections.evenkeel.platform.plugins.module_utils.streams import DockerStreams, Member

UP = "2"
QUESTION = ("sh", "-c", "echo 'show servers state' | socat -t 5 - UNIX-CONNECT:/run/haproxy.sock")


def reached(servers_state: str) -> Counter[str]:
    """Backend -> how many of its servers are up, from ``show servers state``."""
    counted: Counter[str] = Counter()
    for line in servers_state.splitlines():
        fields = line.split()
        if len(fields) > 5 and fields[0].isdigit() and fields[5] == UP and fields[4] != "-":
            counted[fields[1]] += 1
    return counted


def problems(streams: DockerStreams, members: Sequence[Member]) -> list[str]:
    """For every running HAProxy among ``members``, the workers among them that it does not reach."""
    workers = Counter(member.workload for member in members if "evenkeel.colour" in member.labels)
    found = []
    for balancer in members:
        if balancer.workload == "haproxy" and balancer.running:
            up = reached(streams.need(balancer, *QUESTION))
            found += [f"{balancer.name} reaches {up[backend]} of {count} members of {workload}"
                      for workload, count in workers.items()
                      if (backend := f"{workload.replace('-', '_')}_write") in up or workload.startswith("web")
                      if up[backend] < count]
    return found
