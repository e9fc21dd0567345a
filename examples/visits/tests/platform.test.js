// What the platform relies on: the environment, the stop, the routes' contract. No service is needed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { application } from '../src/application.js';
import { configuration } from '../src/configuration.js';
import { isUnreachable } from '../src/database.js';
import { frontend } from '../src/frontend.js';
import { jobOf } from '../src/queue.js';
import { whileThere } from '../src/redis.js';
import { secretOf } from '../src/sessions.js';
import { closeServer, Stopping } from '../src/stopping.js';
import { carryOut } from '../src/tasks.js';
import { parseVisit } from '../src/visit.js';

const ENVIRONMENT = {
  DATABASE_URL: 'postgresql://app@pgbouncer:6432/app', REDIS_CLUSTER_NODES: 'redis-1:6379,redis-2.members:6379',
  REDIS_SESSION_PASSWORD: 'one', REDIS_QUEUE_PREFIX: 'queue:', KEEP_ALIVE_SECONDS: '5', DRAIN_SECONDS: '20',
};

async function serving(app, use) {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    await closeServer(server);
  }
}

function web(changes = {}) {
  const calls = [];
  const given = {
    settings: { ...configuration(ENVIRONMENT), member: 'web-blue-1' },
    database: {
      canWrite: async () => true, canRead: async () => true, total: async () => 7,
      add: async (name, message) => ({ id: 3, name, message }),
    },
    queue: { add: async (...job) => { calls.push(job); } },
    queueRedis: { publish: async (...message) => { calls.push(message); } },
    cacheRedis: { status: 'ready', get: async () => null },
    session: (request, _response, next) => { request.session = {}; next(); },
    stopping: { asked: false },
    ...changes,
  };
  return { app: application(given), calls };
}

function post(body) {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

test('the environment says everything, or which part is missing', () => {
  const settings = configuration(ENVIRONMENT);
  assert.deepEqual(settings.redis.nodes, [{ host: 'redis-1', port: 6379 }, { host: 'redis-2.members', port: 6379 }]);
  assert.equal(settings.keepAliveMs, 5000);
  assert.equal(settings.drainMs, 20_000);
  assert.equal(settings.database.readUrl, ENVIRONMENT.DATABASE_URL);
  assert.throws(() => configuration({ ...ENVIRONMENT, DATABASE_URL: '' }), /DATABASE_URL is not set/);
});

test('a password may come as a file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'visits-')), 'password');
  writeFileSync(file, 'from a file\n');
  const { redis } = configuration({ ...ENVIRONMENT, REDIS_QUEUE_PASSWORD_FILE: file });
  assert.equal(redis.users.queue.password, 'from a file');
  const { database } = configuration({ ...ENVIRONMENT, DATABASE_URL_FILE: file });
  assert.equal(database.url, 'from a file');
});

test('all workers sign sessions alike, with or without a secret of their own', () => {
  const settings = configuration(ENVIRONMENT);
  assert.equal(secretOf(settings), secretOf(configuration(ENVIRONMENT)));
  assert.notEqual(secretOf(settings), secretOf(configuration({ ...ENVIRONMENT, REDIS_SESSION_PASSWORD: 'two' })));
  assert.equal(secretOf(configuration({ ...ENVIRONMENT, SESSION_SECRET: 'mine' })), 'mine');
});

test('health follows the database and the stop', async () => {
  const stopping = { asked: false };
  let writable = true;
  const database = { canWrite: async () => writable, canRead: async () => true };
  await serving(web({ stopping, database }).app, async (url) => {
    const status = async (path) => (await fetch(`${url}${path}`)).status;
    const ask = async () => [await status('/health/ready'), await status('/health/readonly')];
    assert.deepEqual(await ask(), [200, 200]);
    writable = false;
    assert.deepEqual(await ask(), [503, 200]);
    stopping.asked = true;
    assert.deepEqual(await ask(), [503, 503]);
    assert.equal((await fetch(`${url}/health`)).headers.get('connection'), 'close');
  });
});

test('a visit is kept, announced and queued by its urgency', async () => {
  const { app, calls } = web();
  await serving(app, async (url) => {
    const visit = { name: 'Ann', message: 'hello', urgent: true, delay_ms: 50 };
    const answer = await fetch(`${url}/api/visits`, post(visit));
    assert.equal(answer.status, 201);
    assert.equal((await answer.json()).queued, true);
  });
  assert.equal(calls[0][0], 'queue:visits');
  assert.deepEqual(calls[1], ['greet', { id: 3, name: 'Ann', message: 'hello' },
    { jobId: 'visit-3', priority: 1, delay: 50 }]);
});

