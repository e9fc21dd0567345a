"""Equal servers over TLS: the next one is asked when one does not answer, and strangers are not believed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.generated import x509
from operations.supervisor.connection import NobodyAnswersError, Servers
from operations.supervisor.engine import Engine, EngineError, GoneError
from operations.supervisor.settings import Settings

Answer = tuple[int, bytes]


class Server(ThreadingHTTPServer):
    """Answers what ``answer`` says, keeps connections, counts them."""

    daemon_threads = True
    answer: Answer = (200, b"{}")

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.accepted = 0
        self.paths: list[str] = []
        self.hang_up = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls/cert.pem", folder / "tls/key.pem")
        context.load_verify_locations(folder / "tls/ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def address(self) -> str:
        return f"localhost:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is refused is what some tests want."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.accepted += 1

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.server.hang_up

    do_POST = do_GET  # noqa: N815 - the base class names it

    def log_message(self, format: str, *args: object) -> None:
        """Not into the tests' output."""


def files(folder: Path, authority: str, key: str) -> Settings:
    issued = x509.issue({"commonName": "supervisor", "hosts": ["localhost"], "authority": authority,
                         "authorityKey": key}, 1)
    (folder / "tls").mkdir(parents=True)
    for name, text in (("ca.pem", authority), ("cert.pem", issued["chain"]), ("key.pem", issued["key"])):
        (folder / "tls" / name).write_text(text)
    return Settings("supervisor-1", 0, (), (), 1, 4, 30, 60, 60, folder)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return files(tmp_path_factory.mktemp("tls") / "own", *x509.make_authority("Evenkeel test", 2))


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[[], Server]]:
    running: list[Server] = []

    def one() -> Server:
        server = Server(settings.directory)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(server)
        return server

    yield one
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_connection_is_kept(start: Callable[[], Server], settings: Settings) -> None:
    server = start()
    servers = Servers([server.address], settings.tls, 2)
    assert [servers.ask("GET", "/a"), servers.ask("GET", "/b")] == [(200, b"{}"), (200, b"{}")]
    assert (server.accepted, server.paths) == (1, ["/a", "/b"])


def test_a_kept_connection_that_was_closed_is_opened_anew(start: Callable[[], Server], settings: Settings) -> None:
    server = start()
    servers = Servers([server.address], settings.tls, 2)
    servers.ask("GET", "/a")
    server.hang_up = True
    servers.ask("GET", "/b")
    assert servers.ask("GET", "/c") == (200, b"{}")


def test_the_next_one_is_asked_when_one_is_gone_or_can_not_answer(
        start: Callable[[], Server], settings: Settings) -> None:
    ill, well = start(), start()
    ill.answer = (503, b"no engine behind")
    servers = Servers(["localhost:1", ill.address, well.address], settings.tls, 2)
    assert servers.ask("GET", "/a") == (200, b"{}")
    servers.ask("GET", "/b")
    assert ill.paths == ["/a"], "who answered is asked first from then on"


def test_when_nobody_answers_every_reason_is_said(start: Callable[[], Server], settings: Settings) -> None:
    ill = start()
    ill.answer = (503, b"")
    with pytest.raises(NobodyAnswersError, match=r"localhost:1: .*refused.*; localhost:\d+: 503"):
        Servers(["localhost:1", ill.address], settings.tls, 2).ask("GET", "/")


def test_a_server_of_another_authority_is_not_believed(start: Callable[[], Server], tmp_path: Path) -> None:
    stranger = files(tmp_path / "stranger", *x509.make_authority("Somebody else", 2))
    with pytest.raises(NobodyAnswersError, match="certificate verify failed"):
        Servers([start().address], stranger.tls, 2).ask("GET", "/")


@pytest.mark.parametrize(("answer", "error", "said"), [
    ((404, b'{"message":"No such container: x"}'), GoneError, "No such container: x"),
    ((403, b"Forbidden"), EngineError, "the proxy of the engine's socket refused it"),
    ((409, b'{"message":"container is marked for removal and cannot be started"}'), EngineError, "marked for removal"),
    ((500, b"plain words"), EngineError, r"plain words \(500\)"),
])
def test_what_the_engine_answers_is_said(start: Callable[[], Server], settings: Settings, answer: Answer,
                                         error: type[EngineError], said: str) -> None:
    server = start()
    server.answer = answer
    with pytest.raises(error, match=said):
        Engine([server.address], settings.tls).act("x", "start")


def test_what_runs_already_is_no_error(start: Callable[[], Server], settings: Settings) -> None:
    server = start()
    engine = Engine([server.address], settings.tls)
    server.answer = (304, b"")
    assert engine.act("x", "start") is False
    server.answer = (204, b"")
    assert engine.act("x", "restart") is True
    assert server.paths == ["/containers/x/start", "/containers/x/restart"]


def test_events_are_a_stream_that_ends_with_an_error_nowhere(start: Callable[[], Server], settings: Settings) -> None:
    server = start()
    server.answer = (200, b'{"Type":"container","Action":"die","timeNano":1000000000,"Actor":{"ID":"1","Attributes":'
                          b'{"exitCode":"3"}}}\n{"Type":"network"}\n')
    found = list(Engine([server.address], settings.tls).events(12.5, 5))
    assert [(event.action, event.exit_code, event.at) for event in found] == [("die", 3, 1.0)]
    assert server.paths == ["/events?since=12.500000"]
