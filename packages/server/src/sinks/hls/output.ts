import { leastTargetDuration } from '@sluice/media/m3u8';

import type { VhostConfig } from '../../config/index.ts';
import { Fault, type FaultState } from '../disk/index.ts';
import { DiskWriter } from './disk-writer.ts';
import { encrypt, KeyRing } from './encryption.ts';
import type { HlsPlaylistItem, ItemProvider } from './items.ts';
import { Numbering } from './numbering.ts';
import type { SegmentNumber } from './numbers.ts';
import type { FinishedSegment, HlsOutputOptions, NumbersLeft } from './output-options.ts';
import type { HlsPaths } from './paths.ts';
import { playlistItem } from './playlist-item.ts';
import { playlistText } from './playlist-text.ts';
import { PlaylistWindow, type WindowEntry } from './playlist-window.ts';
import type { RecoveredPlaylist } from './recovery.ts';
import type { HlsSegment, SegmentKey } from './segment.ts';
import { SegmentStore } from './segment-store.ts';

/** Segments are kept for so many target durations after they left the playlist: players may be that far behind. */
const LINGER_TARGET_DURATIONS = 3;
/** The least time, ms, that the memory of a stream whose publisher has gone is kept. */
const MIN_KEEP_MS = 60_000;
/** No audio frame is longer, ms: so much may a segment without video be longer than it should. */
const AUDIO_FRAME_MS = 100;

/**
 * The HLS of one stream: its playlist, its segments in memory and on disk. It outlives its publishers, so that the
 * playlist goes on when one comes back (L014).
 */
export class HlsOutput {
  readonly #options: HlsOutputOptions;
  readonly #window: PlaylistWindow;
  readonly #listed: PlaylistWindow;
  readonly #store: SegmentStore;
  readonly #keys: KeyRing;
  readonly #fault: Fault;
  readonly #writer: DiskWriter | undefined;
  readonly #provider: ItemProvider = () => this.#playlistItem();
  readonly #boot: string;
  readonly #numbering: Numbering;
  #owner: object | undefined;
  #onError: (error: unknown) => void = () => undefined;
  #endedAt = 0;
  /** Files of segments that are forgotten are removed. */
  #removesFiles: boolean;
  /** The playlist's file is another output's. */
  #left = false;
  #join = false;
  #lastCutAt = 0;
  #revision = 0;
  #made = 0;
  #item: HlsPlaylistItem | undefined;
  #tracks: FinishedSegment['tracks'] = { video: undefined, audio: undefined };

