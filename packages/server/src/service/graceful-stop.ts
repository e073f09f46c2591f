import { setTimeout as delay } from 'node:timers/promises';

import type { Log } from '../log/index.ts';

/** How often the connections are counted while they finish, ms. */
const POLL_INTERVAL_MS = 100;
/** How often the log says for how many connections the stop waits, ms. */
const LOG_INTERVAL_MS = 10_000;

/** What a graceful stop needs of a server. */
export interface GracefulServer {
  /** Takes no more connections and ends what would keep its own alive; those of others go on. */
  stopListening(): Promise<void>;
  /** Connections that are still there. */
  readonly connections: number;
}

/** The times of a graceful stop, ms. */
export interface GraceTimes {
  /** `grace_start_wait`: how long connections are still taken, so that a balancer can learn of the stop. */
  readonly startWaitMs: number;
  /** `grace_timeout`: how long the connections may take to finish. */
  readonly timeoutMs: number;
}

/** What {@link letClientsFinish} needs. */
export interface GracefulStopOptions {
  readonly log: Log;
  readonly times: GraceTimes;
  /** Aborted when the stop becomes a fast one: the wait is over at once. */
  readonly hurry: AbortSignal;
  /** Milliseconds that only grow. Default: of the process. */
  readonly now?: () => number;
  /** Default {@link pause}. */
  readonly wait?: (ms: number, hurry: AbortSignal) => Promise<void>;
}

/**
 * The first part of a graceful stop: waits, stops to listen, and waits until every connection has finished, the time
 * is over or somebody is in a hurry. Closing the server is the caller's next step in any case.
 */
export async function letClientsFinish(server: GracefulServer, options: GracefulStopOptions): Promise<void> {
  const { log, times, hurry, now = () => performance.now(), wait = pause } = options;
  await wait(times.startWaitMs, hurry);
  await server.stopListening();
  const begin = now();
  log.info(
    `stopped listening; ${server.connections} connections may finish within ${times.timeoutMs / 1000} s`,
  );
  let loggedAt = begin;
  while (server.connections > 0 && !hurry.aborted) {
    const left = begin + times.timeoutMs - now();
    if (left <= 0) {
      log.warn(`${server.connections} connections have not finished in time: ending them`);
      return;
    }
    await wait(Math.min(POLL_INTERVAL_MS, left), hurry);
    if (now() - loggedAt < LOG_INTERVAL_MS) continue;
    loggedAt = now();
    log.info(`stopping: waiting for ${server.connections} connections to finish`);
  }
}

/** Waits so long, or until somebody is in a hurry. */
export async function pause(ms: number, hurry: AbortSignal): Promise<void> {
  if (ms <= 0) return;
  await delay(ms, undefined, { signal: hurry }).catch((error: unknown) => {
    if (!hurry.aborted) throw error;
  });
}
