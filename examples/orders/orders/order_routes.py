"""The routes under /api/orders."""

from __future__ import annotations

import logging
import re
from typing import Any
from uuid import UUID, uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orders.answers import DATABASE, Json, RefusedError, unavailable, whole_number
from orders.database import DatabaseUnavailableError
from orders.feed import Feed
from orders.metrics import PLACED
from orders.store import NewOrder, Order, OrderStore, WriteFailedError, WriteUnknownError

log = logging.getLogger(__name__)

BODY_BYTES = 16 * 1024
ITEM_CHARACTERS = 100
NOTE_CHARACTERS = 1000
QUANTITY = 10_000
KEY = re.compile(r"[\x21-\x7e]{1,200}")
LATEST = 200
LEDGER_PAGE = 10_000


class OrderRoutes:
    """Placing and reading orders."""

    def __init__(self, store: OrderStore, feed: Feed) -> None:
        self._store = store
        self._feed = feed

    def routes(self) -> list[Route]:
        """What this serves."""
        return [
            Route("/api/orders", self.place, methods=["POST"]),
            Route("/api/orders", self.latest, methods=["GET"]),
            Route("/api/orders/ledger", self.ledger, methods=["GET"]),
            Route("/api/orders/{id}", self.get, methods=["GET"]),
        ]

    async def place(self, request: Request) -> Response:
        """201 for a new order, 200 for the one placed before under the same key; 503 ``failed`` or ``unknown``."""
        new = await _new_order(request)
        headers = {"Idempotency-Key": new.idempotency_key, "Cache-Control": "no-store"}
        try:
            placed = await self._store.place(new)
        except WriteUnknownError as error:
            return _not_placed("unknown", new, error)
        except WriteFailedError as error:
            return _not_placed("failed", new, error)
        order = placed.order
        if placed.repeated and (order.item, order.quantity, order.note) != (new.item, new.quantity, new.note):
            PLACED.labels("conflict").inc()
            raise RefusedError(422, "this idempotency key was used for a different order")
        if placed.repeated:
            PLACED.labels("repeated").inc()
            return Json({"status": "repeated", **_view(order)}, 200, headers)
        PLACED.labels("created").inc()
        view = _view(order)
        self._feed.publish(orjson.dumps({"type": "order", "order": view}).decode())
        return Json({"status": "created", **view}, 201, {**headers, "Location": f"/api/orders/{order.id}"})

    async def get(self, request: Request) -> Response:
        """One order: from a replica that knows it, else (or with ``?consistency=primary``) from the primary."""
        try:
            identifier = UUID(request.path_params["id"])
        except ValueError:
            return Json({"status": "not found"}, 404)
        try:
            order, source = await self._store.get(identifier, from_primary=_from_primary(request))
        except DatabaseUnavailableError as error:
            return _unreadable(error)
        headers = {"X-Orders-Source": source, "Cache-Control": "no-store"}
        return Json(_view(order), 200, headers) if order else Json({"status": "not found"}, 404, headers)

    async def latest(self, request: Request) -> Response:
        """The last ``limit`` orders, newest first."""
        limit = whole_number(request, "limit", 20, 1, LATEST)
        try:
            orders, source = await self._store.latest(limit, from_primary=_from_primary(request))
        except DatabaseUnavailableError as error:
            return _unreadable(error)
        return Json({"orders": [_view(order) for order in orders]}, 200,
                    {"X-Orders-Source": source, "Cache-Control": "no-store"})

    async def ledger(self, request: Request) -> Response:
        """Sequence, id and idempotency key of every order, page by page: ask again with ``after`` = ``next``."""
        after = whole_number(request, "after", 0, 0, 2**63 - 1)
        limit = whole_number(request, "limit", 1000, 1, LEDGER_PAGE)
        try:
            entries = await self._store.ledger(after, limit)
        except DatabaseUnavailableError as error:
            return _unreadable(error)
        following = entries[-1][0] if len(entries) == limit else None
        return Json({"entries": entries, "next": following}, 200, {"Cache-Control": "no-store"})


async def _new_order(request: Request) -> NewOrder:
    key = request.headers.get("idempotency-key") or str(uuid4())
    if not KEY.fullmatch(key):
        raise RefusedError(400, "Idempotency-Key: 1 to 200 printable ASCII characters without a space")
    body = await _json_object(request)
    item, quantity, note = body.get("item"), body.get("quantity"), body.get("note", "")
    if not isinstance(item, str) or not 1 <= len(item) <= ITEM_CHARACTERS or "\0" in item:
        raise RefusedError(400, f"item: a text of 1 to {ITEM_CHARACTERS} characters")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 1 <= quantity <= QUANTITY:
        raise RefusedError(400, f"quantity: a whole number from 1 to {QUANTITY}")
    if not isinstance(note, str) or len(note) > NOTE_CHARACTERS or "\0" in note:
        raise RefusedError(400, f"note: a text of up to {NOTE_CHARACTERS} characters")
    return NewOrder(key, item, quantity, note)


async def _json_object(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise RefusedError(413, f"the body may have {BODY_BYTES} bytes")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "the body is not JSON") from None
    if not isinstance(content, dict):
        raise RefusedError(400, "the body must be a JSON object")
    return content


def _from_primary(request: Request) -> bool:
    consistency = request.query_params.get("consistency", "replica")
    if consistency not in ("replica", "primary"):
        raise RefusedError(400, "consistency: replica or primary")
    return consistency == "primary"


def _not_placed(status: str, new: NewOrder, error: Exception) -> Response:
    PLACED.labels(status).inc()
    # The reason names hosts and addresses: for the log, not for the customer.
    log.warning("order not acknowledged", extra={"fields": {
        "outcome": status, "idempotency_key": new.idempotency_key, "reason": str(error)}})
    response = unavailable({"status": status, "idempotency_key": new.idempotency_key}, DATABASE)
    response.headers["Idempotency-Key"] = new.idempotency_key
    return response


def _unreadable(error: DatabaseUnavailableError) -> Response:
    log.warning("read not answered", extra={"fields": {"reason": str(error)}})
    return unavailable({"status": "failed"}, DATABASE)


def _view(order: Order) -> dict[str, object]:
    return {"id": order.id, "idempotency_key": order.idempotency_key, "item": order.item, "quantity": order.quantity,
            "note": order.note, "created_at": order.created_at, "sequence": order.sequence}
