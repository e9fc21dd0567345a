// What the platform hands over, read once. Passwords come in the environment (`app.credentials: environment`) or as
// files whose names the environment gives (`files`).
import { readFileSync } from 'node:fs';

/** @param {NodeJS.ProcessEnv} environment  @returns the settings of one process; throws when a needed one is missing */
export function configuration(environment = process.env) {
  return {
    port: Number(environment.PORT ?? 8000),
    member: environment.EVENKEEL_MEMBER ?? 'here',
    colour: environment.EVENKEEL_COLOUR ?? 'none',
    version: environment.APP_VERSION ?? '1.0.0',
    keepAliveMs: Number(environment.KEEP_ALIVE_SECONDS ?? 5) * 1000,
    drainMs: Number(environment.DRAIN_SECONDS ?? 30) * 1000,
    faults: environment.VISITS_FAULTS === '1',
    database: {
      url: url(environment, 'DATABASE_URL'),
      readUrl: url(environment, environment.DATABASE_READ_REPLICA_URL ? 'DATABASE_READ_REPLICA_URL' : 'DATABASE_URL'),
      maximum: Number(environment.DB_POOL_MAX ?? 10),
      readMaximum: Number(environment.DB_READ_POOL_MAX ?? 10),
    },
    redis: {
      nodes: required(environment, 'REDIS_CLUSTER_NODES').split(',').map(address),
      authority: environment.REDIS_TLS_CA,
      users: Object.fromEntries(['cache', 'session', 'queue'].map((purpose) => [purpose, user(environment, purpose)])),
    },
    sessionSecret: environment.SESSION_SECRET,
  };
}

/** A URL with its password: in a file of its own, or in the variable itself. */
function url(environment, name) {
  const file = environment[`${name}_FILE`];
  return file ? readFileSync(file, 'utf8').trim() : required(environment, name);
}

function required(environment, name) {
  if (!environment[name]) throw new Error(`${name} is not set: the platform sets it (docs/your-application.md)`);
  return environment[name];
}

function address(text) {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

function user(environment, purpose) {
  const name = `REDIS_${purpose.toUpperCase()}`;
  const file = environment[`${name}_PASSWORD_FILE`];
  return {
    username: environment[`${name}_USER`] ?? purpose,
    password: environment[`${name}_PASSWORD`] ?? (file ? readFileSync(file, 'utf8').trim() : undefined),
    prefix: environment[`${name}_PREFIX`] ?? `${purpose}:`,
  };
}
