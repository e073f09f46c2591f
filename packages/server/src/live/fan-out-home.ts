import type { StreamHeaders } from './fan-out-format.ts';
import type { FanOutSettings } from './live-settings.ts';
import type { Player, PlayerEnd } from './player.ts';

/** What a group asks of its stream. */
export interface FanOutHome {
  /** Those that hold now: a reload changes them. */
  settings(): FanOutSettings;
  headers(): StreamHeaders;
  /** Video frames are coming: a player that lost some has to wait for a keyframe. */
  hasVideo(): boolean;
  /** Players start at zero rather than at the stream's own times. */
  rebases(): boolean;
  /** The zero of a player whose first frames begin at a time, ms: 0 unless players are rebased. */
  zeroOf(earliest: number): number;
  /** A flush has kept the event loop for so long, ms. */
  flushed(ms: number): void;
  /** The group has dropped a player. */
  ended(player: Player, reason: PlayerEnd): void;
}
