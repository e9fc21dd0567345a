"""What HAProxy answers, read."""

from __future__ import annotations

from ansible_collections.evenkeel.platform.plugins.module_utils import haproxy
from ansible_collections.evenkeel.platform.plugins.module_utils.haproxy import Counters, Server

STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
7 web_blue_read 1 slot-1 10.1.0.3 2 0 1 1 3
7 web_blue_read 2 slot-2 10.1.0.4 2 8 1 1 3
7 web_blue_read 3 slot-3 10.1.0.5 2 0 0 1 3
7 web_blue_read 4 slot-4 - 0 32 1 1 3
"""
STAT = """# pxname,svname,scur,stot,req_tot,hrsp_2xx,hrsp_4xx,hrsp_5xx,wretr,ttime,-
edge,FRONTEND,2,7,40,30,2,0,0,,-

# pxname,svname,scur,stot,req_tot,hrsp_2xx,hrsp_4xx,hrsp_5xx,wretr,ttime,-
web_blue_read,BACKEND,1,31,30,25,2,1,1,10,-
web_blue_write,BACKEND,1,11,10,8,0,0,0,50,-
web_green_read,BACKEND,0,4,4,4,0,0,0,2,-
"""


def test_only_a_ready_server_that_is_up_and_has_a_weight_is_usable() -> None:
    servers = haproxy.servers(STATE)
    assert [server.state for server in servers] == ["ready", "drain", "ready", "ready"]
    assert haproxy.usable(servers, "web_blue_read") == 1
    assert haproxy.usable(servers, "web_green_read") == 0
    assert servers[0] == Server("web_blue_read", "slot-1", "10.1.0.3", 2, 0, 1, 1)


def test_counters_of_several_answers_are_added_up_by_colour() -> None:
    counted = haproxy.counters(STAT)
    assert counted["edge"].requests == 40
    blue = haproxy.by_colour(counted)["blue"]
    assert blue.begun == 42, "two are under way"
    assert (blue.requests, blue.answers, blue.answers_5xx, blue.retries, blue.average_ms) == (40, 36, 1, 1, 20.0)
    assert haproxy.by_colour(counted, "other")["green"] == Counters()


def test_what_came_since_leaves_what_is_current_as_it_is() -> None:
    before, after = Counters(requests=10, current=4, average_ms=5), Counters(requests=25, current=1, average_ms=7)
    assert after.since(before) == Counters(requests=15, current=1, average_ms=7)


def test_a_map_reads_the_same_from_its_file_and_from_the_socket() -> None:
    assert haproxy.entries("web 20\nshop 20\n") == haproxy.entries("0x55d1 web 20\n0x55d2 shop 20\n\n")
    assert haproxy.entries(haproxy.written({"web": "7"})) == {"web": "7"}


def test_green_has_the_maps_value_and_blue_the_rest() -> None:
    assert (haproxy.share_of(5, "green"), haproxy.share_of(5, "blue")) == (5, 95)
    assert (haproxy.percent_of(95, "blue"), haproxy.leader({"web": "95"}), haproxy.leader({})) == (5, "green", "blue")


def test_pools_are_known_by_their_backends() -> None:
    assert haproxy.pools_of(["web_blue_read", "shop_green_socket", "api_admitted_1", "edge"]) == ["shop", "web"]


def test_a_process_is_known_by_its_number_and_begin() -> None:
    """Not by its age: HAProxy's own clock stands still while a busy machine keeps it waiting."""
    assert haproxy.process("Name: HAProxy\nPid: 12\nUptime_sec: 34\nStart_time_sec: 99\n") == (12, 99)
