// The cron job: counts the visits of every day, and queues greetings that were forgotten. Runs once and ends.
import { configuration } from './configuration.js';
import { Database } from './database.js';
import { log } from './log.js';
import { jobOf, open } from './queue.js';
import { connect } from './redis.js';

const settings = configuration();
const database = new Database(settings.database);
const queueRedis = connect(settings.redis, 'queue');
const queue = open(queueRedis);
try {
  await database.prepare();
  const days = await database.countDays();
  const forgotten = await database.forgotten();
  for (const visit of forgotten) {
    const { name, data, opts } = jobOf(visit);
    await queue.add(name, data, opts);
  }
  log('report', { days, queued_again: forgotten.length });
} finally {
  await queue.close();
  queueRedis.disconnect();
  await database.close();
}
