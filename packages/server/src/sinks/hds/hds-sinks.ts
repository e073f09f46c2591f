import type { VhostConfig } from '../../config/index.ts';
import type { FrameSink, StreamId } from '../../live/index.ts';
import { type Disk, Fault, type FaultLog, type FaultState } from '../disk/index.ts';
import { Fragmenter } from './fragmenter.ts';
import { HdsWriter } from './hds-writer.ts';
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
}

/** The live stream, as far as HDS knows it. */
export interface HdsStream {
  readonly id: StreamId;
  /** Unique in the server. */
  readonly key: string;
}

interface Publication {
  readonly fault: Fault;
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

  constructor({ log, disk, limits }: HdsSinksOptions) {
    this.#log = log;
    this.#disk = disk;
    this.#limits = { ...DEFAULT_HDS_LIMITS, ...limits };
  }

  /** HDS of a publisher, until `end()` of the sink. */
  open({ id, key }: HdsStream, { hds }: Pick<VhostConfig, 'hds'>): FrameSink {
    const { maxFragmentBytes, maxPendingBytes } = this.#limits;
    const earlier = this.#publications.get(key);
    const fault = new Fault(this.#log, `hds ${id.app}/${id.stream}`);
    const writer = new HdsWriter({
      disk: this.#disk,
      fault,
      paths: new HdsPaths(hds.path, id),
      windowMs: hds.windowMs,
      maxPendingBytes,
      after: earlier?.writer.settled(),
    });
    const fragmenter = new Fragmenter({
      fragmentMs: hds.fragmentMs,
      maxFragmentBytes,
      onFragment: (fragment) => {
        writer.add(fragment);
      },
    });
    let ended = false;
    const publication: Publication = {
      fault,
      writer,
      end: () => {
        if (ended) return;
        ended = true;
        fragmenter.end();
        writer.end();
        void this.#forget(key, publication);
      },
    };
    this.#publications.set(key, publication);
    return {
      write: (frame) => {
        if (!ended) fragmenter.write(frame);
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

  /** Ends every sink and writes what is left. A disk that hangs is waited for no longer than five seconds. */
  async close(): Promise<void> {
    const publications = [...this.#publications.values()];
    for (const publication of publications) publication.end();
    const written = Promise.all(publications.map(({ writer }) => writer.settled()));
    let timeout: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    await Promise.race([written, patience]);
    clearTimeout(timeout);
  }

  async #forget(key: string, publication: Publication): Promise<void> {
    await publication.writer.settled();
    if (this.#publications.get(key) === publication) this.#publications.delete(key);
  }
}
