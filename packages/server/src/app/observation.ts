import { isDeepStrictEqual } from 'node:util';

import type { Config } from '../config/index.ts';
import type { Heartbeat } from '../hooks/index.ts';
import type { LiveHub } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import type { ServerMetrics } from '../metrics/index.ts';
import { SAMPLE_INTERVAL_MS, type Sessions, type SystemStats } from '../stats/index.ts';
import { Summary } from './summary.ts';

/** How often it is looked for players that have waited for too long, ms. */
const WAIT_CHECK_INTERVAL_MS = 1_000;

/** What {@link Observation} looks with. */
export interface ObservationParts {
  readonly log: Log;
  readonly hub: LiveHub;
  readonly sessions: Sessions;
  readonly system: SystemStats;
  readonly metrics: ServerMetrics;
  readonly heartbeat: Heartbeat;
}

/** All that looks at the server from time to time: rates, metrics, the summary in the log, the heartbeat. */
export class Observation {
  readonly #parts: ObservationParts;
  #sampler: NodeJS.Timeout | undefined;
  #waitCheck: NodeJS.Timeout | undefined;
  #summary: Summary | undefined;

  constructor(parts: ObservationParts) {
    this.#parts = parts;
  }

  start(config: Config): void {
    const { hub, sessions, system, heartbeat } = this.#parts;
    heartbeat.apply(config.heartbeat);
    this.#watchForMetrics(config);
    this.#sampler = setInterval(() => {
      if (sessions.sample()) hub.rollFlushes();
      system.sample();
    }, SAMPLE_INTERVAL_MS);
    this.#sampler.unref();
    this.#waitCheck = setInterval(() => {
      hub.endWaiting();
    }, WAIT_CHECK_INTERVAL_MS).unref();
    this.#summarize(config);
  }

  reconfigured(config: Config, before: Config): void {
    this.#watchForMetrics(config);
    if (!isDeepStrictEqual(config.heartbeat, before.heartbeat)) {
      this.#parts.heartbeat.apply(config.heartbeat);
    }
    if (config.pithyPrintMs !== before.pithyPrintMs) this.#summarize(config);
  }

  /** A heartbeat that is under way is ended by its own `close`. */
  stop(): void {
    clearInterval(this.#sampler);
    clearInterval(this.#waitCheck);
    this.#summary?.stop();
    this.#parts.metrics.stop();
  }

  /** Looks at the event loop while there is a port to read the metrics at: it costs a little all the time. */
  #watchForMetrics({ exporter, httpApi }: Config): void {
    const { metrics } = this.#parts;
    if (exporter.enabled || httpApi.enabled) metrics.start();
    else metrics.stop();
  }

  #summarize({ pithyPrintMs }: Config): void {
    const { sessions, hub, log } = this.#parts;
    this.#summary?.stop();
    this.#summary = new Summary(sessions, hub, log, pithyPrintMs);
  }
}
