"""The HTTP interface: statuses, headers and bodies, over stand-ins for what lies beneath."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

from orders.answers import RefusedError, refused
from orders.configuration import Configuration
from orders.database import DatabaseUnavailableError
from orders.keyvalue import UnavailableError
from orders.middleware import Witness
from orders.order_routes import OrderRoutes
from orders.sessions import Session
from orders.shop_routes import ShopRoutes
from orders.status_routes import StatusRoutes
from orders.store import NewOrder, Order, Placed, WriteFailedError, WriteUnknownError

pytestmark = pytest.mark.anyio

ROPE = {"item": "rope", "quantity": 2}


class Stand:
    """Stand-in for store, feed, catalogue, sessions and health, all with one temper."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.published: list[str] = []
        self.error: Exception | None = None
        self.draining = False
        self.states: list[Any] = []
        self.popular = 0

    def _maybe_fail(self) -> None:
        if self.error:
            raise self.error

    async def place(self, new: NewOrder) -> Placed:
        self._maybe_fail()
        if new.idempotency_key in self.orders:
            return Placed(self.orders[new.idempotency_key], repeated=True)
        order = Order(uuid4(), new.idempotency_key, new.item, new.quantity, new.note, datetime.now(UTC), 1)
        self.orders[new.idempotency_key] = order
        return Placed(order, repeated=False)

    async def get(self, identifier: UUID, *, from_primary: bool = False) -> tuple[Order | None, str]:
        self._maybe_fail()
        found = next((order for order in self.orders.values() if order.id == identifier), None)
        return found, "primary" if from_primary else "replica"

    async def latest(self, limit: int, *, from_primary: bool = False) -> tuple[list[Order], str]:
        self._maybe_fail()
        return list(self.orders.values())[:limit], "primary" if from_primary else "replica"

    async def ledger(self, after: int, limit: int) -> list[tuple[int, UUID, str]]:
        self._maybe_fail()
        return [(number, uuid4(), f"key-{number}") for number in range(after + 1, min(after + limit, 25) + 1)]

    def publish(self, message: str) -> None:
        self.published.append(message)

    async def items(self) -> list[dict[str, object]]:
        return [{"item": "rope", "ordered": self.popular}]

    async def start(self) -> tuple[str, Session]:
        self._maybe_fail()
        return "token", Session(0, 1.0)

    async def visit(self, token: str) -> Session | None:
        self._maybe_fail()
        return Session(1, 1.0) if token == "token" else None

    async def can_write(self) -> bool:
        return self.error is None and not self.draining

    async def can_read(self) -> bool:
        return not self.draining

    def summary(self) -> str:
        return "draining" if self.draining else "ok"


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture
async def client(stand: Stand) -> AsyncIterator[httpx.AsyncClient]:
    below: Any = stand
    configuration = Configuration.from_environment({
        "DATABASE_URL": "host=nowhere", "ORDERS_FAULTS": "1", "EVENKEEL_COLOUR": "blue",
        "EVENKEEL_MEMBER": "web-blue-1", "APP_VERSION": "7"})
    routes = [*OrderRoutes(below, below).routes(), *StatusRoutes(configuration, below, lambda: None).routes(),
              *ShopRoutes(below, below, below).routes()]
    application = Starlette(routes=routes, exception_handlers={RefusedError: refused})
    identity = {"X-Evenkeel-Version": "7", "X-Evenkeel-Colour": "blue", "X-Evenkeel-Member": "web-blue-1"}
    witness = Witness(application, identity, lambda: stand.draining)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(witness), base_url="http://orders") as made:
        yield made


