import type { StreamHeaders } from './fan-out-format.ts';
import type { Player, PlayerEnd } from './player.ts';

/** How a group's bytes leave, and what it may hold. */
export interface FanOutSettings {
  /** Time between two flushes, ms; 0 flushes at the end of every read of the publisher. */
  readonly flushIntervalMs: number;
  /** A flush sends one frame rather than all (`send_min_interval`). */
  readonly onePerFlush: boolean;
  /** `queue_length`: most stream time, ms, that a player may be behind. */
  readonly queueLengthMs: number;
  /** Most bytes that a player may be behind. */
  readonly queueMaxBytes: number;
  /** Most bytes kept for players that join; 0 keeps none. */
  readonly gopMaxBytes: number;
}

/** What a group asks of its stream. */
export interface FanOutHome {
  /** Those that hold now: a reload changes them. */
  settings(): FanOutSettings;
  headers(): StreamHeaders;
  /** Video frames are coming: a player that lost some has to wait for a keyframe. */
  hasVideo(): boolean;
  /** Players start at zero rather than at the stream's own times. */
  rebases(): boolean;
  /** The group has dropped a player. */
  ended(player: Player, reason: PlayerEnd): void;
}
