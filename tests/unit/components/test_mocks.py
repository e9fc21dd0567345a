"""The mocks on which tests run the program."""

from __future__ import annotations

import asyncio

from tests.support.mocks import declare


def test_a_program_runs_although_another_test_has_used_and_closed_the_threads_event_loop() -> None:
    asyncio.run(asyncio.sleep(0))
    recorder, _ = declare({})
    assert recorder.of("container:Container")
