import type { Tally } from './tally.ts';

/** One load under way: players, publishers, both, or a group of processes of them. */
export interface LoadRun {
  /** Starts the connections; resolves when each of them has joined or failed. */
  start(): Promise<void>;
  /** Resolves when nothing is left to do: every round is over, or the last connection is gone. */
  readonly finished: Promise<void>;
  /** The counts since the tally before (or since the start), and begins a new window. */
  tally(): Promise<Tally>;
  /** The counts for a progress line; begins no new window. */
  progress(): Progress;
  /** Closes all connections. */
  stop(): Promise<void>;
}

/** What a progress line shows. */
export interface Progress {
  readonly joined: number;
  readonly active: number;
  readonly failed: number;
  readonly lost: number;
  /** All bytes since the start. */
  readonly bytes: number;
}
