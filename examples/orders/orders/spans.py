"""Spans by OpenTelemetry's SDK. Names and attributes are of its semantic conventions.

They hold statements, never their values, and of an error its type alone: its text may quote what a customer wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

EXPORT_S = 2
"""For sending what is collected: a worker that ends waits no longer for it."""
PARENT = b"traceparent"
FAILED = 500


class RequestSpan:
    """The span of one request."""

    def __init__(self, span: Span, method: str) -> None:
        self._span, self._method = span, method

    def end(self, route: str, status: int) -> None:
        """What is known of it once it is answered."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= FAILED:
            self._span.set_status(Status(StatusCode.ERROR))


class Spans:
    """Makes spans, each below the one that is open where it is made."""

    def __init__(self, processor: SpanProcessor, member: str, version: str) -> None:
        provider = TracerProvider(resource=Resource.create({
            "service.instance.id": member, "service.version": version}))
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("orders", version)
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def exported(cls, member: str, version: str) -> Spans:
        """Sent to where the variables say, in batches, by a thread of their own."""
        return cls(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_S)), member, version)

    @contextmanager
    def of_request(self, scope: Scope) -> Iterator[RequestSpan]:
        """The span of a request, in the trace that its ``traceparent`` tells of."""
        parent = next((value.decode("latin-1") for name, value in scope["headers"] if name == PARENT), "")
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with self._tracer.start_as_current_span(
                scope["method"], self._propagator.extract({"traceparent": parent}), SpanKind.SERVER, attributes,
                record_exception=False, set_status_on_exception=False) as span:
            yield RequestSpan(span, scope["method"])

    @contextmanager
    def step(self, name: str, attributes: Mapping[str, str]) -> Iterator[None]:
        """The span of something that a request waits for; none where no request is traced."""
        if not trace.get_current_span().is_recording():
            yield
            return
        with self._tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes,
                                                record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise
