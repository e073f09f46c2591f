import type { Publication } from '../../live/index.ts';
import type { PublishConfig } from '../../config/index.ts';

/** A read that fills this many bytes may have left more behind: the socket is read on before it is paused. */
const FULL_READ_BYTES = 65_536;
/** A merged read aims at no more than this, so that a fast publisher is never held back by a full window. */
const MERGED_READ_BYTES = 32_768;
/** Shorter pauses than this save nothing. */
const LEAST_PAUSE_MS = 5;

/** The part of a socket that merged reads use. */
export interface PausableSocket {
  pause(): unknown;
  resume(): unknown;
}

/** A connection's publish: its publication, its silence, and its merged reads. */
export class RtmpPublisher {
  readonly publication: Publication;
  #config: PublishConfig;
  readonly #socket: PausableSocket;
  #merges = false;
  #timer: NodeJS.Timeout | undefined;
  #gotMedia = false;
  #everGotMedia = false;
  #silentSince: number;
  #lastRead = 0;
  readonly #resume = (): void => {
    this.#timer = undefined;
    this.#socket.resume();
  };

  /** @param now - ms of the monotonic clock */
  constructor(
    publication: Publication,
    config: PublishConfig,
    minLatency: boolean,
    socket: PausableSocket,
    now: number,
  ) {
    this.publication = publication;
    this.#config = config;
    this.#socket = socket;
    this.#silentSince = now;
    this.configure(config, minLatency);
  }

  /** Goes on by other settings; a pause that has begun ends as it would have. */
  configure(config: PublishConfig, minLatency: boolean): void {
    this.#config = config;
    this.#merges = config.mergedRead.enabled && !minLatency;
  }

  write(kind: 8 | 9 | 18, timestamp: number, body: Uint8Array): void {
    this.#gotMedia = true;
    this.publication.write(kind, timestamp, body);
  }

  /**
   * Call after each read. With merged reads the socket then rests for `mr latency` (P019), or for as long as
   * the publisher takes to send about {@link MERGED_READ_BYTES}.
   */
  afterRead(bytes: number): void {
    this.publication.flush();
    if (!this.#merges || bytes >= FULL_READ_BYTES || this.#timer !== undefined) return;
    const now = performance.now();
    const { latencyMs } = this.#config.mergedRead;
    const since = now - this.#lastRead;
    this.#lastRead = now;
    const paced = (since * MERGED_READ_BYTES) / Math.max(1, bytes);
    const pause = bytes > MERGED_READ_BYTES ? Math.min(latencyMs, paced) : latencyMs;
    if (pause < LEAST_PAUSE_MS) return;
    this.#socket.pause();
    this.#timer = setTimeout(this.#resume, pause);
  }

  /** Whether the publisher has been silent for too long (P007). */
  overdue(now: number): 'publish-first-packet-timeout' | 'publish-timeout' | undefined {
    if (this.#gotMedia) {
      this.#gotMedia = false;
      this.#everGotMedia = true;
      this.#silentSince = now;
      return undefined;
    }
    const { firstPacketTimeoutMs, normalTimeoutMs } = this.#config;
    const silent = now - this.#silentSince;
    if (!this.#everGotMedia)
      return silent > firstPacketTimeoutMs ? 'publish-first-packet-timeout' : undefined;
    return silent > normalTimeoutMs ? 'publish-timeout' : undefined;
  }

  /** Ends the publish and reads on without pauses. */
  end(): void {
    this.publication.end();
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#resume();
    }
  }
}
