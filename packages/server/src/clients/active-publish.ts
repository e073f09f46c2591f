import type { FlvTagType } from '@sluice/media/flv';

import type { PublishConfig } from '../config/index.ts';
import type { Publication } from '../live/index.ts';

/** A client's publish: its publication, and how long it has been silent. */
export class ActivePublish {
  readonly #publication: Publication;
  #config: PublishConfig;
  #gotMedia = false;
  #everGotMedia = false;
  #silentSince: number;

  /** @param now - ms of the monotonic clock */
  constructor(publication: Publication, config: PublishConfig, now: number) {
    this.#publication = publication;
    this.#config = config;
    this.#silentSince = now;
  }

  get videoFrames(): number {
    return this.#publication.meter.videoFrames;
  }

  configure(config: PublishConfig): void {
    this.#config = config;
  }

  /** See {@link Publication.write}. */
  write(type: FlvTagType, timestamp: number, body: Uint8Array): void {
    this.#gotMedia = true;
    this.#publication.write(type, timestamp, body);
  }

  /** Call after each batch of messages: players of `min_latency` streams get theirs now. */
  flush(): void {
    this.#publication.flush();
  }

  end(): void {
    this.#publication.end();
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
}
