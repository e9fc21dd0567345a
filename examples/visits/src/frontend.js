// Pool `frontend`: the files of public/ below /app, for everybody the same. The edge and any CDN may keep them.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { log } from './log.js';
import { closeServer, Stopping } from './stopping.js';

const PUBLIC = fileURLToPath(new URL('../public', import.meta.url));
// A page may be old for a minute where it is shared, and is asked for again by every browser; its files last a day.
const PAGE = 'public, max-age=0, s-maxage=60, stale-while-revalidate=60';
const FILE = 'public, max-age=86400';

export function frontend(stopping, folder = PUBLIC) {
  const app = express();
  app.disable('x-powered-by');
  app.get('/app/health', (_request, response) => {
    response.set('Cache-Control', 'no-store').sendStatus(stopping.asked ? 503 : 200);
  });
  app.use('/app', express.static(folder, {
    cacheControl: false,
    setHeaders: (response, path) => response.setHeader('Cache-Control', path.endsWith('.html') ? PAGE : FILE),
  }));
  return app;
}

export function main(environment = process.env) {
  const drainMs = Number(environment.DRAIN_SECONDS ?? 30) * 1000;
  const stopping = new Stopping({ drainMs });
  const server = createServer(frontend(stopping));
  server.keepAliveTimeout = Number(environment.KEEP_ALIVE_SECONDS ?? 5) * 1000;
  stopping.on(['SIGTERM', 'SIGINT'], [() => closeServer(server)]);
  server.listen(Number(environment.PORT ?? 8000), '0.0.0.0', () => log('listening'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
