"""Roles and versions are read from what the services really print."""

from __future__ import annotations

import pytest

from operations.setup import roles


@pytest.mark.parametrize(("workload", "output", "role", "version"), [
    ("postgres", '{"state": "running", "role": "primary", "server_version": 150018}', "primary", "15.18"),
    ("postgres", '{"state": "streaming", "role": "replica", "server_version": 150018}', "replica", "15.18"),
    ("etcd", 'etcd_server_is_leader 1\netcd_server_version{server_version="3.4.23"} 1', "leader", "3.4.23"),
    ("etcd", 'etcd_server_is_leader 0\netcd_server_version{server_version="3.4.23"} 1', "follower", "3.4.23"),
    ("nginx", "nginx version: nginx/1.22.1", "", "1.22.1"),
    ("haproxy", "HAProxy version 2.6.12-1+deb12u3 2025/10/03", "", "2.6.12"),
    ("pgbouncer", "PgBouncer 1.18.0\nlibevent 2.1.12-stable", "", "1.18.0"),
    ("postgres", "curl: (7) Failed to connect", "", ""),
])
def test_roles_and_versions(workload: str, output: str, role: str, version: str) -> None:
    assert roles.read(roles.QUESTIONS[workload], output) == (role, version)
