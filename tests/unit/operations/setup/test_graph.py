"""The picture shows what runs, and only that."""

from __future__ import annotations

from operations.setup.graph import mermaid

MEMBERS = [
    {"member": f"{workload}-{n}", "workload": workload, "tier": tier}
    for tier, workload, count in (("edge", "nginx", 2), ("edge", "haproxy", 2), ("app", "web-blue", 1))
    for n in range(1, count + 1)
]


def test_arrows_join_only_workloads_that_run() -> None:
    picture = mermaid(MEMBERS, ["https://localhost:8443"])
    assert "haproxy --> web-blue" in picture and 'subgraph tier-edge["edge"]' in picture
    assert "web-green" not in picture and "pgbouncer" not in picture
    assert "2 members: 1 to 2" in picture and "1 member" in picture
