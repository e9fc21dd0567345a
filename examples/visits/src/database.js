// Postgres through PgBouncer in transaction mode: no session state, no named prepared statements.
import pg from 'pg';
import { log } from './log.js';
import { step } from './tracing.js';

const SCHEMA_LOCK = 72_613;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS visits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    message text NOT NULL,
    visited_at timestamptz NOT NULL DEFAULT now(),
    greeting text,
    attempts int NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS visit_days (day date PRIMARY KEY, visits int NOT NULL, counted_at timestamptz NOT NULL)`;
const TABLES_THERE = "to_regclass('visits') IS NOT NULL";
const READY_MS = 1000;
const AGAIN_MS = 1000;
const UNREACHABLE = /^(08|57P|53|25006|40001)|ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN/;

export class Database {
  constructor({ url, readUrl, maximum, readMaximum }) {
    this.writer = pool(url, maximum);
    this.reader = pool(readUrl, readMaximum);
  }

  /** Make the tables, whoever comes first. Resolves when they are there; rejects where there is no writer. */
  async prepare() {
    const client = await this.writer.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      await client.query(SCHEMA);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(error);
      throw error;
    }
  }

  /** The same, tried again until there is a writer. */
  async prepared() {
    for (;;) {
      try {
        return await this.prepare();
      } catch (error) {
        log('waiting for the database', { error: error.message });
        await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
      }
    }
  }

  async add(name, message) {
    const { rows } = await this.writer.query(
      `INSERT INTO visits (name, message) VALUES ($1, $2)
       RETURNING id::int, name, message, visited_at, greeting, attempts`, [name, message]);
    return rows[0];
  }

  /** The latest visits, newest first; from a replica, which may be a moment behind. */
  async latest(limit) {
    const { rows } = await this.reader.query(
      'SELECT id::int, name, message, visited_at, greeting, attempts FROM visits ORDER BY id DESC LIMIT $1', [limit]);
    return rows;
  }

  async find(id) {
    const { rows } = await this.writer.query(
      'SELECT id::int, name, message, visited_at, greeting, attempts FROM visits WHERE id = $1', [id]);
    return rows[0];
  }

  /** Write a greeting. A job may be carried out twice (its worker died before it said so): the first one stays. */
  async greet(id, greeting, attempts) {
    const { rows } = await this.writer.query(
      `UPDATE visits SET greeting = coalesce(greeting, $2), attempts = $3 WHERE id = $1
       RETURNING id::int, name, greeting`,
      [id, greeting, attempts]);
    return rows[0];
  }

  async total() {
    const { rows } = await this.reader.query('SELECT count(*)::int AS total FROM visits');
    return rows[0].total;
  }

  /** Count the visits of every day anew. Run twice, it says the same. */
  async countDays() {
    const { rowCount } = await this.writer.query(
      `INSERT INTO visit_days SELECT visited_at::date, count(*), now() FROM visits GROUP BY 1
       ON CONFLICT (day) DO UPDATE SET visits = excluded.visits, counted_at = excluded.counted_at`);
    return rowCount;
  }

  async days() {
    const { rows } = await this.writer.query(
      'SELECT day::text, visits, counted_at FROM visit_days ORDER BY day DESC LIMIT 30');
    return rows;
  }

  /** Visits that nobody greeted within a minute: their job was lost with the Redis master that had just taken it. */
  async forgotten() {
    const { rows } = await this.writer.query(
      `SELECT id::int, name, message FROM visits
       WHERE greeting IS NULL AND visited_at < now() - interval '1 minute' ORDER BY id LIMIT 1000`);
    return rows;
  }

  async canWrite() {
    return answers(this.writer, `SELECT NOT pg_is_in_recovery() AND ${TABLES_THERE} AS yes`);
  }

  async canRead() {
    return answers(this.reader, `SELECT ${TABLES_THERE} AS yes`);
  }

  async close() {
    await Promise.all([this.writer.end(), this.reader.end()]);
  }
}

function pool(url, maximum) {
  const made = new pg.Pool({ connectionString: url, max: maximum, connectionTimeoutMillis: 2000, query_timeout: 5000,
    idleTimeoutMillis: 30_000, keepAlive: true });
  // A connection that breaks while it is idle: the pool makes another when one is needed.
  made.on('error', (error) => log('database', { error: error.message }));
  const ask = made.query.bind(made);
  made.query = (text, values) => step(text.trim().split(/\s/, 1)[0],
    { 'db.system.name': 'postgresql', 'db.query.text': text }, () => ask(text, values));
  return made;
}

async function answers(from, question) {
  const late = new Promise((resolve) => { setTimeout(resolve, READY_MS, false).unref(); });
  const asked = from.query(question).then(({ rows }) => rows[0].yes === true, () => false);
  return Promise.race([asked, late]);
}

/** Whether an error says that the database can't be reached or is failing over, rather than that we asked nonsense. */
export function isUnreachable(error) {
  return UNREACHABLE.test(String(error?.code ?? '')) || /timeout|terminated|connection/i.test(String(error?.message));
}
