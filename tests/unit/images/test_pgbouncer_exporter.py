"""The exporter of PgBouncer's figures, against a PgBouncer that is made up: only what its console shows is."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import threading
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from operations.setup.paths import ROOT

POOLS = [
    {"database": "app", "cl_active": 3, "cl_waiting": 1, "sv_active": 2, "sv_idle": 1, "sv_used": 0, "maxwait": 4},
    {"database": "app", "cl_active": 2, "cl_waiting": 0, "sv_active": 5, "sv_idle": 0, "sv_used": 1, "maxwait": 0},
    {"database": "pgbouncer", "cl_active": 1, "cl_waiting": 0, "sv_active": 0, "sv_idle": 0, "sv_used": 0,
     "maxwait": 0},
]
SHOWN: dict[str, list[dict[str, Any]]] = {
    "POOLS": POOLS,
    "DATABASES": [{"name": "app", "pool_size": 20, "paused": 0}, {"name": "pgbouncer", "pool_size": 2, "paused": 0}],
    "STATS": [{"database": "app", "total_xact_count": 12345678901, "total_query_count": 2, "total_wait_time": 3,
               "total_query_time": 4}],
}


class Connection:
    """Shows ``SHOWN``."""

    autocommit = False
    closed = 0

    def cursor(self) -> Connection:
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def execute(self, statement: str) -> None:
        self.rows = SHOWN[statement.removeprefix("SHOW ")]
        self.description = [types.SimpleNamespace(name=name) for name in self.rows[0]]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.rows]

    def close(self) -> None:
        Connection.closed += 1


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Any:
    library = types.ModuleType("psycopg2")
    library.Error = type("Error", (Exception,), {})  # type: ignore[attr-defined]
    library.OperationalError = type("OperationalError", (library.Error,), {})  # type: ignore[attr-defined]
    library.asked = []  # type: ignore[attr-defined]

    def connect(**options: Any) -> Connection:
        library.asked.append(options)
        if options["host"] == "gone":
            raise library.OperationalError("could not translate host name")
        return Connection()

    library.connect = connect  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "psycopg2", library)
    loader = importlib.machinery.SourceFileLoader("pgbouncer_exporter",
                                                  str(ROOT / "images" / "exporters" / "pgbouncer-exporter"))
    spec = importlib.util.spec_from_loader("pgbouncer_exporter", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def lines(text: str) -> set[str]:
    return {line for line in text.splitlines() if not line.startswith("#")}


def test_pools_of_one_database_are_added_up_and_the_console_is_left_out(exporter: Any) -> None:
    told = lines(exporter.probe("pgbouncer-1:6432", "/tls"))
    assert {'pgbouncer_clients_active{database="app"} 5.0', 'pgbouncer_servers_active{database="app"} 7.0',
            'pgbouncer_pool_size{database="app"} 20.0', "pgbouncer_up 1"} <= told
    assert not [line for line in told if 'database="pgbouncer"' in line]


def test_large_counts_keep_every_digit(exporter: Any) -> None:
    assert 'pgbouncer_transactions_total{database="app"} 12345678901.0' in lines(exporter.probe("one:6432", "/tls"))


def test_it_comes_by_certificate_and_verifies_and_leaves(exporter: Any) -> None:
    before = Connection.closed
    exporter.probe("pgbouncer-1.members.example:6432", "/tls")
    asked = sys.modules["psycopg2"].asked[-1]
    assert (asked["host"], asked["port"], asked["dbname"], asked["user"]) == (
        "pgbouncer-1.members.example", "6432", "pgbouncer", "exporters")
    assert asked["sslmode"] == "verify-full" and asked["sslcert"] == "/tls/cert.pem" and "password" not in asked
    assert Connection.closed == before + 1


def test_one_that_can_not_be_asked_is_down(exporter: Any) -> None:
    assert lines(exporter.probe("gone:6432", "/tls")) == {"pgbouncer_up 0"}


@pytest.fixture
def port(exporter: Any) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), exporter.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


def test_over_http(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/probe?target=pgbouncer-1:6432") as answer:
        assert answer.status == 200 and b"pgbouncer_up 1" in answer.read()
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/probe")
