// What the queue's jobs do.
const TOTAL_TTL_S = 60;
const FAILS_ONCE = 'fail once';

/** Carry out one job of the queue; what it throws makes the queue try again later. */
export async function carryOut(job, { database, cacheRedis, settings, tell }) {
  if (job.name === 'total') {
    const total = await database.total();
    await cacheRedis.set(`${settings.redis.users.cache.prefix}total`, total, 'EX', TOTAL_TTL_S);
    return total;
  }
  const attempt = job.attemptsMade + 1;
  if (settings.faults && attempt === 1 && job.data.message === FAILS_ONCE) throw new Error('as asked');
  const greeted = await database.greet(job.data.id, `Welcome, ${job.data.name}!`, attempt);
  if (greeted) await tell({ event: 'greeting', visit: greeted });
  return attempt;
}
