// What the platform asks of a worker that is to end: fail the health checks, go on serving until the load balancers
// have seen it, finish what is in flight, end in time.
import { log } from './log.js';

export const NOTICE_MS = 2000;
export const SOCKETS_MS = 5000;

export class Stopping {
  constructor({ drainMs, noticeMs = NOTICE_MS, exit = (code) => process.exit(code) }) {
    this.asked = false;
    this.drainMs = drainMs;
    this.noticeMs = Math.min(noticeMs, drainMs / 4);
    this.exit = exit;
  }

  /** Run `steps` one after the other when a signal comes; exit 0, or 1 when they take too long. */
  on(signals, steps) {
    const stop = async (signal) => {
      if (this.asked) return;
      this.asked = true;
      log('stopping', { signal });
      setTimeout(() => { log('stopped late'); this.exit(1); }, this.drainMs - 500).unref();
      try {
        await new Promise((resolve) => { setTimeout(resolve, this.noticeMs); });
        for (const step of steps) await step();
        log('stopped');
        this.exit(0);
      } catch (error) {
        log('stopped badly', { error: error.message });
        this.exit(1);
      }
    };
    for (const signal of signals) process.on(signal, () => stop(signal));
    return stop;
  }
}

/** Close an HTTP server: nothing new, what is in flight to its end. */
export function closeServer(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
}