test('a visit is kept although the queue is away', async () => {
  const queue = { add: async () => { throw new Error('no master'); } };
  await serving(web({ queue }).app, async (url) => {
    const answer = await fetch(`${url}/api/visits`, post({ name: 'Ann', message: 'hello' }));
    assert.deepEqual([answer.status, (await answer.json()).queued], [201, false]);
  });
});

test('what is no visit is refused with the reason', async () => {
  assert.match(parseVisit({ name: '', message: 'x' }).reason, /name/);
  assert.match(parseVisit({ name: 'a', message: 'x'.repeat(501) }).reason, /message/);
  assert.match(parseVisit({ name: 'a', message: 'x', delay_ms: 1e9 }).reason, /delay_ms/);
  await serving(web().app, async (url) => {
    assert.equal((await fetch(`${url}/api/visits`, post([]))).status, 400);
    const broken = await fetch(`${url}/api/visits`, { ...post({}), body: '{' });
    assert.equal(broken.status, 400);
  });
});

test("the database's faults are not this worker's", async () => {
  const database = { total: async () => { throw Object.assign(new Error('gone'), { code: '57P01' }); } };
  await serving(web({ database }).app, async (url) => {
    const answer = await fetch(`${url}/api/total`);
    assert.deepEqual([answer.status, answer.headers.get('x-evenkeel-cause')], [503, 'database']);
  });
  assert.equal(isUnreachable(Object.assign(new Error('x'), { code: '23505' })), false);
});

test('the client is whom the load balancer names', async () => {
  await serving(web().app, async (url) => {
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' };
    const me = await (await fetch(`${url}/api/me`, { headers })).json();
    assert.deepEqual([me.address, me.secure, me.visits], ['203.0.113.9', true, 1]);
  });
});

test('files may be kept by everybody, pages only where they can be purged', async () => {
  await serving(frontend({ asked: false }), async (url) => {
    const page = await fetch(`${url}/app/`);
    assert.match(page.headers.get('cache-control'), /max-age=0, s-maxage=60/);
    assert.match((await fetch(`${url}/app/page.js`)).headers.get('cache-control'), /max-age=86400/);
    assert.equal((await fetch(`${url}/app/nowhere`)).status, 404);
    assert.equal((await fetch(`${url}/app/health`)).status, 200);
  });
});

test('a job that is carried out twice greets once, and one may fail first', async () => {
  const told = [];
  const tools = { settings: { ...configuration(ENVIRONMENT), faults: true }, tell: async (what) => told.push(what),
    database: { greet: async (id, greeting) => ({ id, greeting }) } };
  const job = { name: 'greet', data: { id: 3, name: 'Ann', message: 'fail once' } };
  await assert.rejects(carryOut({ ...job, attemptsMade: 0 }, tools), /as asked/);
  assert.equal(await carryOut({ ...job, attemptsMade: 1 }, tools), 2);
  assert.equal(told[0].visit.greeting, 'Welcome, Ann!');
  assert.equal(jobOf({ id: 3 }).opts.jobId, jobOf({ id: 3 }, { urgent: true }).opts.jobId);
});

test('a stop gives notice, does its steps in turn, and ends once', async () => {
  const seen = [];
  const stopping = new Stopping({ drainMs: 2000, noticeMs: 20, exit: (code) => seen.push(code) });
  const stop = stopping.on([], [async () => { seen.push('first'); }, async () => { seen.push('second'); }]);
  await Promise.all([stop('SIGTERM'), stop('SIGTERM')]);
  assert.deepEqual(seen, ['first', 'second', 0]);
  assert.equal(stopping.asked, true);
});

test('a step that fails ends the process with 1', async () => {
  const seen = [];
  const stopping = new Stopping({ drainMs: 2000, noticeMs: 1, exit: (code) => seen.push(code) });
  await stopping.on([], [() => { throw new Error('stuck'); }])('SIGTERM');
  assert.deepEqual(seen, [1]);
});

test('a stop ends by itself before the platform kills', async () => {
  const code = await new Promise((exit) => {
    const endless = () => new Promise(() => { setTimeout(() => {}, 1500); });
    new Stopping({ drainMs: 700, noticeMs: 1, exit }).on([], [endless])('SIGTERM');
  });
  assert.equal(code, 1);
});

test('who closes what waits for Redis does not wait for one that is gone', async () => {
  const endless = new Promise(() => {});
  const soon = { goneMs: 60, everyMs: 10 };
  assert.equal(await whileThere({ status: 'reconnecting' }, endless, soon), 'gone');
  const slow = new Promise((resolve) => { setTimeout(() => resolve('closed'), 150); });
  assert.equal(await whileThere({ status: 'ready' }, slow, soon), 'closed', 'it is there: a job may take its time');
  await assert.rejects(whileThere({ status: 'ready' }, Promise.reject(new Error('refused')), soon), /refused/);
});
