"""`make graph`: the running platform as a Mermaid picture, from the stack's own state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- graph: written by `make graph` -->", "<!-- /graph -->"

FLOW = (
    ("nginx", "haproxy"), ("haproxy", "web-blue"), ("haproxy", "web-green"), ("web-blue", "pgbouncer"),
    ("web-green", "pgbouncer"), ("web-blue", "redis"), ("web-green", "redis"), ("pgbouncer", "pgproxy"),
    ("pgproxy", "postgres"), ("postgres", "etcd"), ("supervisor", "engineproxy"), ("supervisor", "etcd"),
    ("prometheus", "exporters"), ("prometheus", "alertmanager"),
)
"""Who calls whom. Only pairs that both run are drawn."""


def mermaid(members: Iterable[Mapping[str, Any]], urls: Iterable[str]) -> str:
    """Tiers as boxes, workloads with their members in them, arrows in the direction of a request."""
    tiers: dict[str, dict[str, list[str]]] = {}
    for member in members:
        tiers.setdefault(member["tier"], {}).setdefault(member["workload"], []).append(member["member"])
    lines = ["flowchart LR", f"  clients((clients)) -->|\"{'<br/>'.join(urls)}\"| nginx"]
    for tier, workloads in tiers.items():
        # Its own identifier: a workload may have its tier's name.
        lines.append(f'  subgraph tier-{tier}["{tier}"]')
        for workload, names in workloads.items():
            shape = ("[(", ")]") if workload in ("postgres", "redis", "etcd") else ("[", "]")
            lines.append(f'    {workload}{shape[0]}"{workload}<br/>{_range(names)}"{shape[1]}')
        lines.append("  end")
    running = {workload for workloads in tiers.values() for workload in workloads}
    lines += [f"  {source} --> {target}" for source, target in FLOW if {source, target} <= running]
    return "\n".join(lines) + "\n"


def write_into(file: Path, picture: str) -> None:
    """Put the picture between the markers of a Markdown file."""
    text = file.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    file.write_text(f"{before}{BEGIN}\n```mermaid\n{picture}```\n{END}{after}")


def _range(names: list[str]) -> str:
    first, last = names[0].rpartition("-")[2], names[-1].rpartition("-")[2]
    return f"{len(names)} members: {first} to {last}" if len(names) > 1 else "1 member"
