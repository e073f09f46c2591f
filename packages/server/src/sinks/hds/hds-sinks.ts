import type { Packet } from '@sluice/media/model';

import { background } from '../../background.ts';
import type { VhostConfig } from '../../config/index.ts';
import {
  type MediaFault,
  MediaFaults,
  type PacketSubscriber,
  type StreamId,
  streamKey,
} from '../../live/index.ts';
import { type Disk, Fault, type FaultLog, type FaultState } from '../disk/index.ts';
import { Fragmenter } from './fragmenter.ts';
import { HdsWriter } from './hds-writer.ts';
import { Leftovers } from './leftovers.ts';
import { DEFAULT_HDS_LIMITS, type HdsLimits } from './limits.ts';
import { HdsPaths } from './paths.ts';

/** How long a stop of the server waits for a disk, ms. */
const CLOSE_TIMEOUT_MS = 5_000;

/** What {@link HdsSinks} needs. */
export interface HdsSinksOptions {
  readonly log: FaultLog;
  readonly disk: Disk;
  /** Default: {@link DEFAULT_HDS_LIMITS}. */
  readonly limits?: Partial<HdsLimits> | undefined;
  /** The vhosts that are on: what an earlier run has left in their directories is ended. Default none. */
  readonly vhosts?: (() => Iterable<Pick<VhostConfig, 'name' | 'hds'>>) | undefined;
  /** ms since the epoch. Default: Date.now. */
  readonly now?: (() => number) | undefined;
}

/** The live stream, as far as HDS knows it. */
export interface HdsStream {
  readonly id: StreamId;
  /** Unique in the server. */
  readonly key: string;
}

interface Publication {
  readonly fault: Fault;
  readonly media: MediaFaults;
  readonly writer: HdsWriter;
  end(): void;
}

/** All HDS of the server: a sink for each publisher. Whatever happens to it, the stream goes on (L009). */
export class HdsSinks {
  readonly #log: FaultLog;
  readonly #disk: Disk;
  readonly #limits: HdsLimits;
  /** The newest publication of each stream, until its last byte is written. */
  readonly #publications = new Map<string, Publication>();

  /** What is done to files of streams that are not published now. */
  readonly #held = new Map<string, Promise<void>>();
  readonly #options: HdsSinksOptions;
  #leftovers: Leftovers | undefined;

  constructor(options: HdsSinksOptions) {
    const { log, disk, limits } = options;
    this.#options = options;
    this.#log = log;
    this.#disk = disk;
    this.#limits = { ...DEFAULT_HDS_LIMITS, ...limits };
  }

  /** Looks after what an earlier run left, from now on. */
  start(): void {
    const { now, vhosts } = this.#options;
    if (vhosts === undefined || this.#leftovers !== undefined) return;
    this.#leftovers = new Leftovers({
      ...{ log: this.#log, disk: this.#disk, now, vhosts },
      isPublished: (id) => this.#publications.has(streamKey(id)),
      hold: (id, work) => {
        const key = streamKey(id);
        const held = work.then(() => {
          if (this.#held.get(key) === held) this.#held.delete(key);
        });
        this.#held.set(key, held);
      },
    });
  }

  /** HDS of a publisher, until `end()` of the sink. */
  open({ id, key }: HdsStream, { hds }: Pick<VhostConfig, 'hds'>): PacketSubscriber {
    const { maxFragmentBytes, maxPendingBytes, maxPendingFragments } = this.#limits;
    const earlier = this.#publications.get(key);
    const fault = new Fault(this.#log, `hds ${id.app}/${id.stream}`);
    const writer = new HdsWriter({
      disk: this.#disk,
      fault,
      paths: new HdsPaths(hds.path, id),
      windowMs: hds.windowMs,
      maxPendingBytes,
      maxPendingFragments,
      after: this.#settled(key, earlier),
    });
    const fragmenter = new Fragmenter({
      fragmentMs: hds.fragmentMs,
      maxFragmentBytes,
      onFragment: (fragment) => {
        writer.add(fragment);
      },
    });
    const media = new MediaFaults((message) => {
      this.#log.warn(`hds ${id.app}/${id.stream}: ${message}`);
    });
    let ended = false;
    const publication: Publication = {
      fault,
      media,
      writer,
      end: () => {
        if (ended) return;
        ended = true;
        fragmenter.end();
        writer.end();
        background('ending HDS', this.#forget(key, publication));
      },
    };
    this.#publications.set(key, publication);
    return {
      write: (packet) => {
        if (ended) return;
        if (!isOfFlash(packet)) media.unsupported('HDS', packet.track);
        fragmenter.write(packet);
      },
      end: () => {
        publication.end();
      },
    };
  }

  /** What a stream's HDS suffers from. */
  faults(streamKey: string): readonly FaultState[] {
    const fault = this.#publications.get(streamKey)?.fault.current;
    return fault === undefined ? [] : [fault];
  }

  /** What of a stream's media HDS can't give to its players. */
  mediaFaults(streamKey: string): readonly MediaFault[] {
    return this.#publications.get(streamKey)?.media.current ?? [];
  }

  /** Ends every sink and writes what is left. A disk that hangs is waited for no longer than five seconds. */
  async close(): Promise<void> {
    const leftovers = this.#leftovers?.stop();
    const publications = [...this.#publications.values()];
    for (const publication of publications) publication.end();
    const written = Promise.all([leftovers, ...publications.map(({ writer }) => writer.settled())]);
    let timeout: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    await Promise.race([written, patience]);
    clearTimeout(timeout);
  }

  async #settled(key: string, earlier: Publication | undefined): Promise<void> {
    await this.#held.get(key);
    await earlier?.writer.settled();
  }

  async #forget(key: string, publication: Publication): Promise<void> {
    await publication.writer.settled();
    if (this.#publications.get(key) === publication) this.#publications.delete(key);
  }
}

/** Codecs that FLV has by Enhanced RTMP only: no player of HDS knows them. Their packets are in the fragments all the same. */
const ENHANCED_CODECS: ReadonlySet<string> = new Set([
  ...['hevc', 'av1', 'vp8', 'vp9', 'vvc'],
  ...['opus', 'flac', 'ac3', 'eac3'],
]);

function isOfFlash({ track: { kind, codec } }: Packet): boolean {
  return kind === 'data' || !ENHANCED_CODECS.has(codec);
}
