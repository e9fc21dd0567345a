// Sessions in Redis: the same on every worker, kept over a release.
import { createHmac } from 'node:crypto';
import session from 'express-session';
import { RedisStore } from 'connect-redis';

const DAY_S = 86400;

/** Signed with SESSION_SECRET, else with a key made of the store's password: the same for all workers either way. */
export function secretOf({ sessionSecret, redis }) {
  const key = redis.users.session.password ?? '';
  return sessionSecret ?? createHmac('sha256', key).update('visits: session cookies').digest('hex');
}

export function sessions(settings, client) {
  return session({
    name: 'visits.sid',
    secret: secretOf(settings),
    store: new RedisStore({ client, prefix: settings.redis.users.session.prefix, ttl: DAY_S }),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, secure: true, sameSite: 'lax', maxAge: DAY_S * 1000 },
  });
}
