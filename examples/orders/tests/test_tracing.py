"""A request's trace goes on where the edge asked for it, and holds no values."""

from __future__ import annotations

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from orders import tracing
from orders.middleware import Witness
from orders.spans import Spans

pytestmark = pytest.mark.anyio
TRACE, EDGE = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_spans", Spans(SimpleSpanProcessor(exporter), "web-blue-1", "1.2.3"))
    return exporter


async def find(request: Request) -> PlainTextResponse:
    with tracing.of_statement("SELECT note FROM orders WHERE id = $1", "pgbouncer-1"):
        pass
    if "fail" in request.query_params:
        raise ValueError("a customer's words")
    return PlainTextResponse("found")


async def ask(query: str = "", **headers: str) -> int:
    witness = Witness(Starlette(routes=[Route("/api/orders/{id}", find)]), {}, lambda: False)
    transport = httpx.ASGITransport(witness, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://orders") as client:
        return (await client.get(f"/api/orders/7{query}", headers=headers)).status_code


async def test_it_goes_on_below_the_edges_span(kept: InMemorySpanExporter) -> None:
    await ask(traceparent=f"00-{TRACE}-{EDGE}-01")
    statement, request = kept.get_finished_spans()
    assert request.name == "GET /api/orders/{id}" and request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.parent is not None and f"{request.parent.span_id:016x}" == EDGE
    assert statement.parent is not None and statement.parent.span_id == request.context.span_id
    assert {f"{span.context.trace_id:032x}" for span in (statement, request)} == {TRACE}
    assert statement.resource.attributes["service.instance.id"] == "web-blue-1"


@pytest.mark.parametrize("header", [{}, {"traceparent": f"00-{TRACE}-{EDGE}-00"}, {"traceparent": "nonsense"}])
async def test_what_nobody_asked_for_is_not_traced(kept: InMemorySpanExporter, header: dict[str, str]) -> None:
    assert await ask(**header) == 200
    assert not kept.get_finished_spans()


async def test_an_error_is_told_without_its_text(kept: InMemorySpanExporter) -> None:
    assert await ask("?fail", traceparent=f"00-{TRACE}-{EDGE}-01") == 500
    spans = kept.get_finished_spans()
    assert not spans[-1].status.is_ok
    assert not any("customer" in span.to_json() for span in spans)


async def test_without_the_variables_nothing_is_begun() -> None:
    tracing.configure({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_SDK_DISABLED": "true"}, "m", "1")
    tracing.configure({}, "m", "1")
    with tracing.of_request({"type": "http"}, lambda: ("/", 200)) as span:
        assert span is None
