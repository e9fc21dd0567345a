// The queue of greetings, kept by the platform's durable queue store. Its keys share one slot: `{queue}:...`.
import { Queue } from 'bullmq';

export const NAME = 'greetings';
export const PREFIX = '{queue}';
export const TOTAL_EVERY_MS = 5000;

/** Shared by producers and workers. The check would ask for `noeviction`: here keys without a TTL are never evicted. */
export function options(connection) {
  return { connection, prefix: PREFIX, skipVersionCheck: true };
}

export function open(connection) {
  return new Queue(NAME, {
    ...options(connection),
    defaultJobOptions: {
      attempts: 5,
      backoff: { type: 'exponential', delay: 500 },
      removeOnComplete: { count: 1000 },
      removeOnFail: { age: 7 * 86400 },
    },
  });
}

/** How a visit is to be greeted: urgent ones first (1 before 10), late ones later. Its id keeps it single. */
export function jobOf(visit, { urgent = false, delayMs = 0 } = {}) {
  return { name: 'greet', data: { id: visit.id, name: visit.name, message: visit.message },
    opts: { jobId: `visit-${visit.id}`, priority: urgent ? 1 : 10, delay: delayMs } };
}

/** Recurrence: one scheduler for all workers, whoever sets it last. */
export async function scheduleTotal(queue) {
  await queue.upsertJobScheduler('total', { every: TOTAL_EVERY_MS }, { name: 'total', opts: { priority: 5 } });
}
