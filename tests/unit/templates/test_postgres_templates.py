"""etcd, Patroni, HAProxy and PgBouncer judge the files that we render for them, in the platform's own images.

The containers have no network and no data of anybody. Without the images the tests fail.
"""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.rendering import render_text
from operations.setup.images import image_tag
from tests.support.postgres_tier import declare

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "alone": {"members": 1, "etcd": {"members": 1}, "pgproxy": {"members": 1}, "pgbouncer": {"members": 1}},
    "own": {"database": "orders", "user": "orders_owner", "read_lag_mib": 1, "statement_timeout_ms": 0,
            "members": 5, "etcd": {"members": 5}, "recovery_plan": "cautious", "max_connections": 500,
            "parameters": {"work_mem": "8MB", "auto_explain.log_min_duration": 100, "jit": True,
                           "search_path": "a, 'b'"},
            "pgbouncer": {"members": 4, "query_timeout_s": 0, "query_wait_timeout_s": 0.5}},
}
variants = pytest.mark.parametrize("settings", VARIANTS.values(), ids=list(VARIANTS))


ETCD_HERE = [f"--add-host=etcd-{n}.members.example:127.0.0.1" for n in range(1, 6)]


def judge(image: str, folder: Path, script: str) -> str:
    """Output of a script run in the image over the rendered files; fails where it fails."""
    ended = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", *ETCD_HERE, "--read-only", "--cap-drop", "ALL",
         "--tmpfs", "/run:uid=10001,gid=10001", "--tmpfs", "/tmp", "--tmpfs", "/var/lib/evenkeel:uid=10001,gid=10001",
         "--volume", f"{folder}:/etc/evenkeel:ro", "--entrypoint", "bash", image_tag(image), "-euc", script],
        check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def validate_patroni(folder: Path) -> str:
    """Patroni's checker also wants to reach etcd: anything that listens will do."""
    return judge("postgres", folder, """
        python3 -m http.server 2379 --bind 127.0.0.1 >/dev/null 2>&1 &
        until (: </dev/tcp/127.0.0.1/2379) 2>/dev/null; do sleep 0.05; done
        patroni --validate-config --ignore-listen-port /etc/evenkeel/patroni
    """)


@variants
def test_patroni_accepts_its_configuration(tmp_path: Path, settings: dict[str, Any]) -> None:
    validate_patroni(declare(**settings).write("postgres-1", tmp_path))


def test_patronis_checker_refuses_what_is_wrong(tmp_path: Path) -> None:
    folder = declare().write("postgres-1", tmp_path)
    path = folder / "patroni" / "patroni.yml"
    path.write_text(path.read_text().replace("data_dir: ", "data_folder: "))
    with pytest.raises(AssertionError, match="data_dir"):
        validate_patroni(folder)


@variants
def test_haproxy_accepts_the_proxys_configuration(tmp_path: Path, settings: dict[str, Any]) -> None:
    declared = declare(**settings)
    check = declared.workloads["pgproxy"].check
    assert check
    judge("pgproxy", declared.write("pgproxy-1", tmp_path), " ".join(check))


def test_the_proxy_asks_every_member_and_verifies_its_name() -> None:
    config = declare(members=5).contents["pgproxy-1"]["pgproxy.cfg"]
    for n in range(1, 6):
        host = f"postgres-{n}.members.example"
        line = f"server postgres-{n} {host}:5432 check check-sni {host} verifyhost {host}"
        assert config.count(line) == 2, "once for the primary, once for replicas"
    assert "nameserver dns 10.0.0.53:53" in config


@variants
def test_pgbouncer_runs_with_what_is_rendered(tmp_path: Path, settings: dict[str, Any]) -> None:
    """It has no checker, so it is started and asked over its console."""
    declared = declare(**settings)
    database = settings.get("database", "app")
    output = judge("pgbouncer", declared.write("pgbouncer-1", tmp_path), """
        pgbouncer /etc/evenkeel/pgbouncer/pgbouncer.ini 2>/tmp/log &
        for _ in $(seq 50); do
            psql -h /run -p 6432 -U pgbouncer pgbouncer -At -F ' ' -c 'SHOW DATABASES' && break || sleep 0.1
        done
        kill -INT $!; wait $! || true
        cat /tmp/log; ! grep -E 'ERROR|FATAL|WARNING|unknown' /tmp/log >/tmp/errors
    """)
    user = settings.get("user", "app")
    assert f"{database} pgproxy.example 5432 {database} {user}_pooled" in output
    assert f"{database}_readonly pgproxy.example 5433 {database} {user}_readonly_pooled" in output


def test_pgbouncers_pools_are_the_settings() -> None:
    declared = declare(pgbouncer={"pool_size": 7, "reserve_pool_size": 3, "readers_pool_size": 5})
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(declared.contents["pgbouncer-1"]["pgbouncer/pgbouncer.ini"])
    assert parsed["databases"]["app"].endswith("pool_size=7 reserve_pool=3")
    assert parsed["databases"]["app_readonly"].endswith("pool_size=5 reserve_pool=0")
    pooler = parsed["pgbouncer"]
    assert (pooler["pool_mode"], pooler["server_tls_sslmode"]) == ("transaction", "verify-full")
    assert float(pooler["server_login_retry"]) < 1


def test_etcd_runs_with_what_is_rendered(tmp_path: Path) -> None:
    declared = declare(etcd={"members": 1})
    health = declared.workloads["etcd"].health
    assert health
    output = judge("etcd", declared.write("etcd-1", tmp_path), f"""
        etcd-member 2>/tmp/log &
        for _ in $(seq 100); do {' '.join(health.command)} && break || sleep 0.1; done
        {' '.join(health.command)} && echo healthy || cat /tmp/log
    """)
    assert "healthy" in output


def test_etcd_members_know_each_other_alike() -> None:
    contents = declare(etcd={"members": 5}).contents
    first, last = (dict(line.split("=", 1) for line in contents[name]["etcd/etcd.env"].splitlines() if "=" in line)
                   for name in ("etcd-1", "etcd-5"))
    assert first["ETCD_INITIAL_CLUSTER"] == last["ETCD_INITIAL_CLUSTER"]
    assert first["ETCD_INITIAL_CLUSTER"].count("https://") == 5
    assert "etcd-5" in first["OTHER_ENDPOINTS"] and "etcd-5" not in last["OTHER_ENDPOINTS"]


@pytest.mark.parametrize("password", ["-1e5", "123", "no"])
def test_a_password_stays_text_whatever_it_looks_like(password: str) -> None:
    values = {"api_user": "patroni", "api_password": password}
    rendered = yaml.safe_load(render_text("postgres/passwords.yml.j2", values))
    assert rendered["restapi"]["authentication"]["password"] == password
