"""Many questions in one go: over the network where that is reachable, else by one command inside. Only Prometheus is
made up, the way to it over the network is real."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from operations.monitoring import api
from operations.setup.errors import SetupError


class Member:
    """Its container, as far as a message names it."""

    name = "evenkeel-local-prometheus-1"


def body(question: str) -> str:
    """What Prometheus says: the question itself as a label, or that it is refused."""
    if question == "rate(":
        return json.dumps({"status": "error", "error": "unclosed left parenthesis"})
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"asked": question}, "value": [0, "1"]}]}})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: set[Any] = set()  # noqa: RUF012 - of all requests
    answers = True

    def do_GET(self) -> None:
        Handler.connections.add(self.client_address)
        asked = parse_qs(urlsplit(self.path).query)
        said = body(asked["query"][0]) if Handler.answers else "Service Unavailable"
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.connections, Handler.answers = set(), True
    monkeypatch.setattr(api, "prometheus", lambda _stack: Member())
    monkeypatch.setattr(api, "address", lambda *_arguments: f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that were run inside the member instead."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    commands: list[list[str]] = []

    def inside(_container: Member, command: list[str]) -> tuple[int, str]:
        commands.append(command)
        urls = [part for part in command if part.startswith("http://127.0.0.1:9090/")]
        return 0, "\n".join(body(parse_qs(urlsplit(url).query)["query"][0]) for url in urls)

    monkeypatch.setattr(api, "prometheus", lambda _stack: Member())
    monkeypatch.setattr(api, "address", lambda *_arguments: f"http://127.0.0.1:{port}")
    monkeypatch.setattr(api.engine, "run_inside", inside)
    return commands


QUESTIONS = [api.now('up{member="redis-1"} == 0'), api.now("rate("), api.between("up", 100, 160.5, 30)]


def told(answers: list[api.Told]) -> list[tuple[list[str], str]]:
    return [([row["metric"]["asked"] for row in one.rows], one.why) for one in answers]


EXPECTED = [(['up{member="redis-1"} == 0'], ""), ([], "unclosed left parenthesis"), (["up"], "")]


def test_all_questions_take_one_connection(reachable: None) -> None:
    assert told(api.several("shop", QUESTIONS)) == EXPECTED
    assert len(Handler.connections) == 1


def test_where_the_network_is_out_of_reach_one_command_asks_all(unreachable: list[list[str]]) -> None:
    with api.Line("shop") as line:
        assert told(line.several(QUESTIONS)) == EXPECTED
        assert told(line.several(QUESTIONS[:1])) == EXPECTED[:1]
    assert len(unreachable) == 2 and unreachable[0][0] == "curl"


def test_a_time_is_asked_for_with_its_step() -> None:
    assert api.between("up", 100, 160.5, 30).line == "/api/v1/query_range?query=up&start=100.000&end=160.500&step=30"


def test_a_range_that_is_refused_is_an_error_with_its_words(reachable: None) -> None:
    assert len(api.query_range("shop", "up", 0, 60, 30)) == 1
    with pytest.raises(SetupError) as raised:
        api.query_range("shop", "rate(", 0, 60, 30)
    assert "unclosed left parenthesis" in str(raised.value)


def test_one_that_is_not_ready_is_named(reachable: None) -> None:
    Handler.answers = False
    with pytest.raises(SetupError) as raised:
        api.several("shop", QUESTIONS)
    assert "prometheus-1 is not ready" in str(raised.value) and "make logs" in str(raised.value)


def test_one_that_is_silent_inside_is_named(unreachable: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.engine, "run_inside", lambda *_arguments: (7, ""))
    with pytest.raises(SetupError) as raised:
        api.several("shop", QUESTIONS)
    assert "prometheus-1 does not answer" in str(raised.value)


def test_one_that_takes_the_question_and_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setattr(api, "prometheus", lambda _stack: Member())
        monkeypatch.setattr(api, "address", lambda *_arguments: f"http://127.0.0.1:{mute.getsockname()[1]}")
        with pytest.raises(SetupError, match="does not answer"):
            api.several("shop", QUESTIONS, patience_s=0.2)
