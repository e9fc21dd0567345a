"""Nginx and HAProxy judge the files that we render for them: `nginx -t` and `haproxy -c`, over many settings.

The host's binaries do it, else the platform's images; with neither the tests fail.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from components import edge_haproxy, edge_nginx
from components.edge import PAGES
from components.generated import x509
from components.pools import COLOURS, HttpPool, StaticFiles
from components.rendering import render_text
from components.settings.edge import Edge
from components.workload import Member, Workload
from operations.setup.images import image_tag
from operations.setup.paths import ROOT

IMAGE_PATHS = {"config": "/etc/evenkeel", "data": "/var/lib/evenkeel", "run": "/run", "cache": "/var/cache/evenkeel"}

ACCEPTED = {"ann": {"a": "the password in use", "b": "the next one"}, "bob": {"a": "the only one"}}

BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so")


class Names:
    """Names as an engine would give them; addresses that a checker can parse."""

    resolver = "127.0.0.11:53"

    def member(self, workload: str, ordinal: int) -> str:
        return f"{workload}-{ordinal}"

    def container(self, workload: str, ordinal: int) -> str:
        return f"stack-{workload}-{ordinal}"

    def tells_apart(self, workload: Workload) -> bool:
        return True

    def service(self, workload: str) -> str:
        return workload

    def stable_address(self, workload: str, ordinal: int) -> str:
        return f"127.0.0.{10 + ordinal}"


def pool(name: str = "web", **changes: Any) -> HttpPool:
    given: dict[str, Any] = {
        "name": name, "workload_by_colour": {colour: f"{name}-{colour}" for colour in COLOURS}, "port": 8000,
        "paths": (), "balance": "leastconn", "sticky": "off", "max_connections": 256, "ready_path": "/health/ready",
        "readonly_path": "/health/readonly", "keep_alive_s": 5, **changes}
    return HttpPool(**given)


@functools.cache
def certificates() -> Mapping[str, str]:
    authority, key = x509.make_authority("Evenkeel test", 2)
    issued = x509.issue({"commonName": "nginx", "hosts": ["localhost"], "authority": authority, "authorityKey": key}, 1)
    return {"tls/ca.pem": authority, "tls/cert.pem": issued["chain"], "tls/key.pem": issued["key"],
            "tls/bundle.pem": issued["chain"] + issued["key"], "public/cert.pem": issued["chain"],
            "public/key.pem": issued["key"]}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in {**files, **certificates()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def pages() -> dict[str, str]:
    files = {}
    for level, (title, text) in PAGES.items():
        files[f"pages/{level}.html"] = render_text("nginx/page.html.j2", {"title": title, "text": text})
        files[f"pages/{level}.json"] = render_text("nginx/page.json.j2", {"title": title, "level": level})
    return files


def nginx_files(edge: Edge, pools: Sequence[HttpPool] = (), ordinal: int = 1, **changed: Any) -> dict[str, str]:
    values = {**edge_nginx.values(edge, pools or [pool()], Names(), Member("nginx", ordinal)), **changed}
    return {"nginx.conf": render_text("nginx/nginx.conf.j2", values), **pages(),
            "htpasswd-a": edge_nginx.htpasswd("test", "a", ACCEPTED),
            "htpasswd-b": edge_nginx.htpasswd("test", "b", ACCEPTED),
            "htpasswd.map": edge_nginx.htpasswd_map(ACCEPTED)}


def haproxy_files(edge: Edge, pools: Sequence[HttpPool], ordinal: int = 1, **changed: Any) -> dict[str, str]:
    values = {**edge_haproxy.values(edge, pools, Names(), Member("haproxy", ordinal)), **changed}
    return {
        "haproxy.cfg": render_text("haproxy/haproxy.cfg.j2", values),
        "secret.cfg": render_text("haproxy/secret.cfg.j2", {"cookie_key": "k" * 32}),
        "breaker.lua": render_text("haproxy/breaker.lua.j2", {**edge_haproxy.breaker_values(edge)}),
        **pages(),
    }


def on_host(image: str) -> bool:
    """Whether this machine has the service with every module that the configuration loads."""
    return bool(shutil.which(image)) and (image != "nginx" or BROTLI.exists())


def judge(image: str, command: Callable[[Mapping[str, str]], list[str]],
          files: Callable[[Mapping[str, str]], Mapping[str, str]], folder: Path) -> str:
    """Output of the service's checker; ``files`` and ``command`` are asked with the folders that it will see."""
    paths = {name: str(folder / name) for name in IMAGE_PATHS}
    for path in paths.values():
        Path(path).mkdir()
    if on_host(image):
        write(folder / "config", files(paths))
        run = command(paths)
    else:
        write(folder / "config", files(IMAGE_PATHS))
        mounts = [f"--volume={paths[name]}:{inside}" for name, inside in IMAGE_PATHS.items()]
        user = f"--user={os.getuid()}:{os.getgid()}"
        run = ["docker", "run", "--rm", "--network=none", user, "--entrypoint=", *mounts, image_tag(image),
               *command(IMAGE_PATHS)]
    for name, text in edge_haproxy.initial_maps(Edge(), [pool()]).items():
        (folder / "data" / name).write_text(text)
    (folder / "run" / "haproxy-servers.state").write_text("1\n")
    (folder / "run" / "haproxy-tickets.keys").write_text(f"{base64.b64encode(bytes(80)).decode()}\n" * 3)
    done = subprocess.run(run, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout


def judge_haproxy(edge: Edge, pools: Sequence[HttpPool], folder: Path, **changed: Any) -> str:
    return judge(
        "haproxy",
        lambda at: ["haproxy", "-c", "-f", f"{at['config']}/secret.cfg", "-f", f"{at['config']}/haproxy.cfg"],
        lambda at: haproxy_files(edge, pools, config_dir=at["config"], data_dir=at["data"], run_dir=at["run"],
                                 **changed),
        folder)


def judge_nginx(edge: Edge, folder: Path, pools: Sequence[HttpPool] = (), **changed: Any) -> str:
    def files(at: Mapping[str, str]) -> Mapping[str, str]:
        own = "public" if edge.tls.own_certificate else "tls"
        return nginx_files(edge, pools, config_dir=at["config"], cache_dir=at["cache"], run_dir=at["run"],
                           certificate=f"{at['config']}/{own}/cert.pem", key=f"{at['config']}/{own}/key.pem", **changed)

    return judge("nginx", lambda at: ["nginx", "-t", "-c", f"{at['config']}/nginx.conf"], files, folder)


EDGES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "one of each": {"nginx": {"members": 1}, "haproxy": {"members": 1}},
    "three balancers": {"haproxy": {"members": 3, "threads": 2, "access_log": True}},
    "no limits, no breaker, no cache": {
        "rate_limits": {"enabled": False}, "breaker": {"enabled": False}, "cache": {"enabled": False},
        "headers": {"diagnostics": False}, "nginx": {"access_log": False}},
    "by client": {"haproxy": {"split_by": "client"}},
    "by request": {"haproxy": {"split_by": "request", "testers": {"beta-7": "green"}}},
    "users and tiers": {
        "rate_limits": {"tiers": {"pro": 5, "team": 20}, "user_header": "X-User",
                        "api": {"paths": ["/api/"], "limit": 10, "key": "user"},
                        "static": {"paths": ["/static/"], "limit": 0}},
        "nginx": {"trusted_proxies": ["10.0.0.0/8", "2001:db8::/32"], "client_address_header": "CF-Connecting-IP"}},
    "authentication, own certificate": {
        "basic_auth": {"users": ["ann", "bob"], "realm": "Staging"}, "tls": {"own_certificate": True, "hsts_s": 0},
        "headers": {"content_security_policy": "default-src 'self'; img-src *"}},
    "forced lifetimes": {"cache": {"ttl_s_by_path": {"/news": 30, "/api/v1/list/": 5}, "coalesced_paths": []}},
}

