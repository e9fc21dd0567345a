// Traces by OpenTelemetry, where its variables say where they go; otherwise its SDK is not even read. A trace begins at
// the edge: what nobody asked for is in none. Spans hold statements, never their values, and of errors the kind alone.
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

const EXPORT_MS = 2000;
const FAILED = 500;
const tracer = trace.getTracer('visits');

/** Begin to trace where OTEL_EXPORTER_OTLP_ENDPOINT is set. Resolves to what ends it: sends the last spans. */
export async function begin({ member, version }, environment = process.env, processorOf = undefined) {
  if (!environment.OTEL_EXPORTER_OTLP_ENDPOINT || environment.OTEL_SDK_DISABLED === 'true') return async () => {};
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'), import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources')]);
  const exported = () => new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: EXPORT_MS }));
  const provider = new NodeTracerProvider({
    resource: resources.detectResources({ detectors: [resources.envDetector] }).merge(
      resources.resourceFromAttributes({ 'service.instance.id': member, 'service.version': version })),
    spanProcessors: [(processorOf ?? exported)()],
  });
  provider.register();
  return () => provider.shutdown();
}

/** Express' middleware: the span of a request, in the trace that its `traceparent` tells of. */
export function traced(request, response, next) {
  const parent = propagation.extract(context.active(), request.headers);
  const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER,
    attributes: { 'http.request.method': request.method, 'url.path': request.path } }, parent);
  response.once('close', () => {
    const route = request.route ? `${request.baseUrl}${request.route.path}` : 'none';
    span.updateName(`${request.method} ${route}`);
    span.setAttributes({ 'http.route': route, 'http.response.status_code': response.statusCode });
    if (response.statusCode >= FAILED) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  context.with(trace.setSpan(parent, span), next);
}

/** What `work` resolves to; where a request is traced, the time it took is a span of that. */
export function step(name, attributes, work) {
  if (!trace.getActiveSpan()?.isRecording()) return work();
  return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.name });
      throw error;
    } finally {
      span.end();
    }
  });
}
