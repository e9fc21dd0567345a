"""What the edge decides before any template: routes, shares, locations, maps."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components import edge_haproxy, edge_nginx
from components.pools import HttpPool, StaticFiles
from components.settings import Settings, SettingsError
from components.settings.edge import Edge
from components.workload import Member
from tests.support.mocks import declare
from tests.unit.templates.test_edge_configs import Names, pool

PREPARE = Path(__file__).resolve().parents[3] / "images" / "haproxy" / "prepare"


def edge(**settings: Any) -> Edge:
    return Edge.model_validate(settings)


def refusal(**settings: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.load({"edge": settings}, stack="test", where="stacks/Pulumi.test.yaml")
    return str(refused.value)


def test_a_backend_per_pool_colour_and_access() -> None:
    made = edge_haproxy.backends(edge(), [pool(), pool("feed", paths=("/ws",))], Names())
    assert [backend.name for backend in made[:6]] == [
        "web_blue_read", "web_blue_write", "web_blue_socket", "web_green_read", "web_green_write", "web_green_socket"]
    assert len(made) == 12
    assert {backend.service for backend in made if backend.name.startswith("feed")} == {"feed-blue", "feed-green"}


def test_writers_are_checked_for_writing_and_readers_for_reading() -> None:
    paths = {backend.access: backend.check_path for backend in edge_haproxy.backends(edge(), [pool()], Names())}
    assert paths == {"read": "/health/readonly", "write": "/health/ready", "socket": "/health/readonly"}


@pytest.mark.parametrize(("balancers", "share"), [(1, 256), (2, 128), (3, 86)])
def test_balancers_share_a_workers_places(balancers: int, share: int) -> None:
    made = edge_haproxy.backends(edge(haproxy={"members": balancers}), [pool()], Names())
    assert {backend.max_connections for backend in made if backend.access != "socket"} == {share}


def test_idle_connections_go_before_the_worker_closes_them() -> None:
    made = edge_haproxy.backends(edge(), [pool(keep_alive_s=5)], Names())
    assert {backend.purge_ms for backend in made if backend.access == "read"} == {1250}


def test_source_balancing_hashes_the_address_that_nginx_vouches_for() -> None:
    made = edge_haproxy.backends(edge(), [pool(balance="source")], Names())
    assert {backend.balance for backend in made} == {"hdr(X-Real-IP)"}
    assert all(backend.table for backend in made), "slots differ between the balancers, addresses don't"


def test_stickiness_is_by_colour_so_that_a_switch_frees_everybody() -> None:
    made = edge_haproxy.backends(edge(), [pool(sticky="cookie")], Names())
    assert {(backend.colour, backend.cookie) for backend in made} == {
        ("blue", "evenkeel-web-blue"), ("green", "evenkeel-web-green")}


def test_the_longest_prefix_decides_the_pool_and_ends_at_a_segment() -> None:
    routes = edge_haproxy.routes([pool(), pool("a", paths=("/api",)), pool("b", paths=("/api/live/", "/x"))])
    assert [route["pool"] for route in routes] == ["b", "a", "b"]
    assert routes[1]["condition"] == "{ path /api } || { path_beg /api/ }"
    assert routes[2]["condition"] == "{ path_beg /api/live/ }"


def test_a_class_without_a_limit_is_not_counted() -> None:
    limits = {"api": {"paths": ["/"], "limit": 0}}
    assert [each.name for each in edge_haproxy.rate_classes(edge(rate_limits=limits))] == ["auth", "upload", "static"]
    assert edge_haproxy.rate_classes(edge(rate_limits={"enabled": False})) == []


def test_every_balancers_count_enters_the_sum() -> None:
    values = edge_haproxy.values(edge(haproxy={"members": 3}), [pool()], Names(), Member("haproxy", 2))
    assert [balancer.name for balancer in values["balancers"]] == ["haproxy-1", "haproxy-2", "haproxy-3"]
    assert values["ordinal"] == 2


def test_locations_inherit_what_their_prefix_says() -> None:
    settings = edge(cache={"ttl_s_by_path": {"/api/": 5}, "coalesced_paths": ["/api/catalogue"]},
                    rate_limits={"upload": {"paths": ["/api/upload"], "limit": 10}})
    made = {location.path: location for location in edge_nginx.locations(settings, [pool()])}
    assert sorted(made) == ["/", "/api/", "/api/catalogue", "/api/upload"]
    assert made["/api/catalogue"].coalesced and made["/api/catalogue"].ttl_s == 5
    assert made["/api/upload"].body_mib == 64 and not made["/api/upload"].coalesced
    assert made["/"].body_mib == 4 and made["/"].ttl_s == 0


def frontend(*paths: str) -> list[HttpPool]:
    return [pool(paths=("/api/",) if "/" in paths else ()), pool("frontend", paths=paths, static=StaticFiles(60, "/i"))]


@pytest.mark.parametrize(("paths", "static"), [
    (("/app",), {("/app", True), ("/app/", False)}),
    (("/files/",), {("/files/", False)}),
    (("/",), {("/", False), ("/assets/", False), ("/static/", False), ("/upload", False)}),
])
def test_files_are_cached_just_where_the_balancers_route_to_their_pool(
        paths: tuple[str, ...], static: set[tuple[str, bool]]) -> None:
    """`/application` begins like `/app`, but is the pool web's, whose answers may be one visitor's own."""
    made = edge_nginx.locations(edge(), frontend(*paths))
    assert {(place.path, place.exact) for place in made if place.static} == static
    assert all(place.coalesced and place.ttl_s == 60 for place in made if place.static)
    assert ("/api/", False) in {(place.path, place.exact) for place in made} or "/" not in paths


def test_without_files_no_pool_changes_what_nginx_does() -> None:
    pools = [pool(), pool("websocket", paths=("/ws",))]
    assert edge_nginx.locations(edge(), pools) == edge_nginx.locations(edge(), [pool()])


@pytest.mark.parametrize(("port", "ordinal", "text"), [
    (8443, 1, ":8443"), (8443, 2, ":8444"), (443, 1, ""), (0, 1, "")])
def test_redirects_lead_to_the_same_members_https_port(port: int, ordinal: int, text: str) -> None:
    assert edge_nginx.public_port(edge(nginx={"https_port": port}), Member("nginx", ordinal)) == text


def test_htpasswd_lines_verify_and_do_not_change() -> None:
    line = edge_nginx.htpasswd_line("local", "ann", "pa55")
    assert line == edge_nginx.htpasswd_line("local", "ann", "pa55")
    user, _, coded = line.strip().partition(":{SSHA}")
    raw = base64.b64decode(coded)
    assert user == "ann" and raw[:20] == hashlib.sha1(b"pa55" + raw[20:]).digest()
    assert line != edge_nginx.htpasswd_line("other", "ann", "pa55")


@pytest.mark.parametrize(("settings", "part"), [
    ({"cache": {"coalesced_paths": ["static; evil"]}}, "begins with `/`"),
    ({"rate_limits": {"auth": {"paths": ["/a b"], "limit": 1}}}, "begins with `/`"),
    ({"headers": {"referrer_policy": 'x" always; evil "'}}, "no quotation marks"),
    ({"nginx": {"trusted_proxies": ["cdn.example"]}}, "cdn.example"),
    ({"haproxy": {"testers": {"beta": "red"}}}, "blue or green"),
    ({"rate_limits": {"tiers": {"pro": 0}}}, "tier"),
    ({"breaker": {"faliures": 3}}, "did you mean `failures`?"),
])
def test_what_no_configuration_could_hold_is_refused(settings: dict[str, Any], part: str) -> None:
    assert part in refusal(**settings)


def test_secrets_of_the_edge_are_secret_files_and_the_split_is_not_an_input() -> None:
    recorder, _ = declare({"app": {"credentials": "files"}, "edge": {"basic_auth": {"users": ["ann"]}}})
    nginx, haproxy = recorder.named("nginx-1-config").inputs, recorder.named("haproxy-1-config").inputs
    assert {"tls/key.pem", "htpasswd-a", "htpasswd-b", "htpasswd.map"} <= set(nginx["secretFiles"]["value"])
    assert {"tls/bundle.pem", "secret.cfg"} == set(haproxy["secretFiles"]["value"])
    assert "split.map" not in haproxy["files"] and haproxy["files"]["initial/split.map"] == "web 0\n"


def prepare(folder: Path, initial: str, split: str | None, *arguments: str) -> str:
    for name in ("config/initial", "data", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "config/initial/split.map").write_text(initial)
    if split is not None:
        (folder / "data/split.map").write_text(split)
    subprocess.run(["sh", PREPARE, *arguments], check=True, env={
        **os.environ, "EVENKEEL_CONFIG": f"{folder}/config", "EVENKEEL_DATA": f"{folder}/data",
        "EVENKEEL_RUN": f"{folder}/run"})
    return (folder / "data/split.map").read_text()


def test_operations_split_outlives_a_start(tmp_path: Path) -> None:
    assert prepare(tmp_path, "web 0\n", None) == "web 0\n"
    assert prepare(tmp_path, "web 0\n", "web 100\n") == "web 100\n"


def test_tickets_of_the_process_before_a_reload_are_still_opened_and_the_oldest_key_goes(tmp_path: Path) -> None:
    def keys(*arguments: str) -> list[str]:
        prepare(tmp_path, "web 0\n", None, *arguments)
        return (tmp_path / "run/haproxy-tickets.keys").read_text().splitlines()

    first = keys()
    assert len(set(first)) == 3 and {len(base64.b64decode(key)) for key in first} == {80}
    assert keys() == first, "another start of the script alone changes none"
    renewed = keys("renew")
    assert renewed[:2] == first[1:] and renewed[2] not in first
    assert stat.S_IMODE((tmp_path / "run/haproxy-tickets.keys").stat().st_mode) == 0o600


def test_a_new_pool_starts_on_the_colour_of_web(tmp_path: Path) -> None:
    assert prepare(tmp_path, "web 0\nfeed 0\n", "web 100\n") == "web 100\nfeed 100\n"
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["split.map"]


CONFIG = """backend web_blue_read from base
    server-template slot- 4 web-blue:8000
