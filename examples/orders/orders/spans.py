"""Spans by OpenTelemetry's SDK. Names and attributes are of its semantic conventions.

They hold statements, never their values, and of an error its type alone: its text may quote what a customer wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    def of_request(self, scope: Scope, ended: Callable[[], tuple[str, int]]) -> Iterator[Span]:
        """The span of a request, in the trace that its ``traceparent`` tells of. ``ended``: its route and status, asked
        once it is answered."""
        parent = next((value.decode("latin-1") for name, value in scope["headers"] if name == PARENT), "")
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with self._tracer.start_as_current_span(
                scope["method"], self._propagator.extract({"traceparent": parent}), SpanKind.SERVER, attributes,
                record_exception=False, set_status_on_exception=False) as span:
            try:
                yield span
            finally:
                route, status = ended()
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                if status >= FAILED:
                    span.set_status(Status(StatusCode.ERROR))

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
