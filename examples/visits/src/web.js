// Pools `web` and `websocket`: HTTP and the live feed.
import { createServer } from 'node:http';
import { application } from './application.js';
import { configuration } from './configuration.js';
import { Database } from './database.js';
import { Feed } from './feed.js';
import { log } from './log.js';
import { open } from './queue.js';
import { connect } from './redis.js';
import { sessions } from './sessions.js';
import { closeServer, SOCKETS_MS, Stopping } from './stopping.js';
import { begin } from './tracing.js';

const settings = configuration();
const endTraces = await begin(settings);
const database = new Database(settings.database);
const sessionRedis = connect(settings.redis, 'session');
const cacheRedis = connect(settings.redis, 'cache');
const queueRedis = connect(settings.redis, 'queue');
const queue = open(queueRedis);
queue.on('error', (error) => log('queue', { error: error.message }));
const feed = new Feed(settings.redis);
const stopping = new Stopping(settings);
const server = createServer(application({ settings, database, queue, queueRedis, cacheRedis, stopping,
  session: sessions(settings, sessionRedis) }));

server.keepAliveTimeout = settings.keepAliveMs;
server.headersTimeout = settings.keepAliveMs + 10_000;
server.on('upgrade', (request, socket, head) => {
  if (new URL(request.url, 'http://here').pathname === '/ws' && !stopping.asked) feed.upgrade(request, socket, head);
  else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
});
stopping.on(['SIGTERM', 'SIGINT'], [
  () => feed.close(Math.min(SOCKETS_MS, settings.drainMs / 4)),
  () => closeServer(server),
  () => queue.close(),
  () => database.close(),
  () => endTraces(),
  () => [sessionRedis, cacheRedis, queueRedis].forEach((client) => client.disconnect()),
]);
server.listen(settings.port, '0.0.0.0', () => log('listening', { port: settings.port, member: settings.member }));

await database.prepared();
