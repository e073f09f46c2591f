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

/** Lets a publisher's socket rest between reads, so that many small messages cost one read. */
export class MergedReads {
  readonly #socket: PausableSocket;
  #isOn = false;
  #latencyMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastRead = 0;
  readonly #resume = (): void => {
    this.#timer = undefined;
    this.#socket.resume();
  };

  constructor(socket: PausableSocket, config: PublishConfig, minLatency: boolean) {
    this.#socket = socket;
    this.configure(config, minLatency);
  }

  /** Applies other settings; a pause that has begun ends as it would have. */
  configure({ mergedRead }: PublishConfig, minLatency: boolean): void {
    this.#latencyMs = mergedRead.latencyMs;
    this.#isOn = mergedRead.enabled && !minLatency;
  }

  /**
   * Call after each read. The socket then rests for `mr latency` (P019), or for as long as
   * the publisher takes to send about {@link MERGED_READ_BYTES}.
   */
  afterRead(bytes: number): void {
    if (!this.#isOn || bytes >= FULL_READ_BYTES || this.#timer !== undefined) return;
    const now = performance.now();
    const since = now - this.#lastRead;
    this.#lastRead = now;
    const paced = (since * MERGED_READ_BYTES) / Math.max(1, bytes);
    const pause = bytes > MERGED_READ_BYTES ? Math.min(this.#latencyMs, paced) : this.#latencyMs;
    if (pause < LEAST_PAUSE_MS) return;
    this.#socket.pause();
    this.#timer = setTimeout(this.#resume, pause);
  }

  /** Reads on without pauses. */
  end(): void {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#resume();
    }
  }
}
