// A request's trace goes on where the edge asked for it, and holds no values.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import express from 'express';
import { begin, step, traced } from '../src/tracing.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const EDGE = '00f067aa0ba902b7';
const STATEMENT = { 'db.system.name': 'postgresql', 'db.query.text': 'SELECT name FROM visits WHERE id = $1' };
const kept = new InMemorySpanExporter();
const server = createServer(express().use(traced)
  .get('/api/visits/:id', (request, response, next) => step('SELECT', STATEMENT, async () => {
    if (request.query.fail) throw new TypeError('a visitor wrote this');
    response.send('found');
  }).catch(next))
  .use((_error, _request, response, _next) => response.status(500).send('no')));
let end;

before(async () => {
  process.env.OTEL_TRACES_SAMPLER = 'parentbased_always_off';
  process.env.OTEL_SERVICE_NAME = 'web';
  end = await begin({ member: 'web-blue-1', version: '1.2.3' }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://nowhere:4318' },
    () => new SimpleSpanProcessor(kept));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(async () => { server.close(); await end(); });
beforeEach(() => kept.reset());

async function ask(query, flags) {
  const headers = flags ? { traceparent: `00-${TRACE}-${EDGE}-${flags}`, connection: 'close' } : { connection: 'close' };
  await (await fetch(`http://127.0.0.1:${server.address().port}/api/visits/7${query}`, { headers })).text();
  for (let tries = 0; tries < 20 && kept.getFinishedSpans().length < 2; tries += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  return kept.getFinishedSpans();
}

test('it goes on below the span of the edge', async () => {
  const spans = await ask('', '01');
  const request = spans.find((span) => span.name === 'GET /api/visits/:id');
  const statement = spans.find((span) => span.name === 'SELECT');
  assert.equal(request.spanContext().traceId, TRACE);
  assert.equal(request.parentSpanContext.spanId, EDGE);
  assert.equal(statement.parentSpanContext.spanId, request.spanContext().spanId);
  assert.equal(request.attributes['http.response.status_code'], 200);
  assert.equal(request.resource.attributes['service.instance.id'], 'web-blue-1');
  assert.equal(request.resource.attributes['service.name'], 'web');
});

for (const flags of ['00', undefined]) {
  test(`what nobody asked for is not traced (${flags})`, async () => {
    assert.deepEqual(await ask('', flags), []);
  });
}

test('an error is told without its text', async () => {
  const spans = await ask('?fail=1', '01');
  assert.deepEqual(spans.map((span) => span.status.code), [2, 2]);
  assert.ok(!JSON.stringify(spans.map(({ attributes, status, events }) => ({ attributes, status, events })))
    .includes('visitor'));
});
