// Clients of the Redis Cluster, one per purpose: each purpose has its own user and its own keys.
import { readFileSync } from 'node:fs';
import { Cluster } from 'ioredis';
import { log } from './log.js';

export const GONE_MS = 3000;

/**
 * `closing`, but no longer than Redis is there: what waits for a connection that may wait for ever (`blocking`) would
 * otherwise never end once Redis has. `client` gone for `goneMs` is gone: its jobs are taken up again later.
 */
export function whileThere(client, closing, { goneMs = GONE_MS, everyMs = 200 } = {}) {
  let watch;
  const gone = new Promise((resolve) => {
    let seen = Date.now();
    watch = setInterval(() => {
      if (client.status === 'ready') seen = Date.now();
      if (Date.now() - seen >= goneMs) resolve('gone');
    }, everyMs);
  });
  return Promise.race([closing, gone]).finally(() => clearInterval(watch));
}

/** A client of one purpose (`cache`, `session`, `queue`). `blocking`: for BullMQ's workers, which wait for ever. */
export function connect(redis, purpose, { blocking = false } = {}) {
  const { username, password } = redis.users[purpose];
  const tls = redis.authority ? { ca: readFileSync(redis.authority) } : undefined;
  const cluster = new Cluster(redis.nodes, {
    redisOptions: {
      username, password, tls, connectTimeout: 2000, maxRetriesPerRequest: blocking ? null : 2,
    },
    // The names that members announce are those in their certificates: no address in between.
    dnsLookup: (host, callback) => callback(null, host),
    clusterRetryStrategy: (attempt) => Math.min(attempt * 100, 1000),
    slotsRefreshTimeout: 2000,
    enableOfflineQueue: true,
  });
  cluster.on('error', (error) => log('redis', { purpose, error: error.message }));
  return cluster;
}
