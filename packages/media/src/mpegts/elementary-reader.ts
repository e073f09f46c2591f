import type { TsDemuxerCounters, TsEvent, TsStream } from './events.ts';

/** The payload of one PES packet. */
export interface TsPesPayload {
  /** Memory that nobody else has. */
  readonly bytes: Uint8Array;
  /** Ticks on the growing timeline; undefined when the header has none. */
  readonly pts: number | undefined;
  /** Ticks likewise; that of presentation when the header has none of its own. */
  readonly dts: number | undefined;
  /** random_access_indicator of the packet that it began in. */
  readonly randomAccess: boolean;
}

/** Makes frames of the PES packets of one elementary stream. */
export interface TsElementaryReader {
  readonly stream: TsStream;
  /** Adds the frames that are complete to `events`. Never throws for bad bytes: it counts them. */
  read(payload: TsPesPayload, events: TsEvent[]): void;
  /** Data was lost: what was begun is forgotten, and the next frame is marked. */
  lose(): void;
}

/** What every reader is made with. */
export interface TsElementaryReaderOptions {
  readonly stream: TsStream;
  readonly counters: TsDemuxerCounters;
}