backend web_green_read from base
    server-template slot- 4 web-green:8000
backend successor from base
    server successor unix@/run/haproxy-successor.sock
"""
HEADER = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state and so on"


def server(backend: str, slot: int, address: str, state: int, port: int = 8000) -> str:
    """A line of `show servers state`: fields 1 to 6, and 19."""
    return f"7 {backend} {slot} slot-{slot} {address} {state} 0 100 100 9 6 3 7 6 0 0 0 web-x {port} - 0 0 - - 0"


def kept(tmp_path: Path, named: str, *servers: str) -> list[str]:
    """What the next process is told: backend, id, slot, address, and whether it is up."""
    (tmp_path / "haproxy.cfg").write_text(CONFIG)
    said = subprocess.run(["sh", PREPARE.with_name("keep-servers"), named], check=True, text=True,
                          stdout=subprocess.PIPE, input="\n".join([HEADER, *servers, "", ""]),
                          env={**os.environ, "EVENKEEL_CONFIG": str(tmp_path)}).stdout.splitlines()
    assert said[:2] == HEADER.splitlines()
    return [" ".join(line.split()[1:6]) for line in said[2:]]


def test_after_a_reload_no_slot_without_a_worker_comes_before_one_that_has_one(tmp_path: Path) -> None:
    assert kept(tmp_path, "web-blue/10.0.0.3\nweb-blue/10.0.0.4", server("web_blue_read", 1, "10.0.0.2", 0),
                server("web_blue_read", 2, "10.0.0.3", 2), server("web_blue_read", 3, "10.0.0.4", 0)) == [
        "web_blue_read 1 slot-1 10.0.0.3 2", "web_blue_read 2 slot-2 10.0.0.4 0", "web_blue_read 3 slot-3 10.0.0.2 0"]


def test_a_slot_that_is_empty_and_one_of_another_port_are_forgotten(tmp_path: Path) -> None:
    assert kept(tmp_path, "web-blue/10.0.0.3", server("web_blue_read", 1, "-", 0),
                server("web_blue_read", 2, "10.0.0.3", 2), server("web_blue_read", 3, "10.0.0.4", 2, port=9000),
                server("successor", 1, "-", 2, port=0)) == ["web_blue_read 1 slot-1 10.0.0.3 2"]


def test_each_colour_has_workers_of_its_own_and_without_an_answer_all_stay_in_their_order(tmp_path: Path) -> None:
    both = [server("web_blue_read", 1, "10.0.0.2", 2), server("web_blue_read", 2, "10.0.0.3", 2),
            server("web_green_read", 1, "10.0.0.4", 0), server("web_green_read", 2, "10.0.0.5", 2)]
    assert sorted(kept(tmp_path, "web-green/10.0.0.5\nweb-blue/10.0.0.5", *both))[2:] == [
        "web_green_read 1 slot-1 10.0.0.5 2", "web_green_read 2 slot-2 10.0.0.4 0"]
    assert sorted(kept(tmp_path, "", *both)) == [" ".join(line.split()[1:6]) for line in both]