POOLS: dict[str, list[HttpPool]] = {
    "web alone": [pool()],
    "pools by path": [pool(), pool("websocket", paths=("/ws", "/feed/"), port=8001, balance="source"),
                      pool("frontend", paths=("/app",), balance="roundrobin", sticky="cookie")],
    "files below a path": [pool(), pool("frontend", paths=("/app", "/files/"),
                                        static=StaticFiles(600, "/app/index.html"))],
    "files everywhere else": [pool(paths=("/api/", "/health")), pool("frontend", paths=("/",),
                                                                    static=StaticFiles(60, ""))],
    "sticky by cookie": [pool(sticky="cookie", balance="weighted")],
    "sticky by source": [pool(sticky="source", keep_alive_s=75)],
}


@pytest.mark.parametrize("settings", EDGES.values(), ids=EDGES.keys())
def test_nginx_accepts(settings: dict[str, Any], tmp_path: Path) -> None:
    assert "[warn]" not in judge_nginx(Edge.model_validate(settings), tmp_path)


@pytest.mark.parametrize("settings", EDGES.values(), ids=EDGES.keys())
def test_haproxy_accepts(settings: dict[str, Any], tmp_path: Path) -> None:
    assert "[WARNING]" not in judge_haproxy(Edge.model_validate(settings), [pool()], tmp_path)


@pytest.mark.parametrize("pools", POOLS.values(), ids=POOLS.keys())
def test_haproxy_accepts_pools(pools: list[HttpPool], tmp_path: Path) -> None:
    assert "[WARNING]" not in judge_haproxy(Edge(), pools, tmp_path)


@pytest.mark.parametrize("pools", POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
def test_nginx_accepts_pools(pools: list[HttpPool], cache: bool, tmp_path: Path) -> None:
    assert "[warn]" not in judge_nginx(Edge.model_validate({"cache": {"enabled": cache}}), tmp_path, pools)


@pytest.mark.parametrize("percent", ["0.01", "12.50", "100.00"])
def test_both_accept_to_trace(percent: str, tmp_path: Path) -> None:
    for name in ("nginx", "haproxy"):
        (tmp_path / name).mkdir()
    assert "[warn]" not in judge_nginx(Edge(), tmp_path / "nginx", traced_percent=percent)
    assert "[WARNING]" not in judge_haproxy(Edge(), [pool()], tmp_path / "haproxy", traced_percent=percent)


@pytest.mark.parametrize("settings", [{}, {"limits": {"idle_client_s": 3}}], ids=["default", "idle"])
def test_an_nginx_about_to_end_serves_one_request_to_a_connection(settings: dict[str, Any], tmp_path: Path) -> None:
    """What the image's entrypoint makes of the file that we render; else it would quietly change nothing."""
    script = (ROOT / "images" / "nginx" / "entrypoint").read_text()
    change = re.search(r"^ *(sed -E '.*') \"\$placed\"", script, re.MULTILINE)
    assert change
    (tmp_path / "nginx.conf").write_text(nginx_files(Edge.model_validate(settings))["nginx.conf"])
    made = subprocess.run(["sh", "-c", f"{change[1]} nginx.conf"], cwd=tmp_path, capture_output=True, text=True,
                          check=True).stdout
    own = made.partition("upstream ")[0] + made.rpartition("server {")[2]
    assert "http2" not in made and re.findall(r"keepalive_timeout (\S+);", own) == ["0"]


def test_a_checker_refuses_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nonsense"):
        judge_haproxy(Edge(), [pool(balance="leastconn", ready_path="/ok nonsense")], tmp_path)
