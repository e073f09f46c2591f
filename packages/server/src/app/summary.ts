import type { LiveHub } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import type { Sessions } from '../stats/index.ts';

/**
 * A line about the whole server every `pithy_print_ms`, while there is somebody to tell of (G006). Bit rates are those since
 * the line before, of the last 30 seconds and of the last 5 minutes.
 */
export class Summary {
  readonly #timer: NodeJS.Timeout;
  #last = { at: performance.now(), bytesIn: 0, bytesOut: 0 };

  constructor(sessions: Sessions, hub: LiveHub, log: Log, intervalMs: number) {
    this.#timer = setInterval(() => {
      const totals = sessions.totals();
      const now = performance.now();
      const elapsed = Math.max(1, now - this.#last.at);
      const kbpsIn = Math.max(0, Math.round(((totals.bytesIn - this.#last.bytesIn) * 8) / elapsed));
      const kbpsOut = Math.max(0, Math.round(((totals.bytesOut - this.#last.bytesOut) * 8) / elapsed));
      this.#last = { at: now, bytesIn: totals.bytesIn, bytesOut: totals.bytesOut };
      const { publishers, players } = totals;
      if (publishers + players === 0) return;
      const memory = Math.round(process.memoryUsage.rss() / 1_048_576);
      const { received30s, sent30s, received5m, sent5m } = sessions.rates();
      log.info(
        `${hub.size} streams, ${publishers} publishers in ${kbpsIn},${received30s},${received5m} kbps, ` +
          `${players} players out ${kbpsOut},${sent30s},${sent5m} kbps, memory ${memory} MB`,
      );
    }, intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