  constructor(options: HlsOutputOptions) {
    this.#options = options;
    const { id, config, paths, disk, log, registry, limits } = options;
    this.#boot = options.now().toString(36);
    this.#removesFiles = config.cleanup;
    // 0 is not a target duration that players can reload a playlist by.
    const target = Math.max(1, leastTargetDuration((config.fragmentMs * config.targetDurationRatio) / 1000));
    this.#window = new PlaylistWindow(config.windowMs, limits, target);
    this.#listed = new PlaylistWindow(config.windowMs, limits, target);
    this.#keys = new KeyRing(config.fragmentsPerKey);
    this.#fault = new Fault(log, `hls ${id.app}/${id.stream}`);
    this.#store = new SegmentStore({
      stream: id,
      registry,
      memory: options.memory,
      maxBytes: config.storage === 'disk' ? config.ramBytes : Infinity,
      maxRetired: limits.maxRetiredSegments,
      maxRetiredBytes: limits.maxRetiredBytes,
      lingerMs: () => this.#window.targetDuration * 1000 * LINGER_TARGET_DURATIONS,
      onForgotten: (segment, key) => this.#forgotten(segment, key),
    });
    if (config.storage !== 'ram') {
      this.#writer = new DiskWriter({
        disk,
        fault: this.#fault,
        playlistFile: paths.playlist.file,
        window: this.#listed,
        text: (window) => playlistText(window, config),
        maxPendingBytes: limits.maxPendingBytes,
        maxPendingJobs: limits.maxPendingJobs,
        writesAll: !config.cleanup,
        after: options.after,
        onPlaced: (segment) => this.#placed(segment),
        onListed: (segment, readyMs) => this.#announce(segment, readyMs),
        onError: (error) => this.#onError(error),
      });
    }
    registry.add(id.vhost, paths.playlist, this.#provider);
    registry.own(paths.playlist, id);
    if (options.goOnFrom !== undefined) this.#goOnFrom(options.goOnFrom.discontinuitySequence);
    this.#numbering = new Numbering({
      ...options,
      onNumbered: (finished, number) => this.#append(finished, number),
      onRecovered: (found, inTime) => this.#recovered(found, inTime),
    });
  }

  get fault(): FaultState | undefined {
    return this.#fault.current;
  }

  /** Segments in the playlist. */
  get segments(): number {
    return this.#window.entries.length;
  }

  /** Whether the playlist can be played. */
  get ready(): boolean {
    // Before this run has made a segment, what is on disk may be of another time.
    return this.#made > 0 && this.#window.entries.length > 0;
  }

  /** The number of the next segment. */
  get nextSequence(): number {
    return this.#numbering.known ? this.#numbering.next.sequence : 0;
  }

  /** Bytes of segments in memory. */
  get bytesInMemory(): number {
    return this.#store.bytes;
  }

  /** Whether somebody publishes. */
  get live(): boolean {
    return this.#owner !== undefined;
  }

  /** Where the numbers of the stream's next output go on. */
  get numbersLeft(): NumbersLeft {
    const listed = this.#window.entries.filter(({ discontinuity }) => discontinuity).length;
    return { next: this.#numbering.next, discontinuitySequence: this.#window.discontinuitySequence + listed };
  }

  /** Whether a publisher with this configuration goes on with this output. */
  fits(config: VhostConfig['hls'], paths: HlsPaths): boolean {
    const mine = this.#options;
    const same = mine.config === config || JSON.stringify(mine.config) === JSON.stringify(config);
    return same && mine.paths.playlist.file === paths.playlist.file;
  }

  /**
   * A publisher begins. The one before, if there is one still, has nothing to say any more.
   *
   * @param onError - something could not be written
   */
  begin(owner: object, onError: (error: unknown) => void): void {
    const { now, config } = this.#options;
    this.#owner = owner;
    this.#onError = onError;
    this.#numbering.restart();
    this.#tracks = { video: undefined, audio: undefined };
    // What is long past is no part of a live playlist.
    if (this.#lastCutAt > 0 && now() - this.#lastCutAt > config.windowMs + this.#keepMs) {
      this.#store.retire(this.#window.clear(), now());
    }
    if (this.#made > 0) this.#join = true;
  }

  /** The publisher has gone. */
  end(owner: object): void {
    if (this.#owner !== owner) return;
    this.#owner = undefined;
    this.#onError = () => undefined;
    this.#endedAt = this.#options.now();
  }

  /** How much longer than a fragment the segment that begins now should be, ms (L006). */
  deviationMs(): number {
    return this.#numbering.deviationMs();
  }

  /** Takes the next segment: it is in the playlist at once, and on its way to the disk. */
  add(owner: object, finished: FinishedSegment): void {
    if (this.#owner === owner) this.#numbering.number(finished);
  }

  #append(finished: FinishedSegment, number: SegmentNumber): void {
    const { config, paths, now } = this.#options;
    const at = new Date(finished.startedAt);
    const encryption = config.keys ? this.#keys.next(() => paths.key(number.name, at)) : undefined;
    const key = encryption?.key.bytes;
    const bytes =
      encryption === undefined || key === undefined
        ? finished.bytes
        : encrypt(finished.bytes, key, encryption.iv);
    if (bytes !== finished.bytes) this.#options.memory.give(finished.bytes);
    const segment: HlsSegment = {
      sequence: number.sequence,
      name: paths.segment(number.name, at),
      durationMs: finished.durationMs,
      size: bytes.length,
      programDateTime: finished.programDateTime,
      encryption,
      independent: finished.independent,
      bytes,
      place: 'memory',
      forgotten: false,
    };
    const discontinuity = finished.discontinuity || this.#join;
    this.#join = false;
    this.#tracks = finished.tracks;
    this.#foreseeTargetDuration();
    const removed = this.#window.push(segment, discontinuity);
    this.#lastCutAt = now();
    this.#made += 1;
    this.#store.add(segment);
    this.#store.retire(removed, this.#lastCutAt);
    this.#store.expire(this.#lastCutAt);
    this.#changed();
    const first = this.#window.entries[0]?.segment.sequence ?? segment.sequence;
    if (this.#writer === undefined) this.#announce(segment, 0);
    else this.#writer.add(segment, bytes, discontinuity, first);
    this.#store.trim();
  }

  /**
   * Does what time asks for.
   *
   * @returns true when the output can be forgotten: its publisher has gone long ago
   */
  sweep(): boolean {
    const now = this.#options.now();
    const { disposeMs } = this.#options.config;
    this.#store.expire(now);
    this.#writer?.retry();
    if (this.live) return false;
    const idle = now - this.#endedAt;
    if (disposeMs > 0 && idle >= disposeMs) {
      this.dispose();
      return true;
    }
    if (idle < this.#keepMs) return false;
    this.#store.release();
    // Files that are to be disposed of have to be known until then.
    return disposeMs === 0 && this.#store.retired.length === 0;
  }

  /** Removes playlist, segments and keys, from memory and from disk (L022). */
  dispose(): void {
    this.#removesFiles = true;
    if (!this.#left) this.#writer?.remove(this.#options.paths.playlist.file);
    this.#listed.clear();
    this.#letGoOfAll();
  }

  /** Leaves the disk as it is, and the memory to others. */
  forget(): void {
    this.#removesFiles = false;
    this.#letGoOfAll();
  }

  /** Another output takes over the stream: what this one has listed is removed when nobody asks for it any more. */
  leave(): void {
    const { registry, id, paths, now } = this.#options;
    this.#left = true;
    this.#owner = undefined;
    this.#endedAt = now();
    this.#store.retire(this.#window.clear(), now());
    registry.remove(id.vhost, paths.playlist, this.#provider);
    registry.disown(paths.playlist, id);
  }

  /** At the end of the server: the last files are written, or, with `hls_dispose`, removed (L022). */
  async finish(): Promise<void> {
    if (this.#options.config.disposeMs > 0) this.dispose();
    else this.forget();
    await this.settled();
  }

  /** Resolves when everything is written that can be. */
  async settled(): Promise<void> {
    await this.#numbering.settled();
    await this.#writer?.settled();
  }

  #letGoOfAll(): void {
    const { registry, id, paths } = this.#options;
    this.#store.retire(this.#window.clear(), 0);
    this.#store.expireAll();
    registry.remove(id.vhost, paths.playlist, this.#provider);
    registry.disown(paths.playlist, id);
    this.#item = undefined;
  }

  get #keepMs(): number {
    return Math.max(2 * this.#options.config.windowMs, MIN_KEEP_MS);
  }

  /** What was published before has left so many discontinuities, and what comes does not follow on it. */
  #goOnFrom(discontinuitySequence: number, entries: readonly WindowEntry[] = []): void {
    for (const window of [this.#window, this.#listed]) window.goOnFrom(discontinuitySequence, entries);
    this.#join = true;
  }

  /** @param inTime - no segment has a number yet: the playlist goes on where it ended */
  #recovered({ entries, targetDuration, discontinuitySequence }: RecoveredPlaylist, inTime: boolean): void {
    const left = entries.map(({ segment }) => segment);
    for (const segment of left) this.#store.add(segment);
    if (!inTime) {
      this.#store.retire(left, this.#options.now());
      return;
    }
    for (const window of [this.#window, this.#listed]) window.raiseTargetDuration(targetDuration);
    this.#goOnFrom(discontinuitySequence, entries);
  }

  /** Pure audio is cut later, and the target duration should not have to grow (L003, L004). */
  #foreseeTargetDuration(): void {
    const { fragmentMs, audioOverflowRatio, waitKeyframe } = this.#options.config;
    if (this.#tracks.video !== undefined || !waitKeyframe) return;
    for (const window of [this.#window, this.#listed]) {
      window.raiseTargetDuration((fragmentMs * audioOverflowRatio + AUDIO_FRAME_MS) / 1000);
    }
  }

  #placed(segment: HlsSegment): void {
    if (segment.forgotten) this.#forgotten(segment, undefined);
    this.#store.trim();
  }

  #forgotten(segment: HlsSegment, lastOfKey: SegmentKey | undefined): void {
    if (!this.#removesFiles || this.#writer === undefined) return;
    // A template without a number gives all segments one name, which is still in use.
    const shared = this.#window.entries.some((entry) => entry.segment.name.file === segment.name.file);
    if (segment.place === 'disk' && !shared) this.#writer.remove(segment.name.file);
    if (lastOfKey !== undefined) this.#writer.remove(lastOfKey.name.file);
  }

  #announce(segment: HlsSegment, readyMs: number): void {
    const { id, paths, config, onSegment } = this.#options;
    const { file, path, uri } = segment.name;
    onSegment({
      stream: id,
      file,
      url: config.entryPrefix === '' ? path.split('/').map(encodeURIComponent).join('/') : uri,
      uri,
      durationMs: segment.durationMs,
      sequence: segment.sequence,
      playlist: paths.playlist.file,
      playlistUrl: paths.playlist.uri,
      readyMs,
    });
  }

  #changed(): void {
    this.#revision += 1;
    this.#item = undefined;
  }

  /** The playlist, once this run has made a segment: before, what is on disk is as good. */
  #playlistItem(): HlsPlaylistItem | undefined {
    if (!this.ready) return undefined;
    const { id, config } = this.#options;
    this.#item ??= playlistItem({
      stream: id,
      config,
      window: this.#window,
      tracks: this.#tracks,
      version: `${this.#boot}-${this.#revision}`,
    });
    return this.#item;
  }
}
