/**
 * What a client does, by which protocol. SRS's names (spec 5.1): `rtmp-play`, `flv-play`, `ts-play`, `aac-play`,
 * `mp3-play`, `hls-play`, `fmle-publish`, `flash-publish`, `haivision-publish`; `unknown` until it plays or publishes.
 */
export type SessionType = `${string}-play` | `${string}-publish` | 'unknown';

/** What is known of a connection while it plays or publishes. */
export interface Session {
  readonly id: string;
  readonly ip: string;
  readonly type: SessionType;
  readonly publish: boolean;
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  /** A player's: the session id of the publisher whose frames it got last; absent while it has none. */
  readonly source?: string | undefined;
  /** When it was accepted, ms since the epoch. */
  readonly startedAt: number;
  /** The same, ms of the monotonic clock: for durations, which a jump of the system's time must not touch. */
  readonly since: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Frames of video that it has published or been sent; 0 of an HLS viewer, who is sent files. */
  readonly videoFrames: number;
  /** Frames skipped for a player that fell behind. */
  readonly droppedFrames: number;
}
