// The live feed: what happens to visits goes to every open WebSocket, whichever worker saw it.
import { WebSocketServer } from 'ws';
import { connect } from './redis.js';
import { log } from './log.js';

const SERVICE_RESTART = 1012;
const PING_MS = 25_000;

/** Tell everybody. Best effort: a message that is published while Redis changes masters is lost. */
export async function announce(queueRedis, prefix, message) {
  try {
    await queueRedis.publish(`${prefix}visits`, JSON.stringify(message));
  } catch (error) {
    log('feed', { error: error.message });
  }
}

export class Feed {
  constructor(redis) {
    this.server = new WebSocketServer({ noServer: true, maxPayload: 1024 });
    this.subscriber = connect(redis, 'queue');
    this.channel = `${redis.users.queue.prefix}visits`;
    this.server.on('connection', (socket) => {
      socket.on('error', () => socket.terminate());
      socket.on('message', (text) => { if (String(text) === 'ping') socket.send('pong'); });
    });
    this.subscriber.on('message', (_channel, text) => this.send(text));
    this.subscriber.subscribe(this.channel).catch((error) => log('feed', { error: error.message }));
    this.pings = setInterval(() => this.server.clients.forEach((socket) => socket.ping()), PING_MS);
    this.pings.unref();
  }

  get open() {
    return this.server.clients.size;
  }

  upgrade(request, socket, head) {
    this.server.handleUpgrade(request, socket, head, (opened) => this.server.emit('connection', opened, request));
  }

  send(text) {
    for (const socket of this.server.clients) if (socket.readyState === socket.OPEN) socket.send(text);
  }

  /** Ask every client to come back, spread over `overMs`, so that they don't all reach the others at once. */
  async close(overMs) {
    clearInterval(this.pings);
    const sockets = [...this.server.clients];
    const step = sockets.length ? overMs / sockets.length : 0;
    for (const socket of sockets) {
      socket.close(SERVICE_RESTART, 'restart');
      await new Promise((resolve) => { setTimeout(resolve, step); });
    }
    this.server.close();
    this.subscriber.disconnect();
  }
}
