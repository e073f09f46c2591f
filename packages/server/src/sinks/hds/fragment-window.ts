import {
  type Bootstrap,
  buildBootstrap,
  HDS_ENDLESS_SEGMENT,
  HdsDiscontinuity,
  type HdsFragmentRun,
} from '@sluice/media/hds';

/** Times are in ms. */
const TIMESCALE = 1000;

/** A fragment that is on disk. */
export interface ListedFragment {
  readonly number: number;
  /** ms on the stream's timeline. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** The fragments that the bootstrap tells of: the newest ones, no more than the window is long (D003). */
export class FragmentWindow {
  readonly #windowMs: number;
  #fragments: ListedFragment[] = [];
  #version: number;

  /**
   * @param windowMs - `hds_window`
   * @param version - the version of an earlier bootstrap: the next one is another
   */
  constructor(windowMs: number, version: number) {
    this.#windowMs = windowMs;
    this.#version = version;
  }

  /**
   * Adds the newest fragment.
   *
   * @returns those that have left the window
   */
  push(fragment: ListedFragment): ListedFragment[] {
    this.#fragments.push(fragment);
    let total = 0;
    for (const { durationMs } of this.#fragments) total += durationMs;
    let surplus = 0;
    while (surplus < this.#fragments.length - 1 && total > this.#windowMs) {
      total -= this.#fragments[surplus]?.durationMs ?? 0;
      surplus += 1;
    }
    return this.#fragments.splice(0, surplus);
  }

  /**
   * The bootstrap's bytes, D002: one segment without end, and the fragments, with a mark where one does not follow
   * on the one before.
   *
   * @param ended - nothing follows
   */
  bootstrap(ended: boolean): Uint8Array {
    this.#version = (this.#version + 1) >>> 0;
    const runs: HdsFragmentRun[] = [];
    let end: number | undefined;
    for (const { number, startMs, durationMs } of this.#fragments) {
      const run = { firstFragment: number, firstTimestamp: startMs };
      if (end !== undefined && end !== startMs) {
        runs.push({ ...run, duration: 0, discontinuity: HdsDiscontinuity.timestamps });
      }
      runs.push({ ...run, duration: durationMs });
      end = startMs + durationMs;
    }
    if (ended) {
      const discontinuity = HdsDiscontinuity.endOfPresentation;
      runs.push({ firstFragment: 0, firstTimestamp: 0, duration: 0, discontinuity });
    }
    const table = { update: false, qualityUrlModifiers: [] };
    const bootstrap: Bootstrap = {
      version: this.#version,
      profile: 0,
      live: true,
      update: false,
      timescale: TIMESCALE,
      currentMediaTime: this.#fragments[this.#fragments.length - 1]?.startMs ?? 0,
      smpteTimeCodeOffset: 0,
      movieIdentifier: '',
      servers: [],
      qualities: [],
      drmData: '',
      metadata: '',
      segmentRunTables: [{ ...table, runs: [{ firstSegment: 1, fragmentsPerSegment: HDS_ENDLESS_SEGMENT }] }],
      fragmentRunTables: [{ ...table, timescale: TIMESCALE, runs }],
    };
    return buildBootstrap(bootstrap);
  }
}
