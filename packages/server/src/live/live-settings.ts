import { gopFrameLimit } from './limits.ts';
import type { PlayConfig, PublishConfig } from '../config/index.ts';

/** What the engine takes from a vhost's configuration. */
export interface LiveSettings {
  readonly minLatency: boolean;
  readonly play: PlayConfig;
  readonly publish: Pick<PublishConfig, 'parseSps' | 'conflict'>;
  /** Properties added to `onMetaData`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** `fast_cache`: how much audio a new listener of an audio form gets at once, ms. */
  readonly fastCacheMs: number;
}

/** How the bytes of a group leave, and what it may hold. */
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
  /** Most frames kept for players that join. */
  readonly gopMaxFrames: number;
}

/** What the players' side takes from a stream's settings. */
export function fanOutSettings({ minLatency, play }: LiveSettings): FanOutSettings {
  const paced = play.sendMinIntervalMs > 0;
  const merged = minLatency ? 0 : play.mergedWriteLatencyMs;
  return {
    flushIntervalMs: paced ? play.sendMinIntervalMs : merged,
    onePerFlush: paced,
    queueLengthMs: play.queueLengthMs,
    queueMaxBytes: play.queueMaxBytes,
    gopMaxBytes: play.gopCache ? play.gopCacheMaxBytes : 0,
    gopMaxFrames: gopFrameLimit(play.gopCacheMaxFrames),
  };
}
