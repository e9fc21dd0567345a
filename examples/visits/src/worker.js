// Pool `worker`: takes greetings from the queue. It answers no requests; a file's age says that it works.
import { writeFileSync } from 'node:fs';
import { Worker } from 'bullmq';
import { configuration } from './configuration.js';
import { Database } from './database.js';
import { announce } from './feed.js';
import { log } from './log.js';
import { NAME, open, options, scheduleTotal } from './queue.js';
import { connect, whileThere } from './redis.js';
import { Stopping } from './stopping.js';
import { carryOut } from './tasks.js';

const ALIVE = '/run/worker.alive';
const ALIVE_EVERY_MS = 2000;
const CONCURRENCY = 5;

const settings = configuration();
const database = new Database(settings.database);
const cacheRedis = connect(settings.redis, 'cache');
const queueRedis = connect(settings.redis, 'queue', { blocking: true });
const queue = open(queueRedis);
await database.prepared();
const { prefix } = settings.redis.users.queue;
const tools = { database, cacheRedis, settings, tell: (message) => announce(queueRedis, prefix, message) };
const worker = new Worker(NAME, (job) => carryOut(job, tools), { ...options(queueRedis), concurrency: CONCURRENCY });

for (const one of [queue, worker]) one.on('error', (error) => log('queue', { error: error.message }));
worker.on('completed', (job) => log('done', { job: job.id, name: job.name, attempts: job.attemptsMade }));
worker.on('failed', (job, error) => log('failed', { job: job?.id, attempts: job?.attemptsMade, error: error.message }));

await worker.waitUntilReady();
await scheduleTotal(queue);
setInterval(() => { if (worker.isRunning()) writeFileSync(ALIVE, ''); }, ALIVE_EVERY_MS);
log('working', { member: settings.member });

// Nobody routes requests here: no notice is needed. What is being carried out is finished; the rest stays in the queue.
new Stopping({ ...settings, noticeMs: 0 }).on(['SIGTERM', 'SIGINT'], [
  () => whileThere(queueRedis, worker.close()),
  () => whileThere(queueRedis, queue.close()),
  () => database.close(),
  () => [cacheRedis, queueRedis].forEach((client) => client.disconnect()),
]);
