"""The client of a drill, against servers that behave and that don't: nothing is sent twice unseen."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.generated import x509
from operations.drills.errors import DrillError
from operations.drills.ledger import Outcome
from operations.drills.witness import Rates, Seen, Witness

RATES = Rates(writes=20, reads=20, sessions=10)
STORED = b'{"id": "1", "status": "stored"}'
Behaviour = Callable[[str, int], bytes | None]
"""Request line and its number on the connection -> the answer; None: the connection ends without one."""


def answer(status: int, body: bytes = STORED) -> bytes:
    cookie = "Set-Cookie: session=abc; Path=/\r\n" if status == 201 else ""
    return f"HTTP/1.1 {status} x\r\n{cookie}Content-Length: {len(body)}\r\n\r\n".encode() + body


def good(line: str, _number: int) -> bytes:
    return answer(201 if line.startswith("POST") else 200)


class Edge:
    """Speaks HTTP/1.1 over TLS on a port of this machine, in a thread of its own."""

    def __init__(self, context: ssl.SSLContext, behaviour: Behaviour) -> None:
        self.asked: Counter[str] = Counter()
        self.cookies: set[str] = set()
        self.port = 0
        self._context, self._behaviour = context, behaviour
        self._listening, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._listening.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        while line := (await reader.readline()).decode().strip():
            headers = {}
            while header := (await reader.readline()).decode().strip():
                name, _, value = header.partition(": ")
                headers[name.lower()] = value
            await reader.readexactly(int(headers.get("content-length", "0")))
            number += 1
            self.asked[line.split(" ")[0]] += not line.startswith("GET /ws")
            self.cookies |= {headers["cookie"]} if "cookie" in headers else set()
            said = self._behaviour(line, number)
            if said is None:
                break
            writer.write(said)
        writer.close()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """The server's, and the authority's PEM for a client that trusts it."""
    authority, key = x509.make_authority("Evenkeel test", 2)
    issued = x509.issue({"commonName": "localhost", "hosts": ["localhost"], "authority": authority,
                         "authorityKey": key}, 2)
    pem: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_text(issued["chain"] + issued["key"])
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(pem)
    return served, authority


@contextmanager
def edges(tls: tuple[ssl.SSLContext, str], *behaviours: Behaviour) -> Iterator[list[Edge]]:
    made = [Edge(tls[0], behaviour) for behaviour in behaviours]
    for edge in made:
        edge.start()
    try:
        yield made
    finally:
        for edge in made:
            edge.stop()


def witnessed(made: list[Edge], authority: str, *, closed: tuple[int, ...] = (), seconds: float = 1.0) -> Seen:
    with Witness([f"https://localhost:{port}" for port in (*(edge.port for edge in made), *closed)], authority,
                 RATES) as witness:
        time.sleep(seconds)
    return witness.seen


def test_both_edges_are_asked_in_turn_and_every_answer_counts_once(
        tls: tuple[ssl.SSLContext, str]) -> None:
    with edges(tls, good, good) as made:
        seen = witnessed(made, tls[1])
    assert {write.outcome for write in seen.writes} == {Outcome.ACKNOWLEDGED} and len(seen.writes) >= 10
    assert {ask.status for ask in seen.asks} == {200} and {ask.kind for ask in seen.asks} == {"read", "session"}
    sent = made[0].asked + made[1].asked
    assert sent["POST"] - 24 == len(seen.writes), "24 sessions are opened first"
    assert sent["GET"] == len(seen.asks) and abs(made[0].asked["GET"] - made[1].asked["GET"]) <= 6
    assert made[0].cookies == {"session=abc"}
    assert seen.repeated == seen.other_edge == seen.left_out == 0


def test_a_write_whose_connection_ends_is_unknown_and_is_sent_once(tls: tuple[ssl.SSLContext, str]) -> None:
    def loses_writes(line: str, number: int) -> bytes | None:
        return None if line.startswith("POST /api/orders") else good(line, number)

    with edges(tls, loses_writes) as made:
        seen = witnessed(made, tls[1])
    assert {write.outcome for write in seen.writes} == {Outcome.UNKNOWN}
    assert made[0].asked["POST"] - 24 == len(seen.writes)


def test_a_read_whose_connection_ends_is_asked_for_once_more_and_that_is_counted(
        tls: tuple[ssl.SSLContext, str]) -> None:
    """Also on a connection that was used before, which the client's library would repeat by itself."""
    lost = Counter[str]()

    def loses_every_third(line: str, number: int) -> bytes | None:
        if line.startswith("GET /api") and number % 3 == 0:
            lost["GET"] += 1
            return None
        return good(line, number)

    with edges(tls, loses_every_third) as made:
        seen = witnessed(made, tls[1])
    assert lost["GET"] > 2 and seen.repeated >= 2
    failed = sum(not ask.succeeded for ask in seen.asks)
    assert made[0].asked["GET"] == len(seen.asks) + seen.repeated
    assert lost["GET"] == seen.repeated + failed


def test_where_one_edge_refuses_connections_the_other_is_asked(tls: tuple[ssl.SSLContext, str]) -> None:
    with edges(tls, good) as made:
        seen = witnessed(made, tls[1], closed=(1,))
    assert {write.outcome for write in seen.writes} == {Outcome.ACKNOWLEDGED}
    assert all(ask.succeeded for ask in seen.asks) and seen.other_edge > 5


def test_a_refusal_is_a_failure_with_its_words(tls: tuple[ssl.SSLContext, str]) -> None:
    def read_only(line: str, number: int) -> bytes:
        return answer(503, b'{"status": "failed", "error": "no primary"}') if line.startswith("POST /api/orders") \
            else good(line, number)

    with edges(tls, read_only) as made:
        seen = witnessed(made, tls[1])
    assert {write.outcome for write in seen.writes} == {Outcome.FAILED}
    assert seen.writes[0].why == '503 {"status": "failed", "error": "no primary"}'


def test_what_was_seen_so_far_can_be_asked_for_and_how_late_it_was(tls: tuple[ssl.SSLContext, str]) -> None:
    with edges(tls, good) as made, Witness([f"https://localhost:{made[0].port}"], tls[1], RATES) as witness:
        time.sleep(0.5)
        first = len(witness.seen.writes)
        time.sleep(0.5)
        assert 0 < first < len(witness.seen.writes)
    assert 0 < witness.seen.late_s < 5


def test_it_ends_when_nobody_is_there_any_more_to_tell(tls: tuple[ssl.SSLContext, str]) -> None:
    with edges(tls, good) as made:
        witness = Witness([f"https://localhost:{made[0].port}"], tls[1], RATES).__enter__()
        witness._pipe.close()
        witness._process.join(20)
        assert witness._process.exitcode == 0


def test_a_client_that_fails_is_no_drill(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DrillError, match="exit code 1"), Witness(["https://localhost:1"], "no certificate"):
        pass
    assert "Traceback" in capfd.readouterr().err
