// The routes. Everything they need is handed in, so that tests need no service.
import express from 'express';
import { isUnreachable } from './database.js';
import { announce } from './feed.js';
import { log } from './log.js';
import { jobOf } from './queue.js';
import { step, traced } from './tracing.js';
import { parseVisit } from './visit.js';

const LIMIT_MAX = 100;

export function application({ settings, database, queue, queueRedis, cacheRedis, session, stopping }) {
  const app = express();
  app.disable('x-powered-by');
  // The load balancer is the only one who can reach us, and says who the client is.
  app.set('trust proxy', true);
  app.use(traced);
  app.use((request, response, next) => {
    response.set({ 'X-Evenkeel-Member': settings.member, 'X-Evenkeel-Version': settings.version });
    if (stopping.asked) response.set('Connection', 'close');
    next();
  });

  app.get('/health', async (_request, response) => {
    const [writer, reader] = await Promise.all([database.canWrite(), database.canRead()]);
    response.json({ status: 'serving', dependencies: { database: state(writer), reader: state(reader),
      session: state(cacheRedis.status === 'ready') } });
  });
  app.get('/health/ready', async (_request, response) => {
    answer(response, !stopping.asked && await database.canWrite());
  });
  app.get('/health/readonly', async (_request, response) => {
    answer(response, !stopping.asked && await database.canRead());
  });

  app.get('/', (_request, response) => response.redirect(302, '/app/'));

  app.get('/api/visits', async (request, response) => {
    const limit = Math.min(Math.max(Number.parseInt(request.query.limit, 10) || 20, 1), LIMIT_MAX);
    response.set('Cache-Control', 'no-store').json(await database.latest(limit));
  });
  app.get('/api/visits/:id', async (request, response) => {
    const found = /^\d{1,9}$/.test(request.params.id) ? await database.find(Number(request.params.id)) : undefined;
    response.set('Cache-Control', 'no-store').status(found ? 200 : 404).json(found ?? { error: 'no such visit' });
  });
  app.post('/api/visits', express.json({ limit: '8kb' }), async (request, response) => {
    const { visit, how, reason } = parseVisit(request.body);
    if (reason) return response.status(400).json({ error: 'not a visit', reason });
    const kept = await database.add(visit.name, visit.message);
    // Told before it is queued: a worker may be quicker than we are.
    await announce(queueRedis, settings.redis.users.queue.prefix, { event: 'visit', visit: kept });
    // The visit is kept; a greeting that could not be queued now is queued by the cron job (src/report.js).
    const { name, data, opts } = jobOf(kept, how);
    const queued = await queue.add(name, data, opts).then(() => true, (error) => {
      log('queue', { error: error.message });
      return false;
    });
    return response.status(201).json({ ...kept, queued });
  });
  app.get('/api/days', async (_request, response) => {
    response.set('Cache-Control', 'no-store').json(await database.days());
  });
  app.get('/api/total', async (_request, response) => {
    const kept = await step('cache', { 'db.system.name': 'redis' },
      () => cacheRedis.get(`${settings.redis.users.cache.prefix}total`));
    const total = kept === null ? await database.total() : Number(kept);
    response.set('Cache-Control', 'public, max-age=2').json({ total });
  });
  app.get('/api/queue', async (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ counts: await queue.getJobCounts(),
      schedulers: (await queue.getJobSchedulers()).map(({ key }) => key) });
  });
  // Who asks, as far as we are told: one's own count, and the address behind all proxies.
  app.get('/api/me', session, (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.set('Cache-Control', 'no-store').json({ visits: request.session.visits, address: request.ip,
      secure: request.secure, member: settings.member });
  });

  app.use((_request, response) => response.status(404).json({ error: 'no such page' }));
  app.use((error, _request, response, _next) => {
    const unreachable = isUnreachable(error);
    log('request failed', { error: error.message });
    // The load balancer's circuit breaker must not blame this worker for the database.
    if (unreachable) response.set({ 'X-Evenkeel-Cause': 'database', 'Retry-After': '1' });
    const status = unreachable ? 503 : error.status ?? 500;
    response.status(status).json({ error: unreachable ? 'try again' : 'not carried out' });
  });
  return app;
}

function answer(response, good) {
  const text = good ? 'ready\n' : 'not ready\n';
  response.set('Cache-Control', 'no-store').status(good ? 200 : 503).type('text').send(text);
}

function state(up) {
  return up ? 'up' : 'down';
}
