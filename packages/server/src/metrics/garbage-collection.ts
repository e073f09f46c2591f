import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** Kinds of collections, by V8's numbers. */
const kinds: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** Tells of the pauses of the garbage collector. */
export class GarbageCollection {
  readonly #observer: PerformanceObserver;

  /** @param observe - given each pause: its kind, and how long it was, ms */
  constructor(observe: (kind: string, durationMs: number) => void) {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) observe(kindOf(entry), entry.duration);
    });
  }

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer.disconnect();
  }
}

function kindOf(entry: PerformanceEntry): string {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined;
  if (typeof detail !== 'object' || detail === null || !('kind' in detail)) return 'other';
  return (typeof detail.kind === 'number' ? kinds.get(detail.kind) : undefined) ?? 'other';
}
