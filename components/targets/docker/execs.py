"""Programs run inside containers, and what they say.

The SDK's ``exec_run`` asks for an upgraded connection and reads the socket beneath the buffer in which the answer's
headers arrived: what came together with them is lost, and a program that said something counts as one that said nothing
(docker/docker-py issue 2042; 2 of 750 on two busy cores). Asked without an upgrade, the engine sends the same as the
body of an ordinary answer, which nobody has to take out of its buffer.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any

import docker.errors
import requests
from docker import APIClient

HEADER = struct.Struct(">BxxxL")
"""What the engine puts before each piece of output: which of the two outputs, and its length in bytes."""
PIECE = 65536
CONNECT_S = 30
CODE_S = 10.0
"""The output ends a moment before the engine knows how the program ended."""


def create(api: APIClient, container: str, command: list[str], *, stderr: bool = True) -> str:
    """The id of a program that ``output`` starts."""
    return str(api.exec_create(container, command, stderr=stderr)["Id"])


def output(api: APIClient, execution: str) -> Iterator[bytes]:
    """Start it; pieces of what it says, as they come, until it ends. Raises ``docker.errors.APIError``."""
    url = f"{api.base_url}/v{api.api_version}/exec/{execution}/start"
    # No limit to how long it may be silent: some of these programs wait for something.
    with api.post(url, json={"Detach": False, "Tty": False}, stream=True, timeout=(CONNECT_S, None)) as answer:
        try:
            answer.raise_for_status()
        except requests.HTTPError as error:
            docker.errors.create_api_error_from_http_exception(error)
        yield from unframed(iter(lambda: answer.raw.read1(PIECE), b""))


def exit_code(api: APIClient, execution: str) -> int:
    """How a program ended whose output has. Raises ``docker.errors.DockerException`` where the engine doesn't say."""
    deadline = time.monotonic() + CODE_S
    while time.monotonic() < deadline:
        found: dict[str, Any] = api.exec_inspect(execution)
        if not found["Running"] and found["ExitCode"] is not None:
            return int(found["ExitCode"])
        time.sleep(0.02)
    raise docker.errors.DockerException(f"a program's output has ended, and the engine says for {CODE_S:g} s that it "
                                        "runs")


def unframed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Without the engine's headers; both outputs in the order of their arrival."""
    held = b""
    for piece in pieces:
        held += piece
        while len(held) >= HEADER.size:
            end = HEADER.size + HEADER.unpack_from(held)[1]
            if len(held) < end:
                break
            yield held[HEADER.size:end]
            held = held[end:]