async def test_an_order_is_placed_once_per_key(client: httpx.AsyncClient, stand: Stand) -> None:
    first = await client.post("/api/orders", json=ROPE, headers={"Idempotency-Key": "a"})
    again = await client.post("/api/orders", json=ROPE, headers={"Idempotency-Key": "a"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["status"], again.json()["status"]) == ("created", "repeated")
    assert first.headers["location"] == f"/api/orders/{first.json()['id']}"
    assert len(stand.published) == 1


async def test_without_a_key_one_is_made_and_told(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/orders", json=ROPE)
    assert UUID(answer.headers["idempotency-key"])
    assert answer.json()["idempotency_key"] == answer.headers["idempotency-key"]


async def test_a_key_is_for_one_order(client: httpx.AsyncClient) -> None:
    await client.post("/api/orders", json=ROPE, headers={"Idempotency-Key": "a"})
    answer = await client.post("/api/orders", json={**ROPE, "quantity": 3}, headers={"Idempotency-Key": "a"})
    assert answer.status_code == 422


@pytest.mark.parametrize(("error", "status"), [
    (WriteUnknownError("at 10.0.0.1"), "unknown"), (WriteFailedError("at 10.0.0.1"), "failed")])
async def test_what_is_not_acknowledged(client: httpx.AsyncClient, stand: Stand, error: Exception, status: str) -> None:
    stand.error = error
    answer = await client.post("/api/orders", json=ROPE, headers={"Idempotency-Key": "a"})
    assert answer.status_code == 503
    assert answer.json() == {"status": status, "idempotency_key": "a"}
    assert answer.headers["x-evenkeel-cause"] == "database"
    assert int(answer.headers["retry-after"]) > 0
    assert not stand.published


@pytest.mark.parametrize("body", [
    b"", b"x", b"[]", b"{}", b'{"item":"","quantity":1}', b'{"item":"a\\u0000","quantity":1}',
    b'{"item":"\\ud800","quantity":1}', b'{"item":"rope","quantity":true}', b'{"item":"rope","quantity":0}',
    b'{"item":"rope","quantity":1.5}', b'{"item":"rope","quantity":1,"note":7}',
])
async def test_a_bad_order_is_refused(client: httpx.AsyncClient, stand: Stand, body: bytes) -> None:
    answer = await client.post("/api/orders", content=body)
    assert answer.status_code == 400
    assert answer.json()["reason"]
    assert not stand.orders


@pytest.mark.parametrize("key", ["with space", "x" * 201, "ä".encode().decode("latin-1")])
async def test_a_bad_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/api/orders", json=ROPE, headers={"Idempotency-Key": key.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 400


async def test_a_body_without_end_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/orders", content=b" " * 20_000)).status_code == 413


async def test_reading_says_who_answered(client: httpx.AsyncClient) -> None:
    identifier = (await client.post("/api/orders", json=ROPE)).json()["id"]
    answer = await client.get(f"/api/orders/{identifier}")
    assert (answer.status_code, answer.headers["x-orders-source"]) == (200, "replica")
    answer = await client.get(f"/api/orders/{identifier}?consistency=primary")
    assert (answer.json()["id"], answer.headers["x-orders-source"]) == (identifier, "primary")
    assert len((await client.get("/api/orders?limit=5")).json()["orders"]) == 1


@pytest.mark.parametrize(("path", "status"), [
    ("/api/orders/61b3f227-fafb-49c9-9cd6-3c04da4106c9", 404), ("/api/orders/none", 404), ("/api/orders?limit=0", 400),
    ("/api/orders?limit=-1", 400), ("/api/orders?consistency=hope", 400), ("/api/orders/ledger?after=x", 400),
    ("/api/orders/ledger?limit=99999", 400), ("/api/slow?ms=5001", 400), ("/nothing", 404),
])
async def test_what_is_not_there_or_not_understood(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await client.get(path)).status_code == status


async def test_reads_fail_with_their_cause(client: httpx.AsyncClient, stand: Stand) -> None:
    stand.error = DatabaseUnavailableError("at 10.0.0.1")
    for path in ("/api/orders", f"/api/orders/{uuid4()}", "/api/orders/ledger"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["x-evenkeel-cause"]) == (503, "database")
        assert "10.0.0.1" not in answer.text


async def test_the_ledger_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    seen, following = [], 0
    while following is not None:
        page = (await client.get("/api/orders/ledger", params={"after": following, "limit": 10})).json()
        seen += [entry[0] for entry in page["entries"]]
        following = page["next"]
    assert seen == list(range(1, 26))


async def test_the_catalogue_is_made_for_caches(client: httpx.AsyncClient, stand: Stand) -> None:
    first = await client.get("/api/catalogue")
    assert first.headers["cache-control"] == "public, max-age=5, stale-if-error=60"
    known = await client.get("/api/catalogue", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (known.status_code, known.content) == (304, b"")
    assert [int(answer.headers["x-origin-count"]) for answer in (first, known)] == [1, 2]
    stand.popular = 1
    changed = await client.get("/api/catalogue", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_sessions(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/session")).status_code == 401
    answer = await client.post("/api/session", headers={"X-Forwarded-Proto": "https"})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 201
    assert all(word in cookie for word in ("session=token", "HttpOnly", "Secure", "SameSite=lax"))
    assert (await client.get("/api/session", headers={"Cookie": "session=token"})).json()["visits"] == 1
    assert (await client.get("/api/session", headers={"Cookie": "session=old"})).status_code == 401


async def test_sessions_without_redis(client: httpx.AsyncClient, stand: Stand) -> None:
    stand.error = UnavailableError("refused")
    answer = await client.post("/api/session")
    assert (answer.status_code, answer.headers["x-evenkeel-cause"]) == (503, "redis")


async def test_health(client: httpx.AsyncClient, stand: Stand) -> None:
    assert (await client.get("/health/ready")).status_code == 200
    stand.error = WriteFailedError("gone")
    assert (await client.get("/health/ready")).headers["x-evenkeel-cause"] == "database"
    assert (await client.get("/health/readonly")).status_code == 200
    assert (await client.get("/health")).json()["member"] == "web-blue-1"


async def test_while_draining_it_serves_on_but_asks_to_be_left(client: httpx.AsyncClient, stand: Stand) -> None:
    stand.draining = True
    assert [(await client.get(path)).status_code for path in ("/health/ready", "/health/readonly")] == [503, 503]
    answer = await client.post("/api/orders", json=ROPE)
    assert (answer.status_code, answer.headers["connection"]) == (201, "close")


async def test_every_answer_says_who_gave_it(client: httpx.AsyncClient) -> None:
    for path in ("/version", "/nothing", "/api/orders?limit=x", "/static/page.css"):
        headers = (await client.get(path, headers={"X-Request-ID": "r-1"})).headers
        assert (headers["x-evenkeel-version"], headers["x-evenkeel-colour"], headers["x-evenkeel-member"]) == (
            "7", "blue", "web-blue-1")
        assert headers["x-request-id"] == "r-1"


async def test_a_request_without_an_identifier_gets_one(client: httpx.AsyncClient) -> None:
    for given in ({}, {"X-Request-ID": "x" * 200}, {"X-Request-ID": "two words"}):
        assert len((await client.get("/version", headers=given)).headers["x-request-id"]) == 32


async def test_static_files_are_kept_and_the_page_is_not(client: httpx.AsyncClient) -> None:
    assert "max-age=86400" in (await client.get("/static/page.js")).headers["cache-control"]
    page = await client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_faults_on_request(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/fail?status=502&cause=database")
    assert (answer.status_code, answer.headers["x-evenkeel-cause"]) == (502, "database")
    assert "x-evenkeel-cause" not in (await client.get("/api/fail")).headers
    assert (await client.get("/api/slow?ms=10&max_age=5")).headers["cache-control"] == "public, max-age=5"


async def test_faults_are_off_by_default(stand: Stand) -> None:
    below: Any = stand
    configuration = Configuration.from_environment({"DATABASE_URL": "host=nowhere"})
    paths = [route.path for route in StatusRoutes(configuration, below, lambda: None).routes()]
    assert "/api/fail" not in paths


async def test_metrics(client: httpx.AsyncClient) -> None:
    await client.get(f"/api/orders/{uuid4()}")
    text = (await client.get("/metrics")).text
    assert 'orders_http_requests_total{method="GET",route="/api/orders/{id}",status="404"}' in text
