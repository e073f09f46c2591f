import { type FileBytes, type FileState, indexMediaFile, type SegmentIndex } from '../../files/index.ts';
import { HlsGate } from './hls-gate.ts';
import type { VodHlsLimits } from './hls-limits.ts';

interface Entry {
  /** Of the file that is being, or was, indexed. */
  readonly state: string;
  readonly pending: Promise<SegmentIndex>;
  /** The index from before while there is no new one. */
  index: SegmentIndex | undefined;
  /** An index in the file's metadata turned out to be wrong. */
  readonly distrusted: boolean;
}

/** The indexes of the recordings that were asked for last. Requests for one file share one look at it. */
export class IndexCache {
  readonly #limits: VodHlsLimits;
  readonly #gate: HlsGate;
  /** By path; the one used last stands last. */
  readonly #entries = new Map<string, Entry>();

  constructor(limits: VodHlsLimits) {
    this.#limits = limits;
    this.#gate = new HlsGate(limits.maxScans, limits.maxWaiting);
  }

  /**
   * The index of a file as it is now.
   *
   * @param bytes used until the promise is settled
   * @param segment what it is asked for: in a file that has only grown, the index from before knows all segments but
   * its last one
   * @throws VodHlsError `busy`
   * @throws MediaFileError the file has no index
   */
  get(bytes: FileBytes, segment?: number): Promise<SegmentIndex> {
    const { path } = bytes;
    const state = stateKey(bytes.state);
    const known = this.#entries.get(path);
    if (known?.state === state) {
      this.#entries.delete(path);
      this.#entries.set(path, known);
      return known.pending;
    }
    const old = known?.index;
    if (old !== undefined && segment !== undefined && segment < old.segmentCount - 1) {
      const { identity, size } = bytes.state;
      if (identity === old.state.identity && size > old.state.size) return Promise.resolve(old);
    }
    return this.#make(bytes, state, known?.index, known?.distrusted === true);
  }

  /** Forgets an index that turned out to be wrong; the next one is made of the tags themselves. */
  distrust(index: SegmentIndex, path: string): void {
    const known = this.#entries.get(path);
    if (known?.index !== index) return;
    this.#entries.set(path, { ...known, state: '', index: undefined, distrusted: true });
  }

  #make(
    bytes: FileBytes,
    state: string,
    previous: SegmentIndex | undefined,
    distrusted: boolean,
  ): Promise<SegmentIndex> {
    const { path } = bytes;
    const pending = this.#gate.run(() => indexMediaFile(bytes, { previous, trustMetadata: !distrusted }));
    const entry: Entry = { state, pending, index: previous, distrusted };
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.maxIndexes) break;
      this.#entries.delete(oldest);
    }
    pending.then(
      (index) => {
        entry.index = index;
      },
      () => {
        // A failure is not kept: it may be over at the next request.
        if (this.#entries.get(path) === entry) this.#entries.delete(path);
      },
    );
    return pending;
  }
}

/** Differs when a file does. */
export function stateKey({ identity, size, modifiedMs }: FileState): string {
  return `${identity}-${size.toString(36)}-${modifiedMs.toString(36)}`;
}
