"""Which backends nobody gets through to, since the breakers of all workers are open."""

from __future__ import annotations

from ansible_collections.evenkeel.platform.plugins.module_utils import breakers, haproxy

SAID = """# backend/server state failures opened address
web_green_read/slot-1 open 5 1700000000 10.1.0.3:8000
web_green_read/slot-2 half-open 9 1700000000 10.1.0.4:8000
web_green_write/slot-1 open 5 1700000000 10.1.0.3:8000
web_green_write/slot-2 closed 2 0 10.1.0.4:8000
"""
STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
7 web_green_read 1 slot-1 10.1.0.3 2 0 0 1 3
7 web_green_read 2 slot-2 10.1.0.4 2 0 0 1 3
7 web_green_read 3 slot-3 10.1.0.5 0 0 1 1 3
7 web_green_read 4 slot-4 - 0 32 1 1 3
8 web_green_write 1 slot-1 10.1.0.3 2 0 0 1 3
8 web_green_write 2 slot-2 10.1.0.4 2 0 1 1 3
9 web_blue_read 1 slot-1 10.1.0.6 2 0 1 1 3
"""
DISABLED = """Unknown command: 'show breakers', but maybe one of the following ones is a better match:
  show backend                            : list backends in the current running config
"""


def shut(said: str, colour: str) -> dict[str, int]:
    return breakers.shut(haproxy.servers(STATE), breakers.opened(said), colour)


def test_a_backend_is_shut_when_the_breakers_of_all_workers_that_are_up_are_open() -> None:
    assert shut(SAID, "green") == {"web_green_read": 2}


def test_one_worker_that_answers_keeps_it_open() -> None:
    assert shut(SAID.replace("half-open 9", "closed 1"), "green") == {}


def test_the_other_colour_has_no_part_in_it() -> None:
    assert shut(SAID, "blue") == {}


def test_where_breakers_are_switched_off_none_is_open() -> None:
    assert breakers.opened(DISABLED) == frozenset() and shut(DISABLED, "green") == {}
