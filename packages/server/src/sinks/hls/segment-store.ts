import type { StreamId } from '../../live/index.ts';
import type { HlsBytesItem, ItemProvider, ItemRegistry } from './items.ts';
import type { HlsSegment, SegmentKey } from './segment.ts';
import type { SegmentMemory } from './segment-memory.ts';

/** A segment that left the playlist, and how long players may still ask for it, ms since the epoch. */
interface Retired {
  readonly segment: HlsSegment;
  readonly until: number;
}

/** What a {@link SegmentStore} needs. */
export interface SegmentStoreOptions {
  readonly stream: StreamId;
  readonly registry: ItemRegistry;
  /** Where the bytes go that nobody has asked for. */
  readonly memory: SegmentMemory;
  /**
   * Bytes of segments to keep that are on disk too, as long as they are in the playlist; Infinity where memory is what
   * is served, in the playlist or not.
   */
  readonly maxBytes: number;
  readonly maxRetired: number;
  readonly maxRetiredBytes: number;
  /** How long segments are kept that have left the playlist, ms. */
  readonly lingerMs: () => number;
  /** Nobody needs the segment any more; `lastOfKey` is its key when it was the last one that used it. */
  readonly onForgotten: (segment: HlsSegment, lastOfKey: SegmentKey | undefined) => void;
}

/** The segments of one stream in memory: those of the playlist, and those that have just left it. */
export class SegmentStore {
  readonly #options: SegmentStoreOptions;
  /** With bytes in memory, oldest first. */
  #held: HlsSegment[] = [];
  #retired: Retired[] = [];
  readonly #providers = new WeakMap<HlsSegment | SegmentKey, ItemProvider>();
  /** Whoever asked for them may read them for as long as it likes. */
  readonly #lent = new WeakSet<HlsSegment | SegmentKey>();
  readonly #keyUsers = new Map<SegmentKey, number>();
  #bytes = 0;

  constructor(options: SegmentStoreOptions) {
    this.#options = options;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Segments that wait to be forgotten. */
  get retired(): readonly HlsSegment[] {
    return this.#retired.map(({ segment }) => segment);
  }

  /** Takes a segment with its bytes. */
  add(segment: HlsSegment): void {
    const { bytes } = segment;
    const { registry, stream } = this.#options;
    registry.own(segment.name, stream);
    if (bytes !== undefined) {
      this.#held.push(segment);
      this.#bytes += bytes.length;
      const version = `${segment.sequence}-${(segment.programDateTime ?? 0).toString(36)}-${bytes.length}`;
      const item: HlsBytesItem = { kind: 'segment', stream, bytes, contentType: 'video/mp2t', version };
      this.#register(segment, item);
    }
    const key = segment.encryption?.key;
    if (key !== undefined)
      this.#useKey(key, `key-${segment.sequence}-${(segment.programDateTime ?? 0).toString(36)}`);
  }

  /** Lets segments go that are on disk too: those that have left the playlist, and the oldest ones beyond the limit. */
  trim(): void {
    const { maxBytes } = this.#options;
    if (maxBytes === Infinity) return;
    for (const { segment } of this.#retired) if (segment.place === 'disk') this.#letGo(segment);
    for (const segment of this.#held) {
      if (this.#bytes <= maxBytes) break;
      if (segment.place === 'disk') this.#letGo(segment);
    }
    this.#held = this.#held.filter(({ bytes }) => bytes !== undefined);
  }

  /** Lets every segment go that is on disk too. */
  release(): void {
    for (const segment of this.#held) if (segment.place === 'disk') this.#letGo(segment);
    this.#held = this.#held.filter(({ bytes }) => bytes !== undefined);
  }

  /** Takes segments that have left the playlist. */
  retire(segments: readonly HlsSegment[], now: number): void {
    const { lingerMs, maxRetired, maxRetiredBytes } = this.#options;
    for (const segment of segments) this.#retired.push({ segment, until: now + lingerMs() });
    while (this.#retired.length > maxRetired || this.#retiredBytes > maxRetiredBytes) this.#forgetOldest();
  }

  /** Forgets what no player is expected to ask for any more. */
  expire(now: number): void {
    while ((this.#retired[0]?.until ?? Infinity) <= now) this.#forgetOldest();
  }

  /** Forgets everything that has left the playlist. */
  expireAll(): void {
    while (this.#retired.length > 0) this.#forgetOldest();
  }

  get #retiredBytes(): number {
    return this.#retired.reduce((sum, { segment }) => sum + (segment.bytes?.length ?? 0), 0);
  }

  #forgetOldest(): void {
    const segment = this.#retired.shift()?.segment;
    if (segment === undefined) return;
    segment.forgotten = true;
    this.#options.registry.disown(segment.name, this.#options.stream);
    if (segment.bytes !== undefined) {
      this.#letGo(segment);
      this.#held = this.#held.filter((other) => other !== segment);
    }
    const key = segment.encryption?.key;
    this.#options.onForgotten(segment, key !== undefined && this.#dropKey(key) ? key : undefined);
  }

  #letGo(segment: HlsSegment): void {
    const { bytes } = segment;
    if (bytes === undefined) return;
    this.#bytes -= bytes.length;
    segment.bytes = undefined;
    const provider = this.#providers.get(segment);
    const { memory, registry, stream } = this.#options;
    if (segment.place !== 'waiting' && !this.#lent.has(segment)) memory.give(bytes);
    if (provider !== undefined) registry.remove(stream.vhost, segment.name, provider);
  }

  #register(owner: HlsSegment | SegmentKey, item: HlsBytesItem): void {
    const provider: ItemProvider = () => {
      this.#lent.add(owner);
      return item;
    };
    this.#providers.set(owner, provider);
    this.#options.registry.add(this.#options.stream.vhost, owner.name, provider);
  }

  #useKey(key: SegmentKey, version: string): void {
    const users = this.#keyUsers.get(key) ?? 0;
    this.#keyUsers.set(key, users + 1);
    if (users > 0) return;
    const { registry, stream } = this.#options;
    registry.own(key.name, stream);
    if (key.bytes === undefined) return;
    const contentType = 'application/octet-stream';
    this.#register(key, { kind: 'key', stream, bytes: key.bytes, contentType, version });
  }

  /** Returns true for the last one. */
  #dropKey(key: SegmentKey): boolean {
    const users = (this.#keyUsers.get(key) ?? 1) - 1;
    if (users > 0) {
      this.#keyUsers.set(key, users);
      return false;
    }
    this.#keyUsers.delete(key);
    const provider = this.#providers.get(key);
    const { registry, stream } = this.#options;
    if (provider !== undefined) registry.remove(stream.vhost, key.name, provider);
    registry.disown(key.name, stream);
    // One of an earlier run may have no file that is ours.
    return key.name.file !== '';
  }
}
