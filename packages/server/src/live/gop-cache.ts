import { type Frame, FrameKind } from './frame.ts';
import { gopFrameLimit } from './limits.ts';

/** Audio frames without a video frame among them, after which a stream counts as pure audio (O004). */
export const PURE_AUDIO_FRAMES = 115;

/** How many frames from a GOP's start are looked at for its earliest timestamp. */
const BASE_FRAMES = 16;
/** Bytes of one block of memory; a longer body gets a block of its own. */
const BLOCK_BYTES = 16_384;
/** Blocks kept for the next GOP of a stream, so that memory once taken is used again. */
const MAX_SPARE_BLOCKS = 16;

/** Numbers kept of a frame: facts, timestamp, block, offset, length. */
const FIELDS = 5;
/** What the numbers kept of a frame cost, bytes. */
const RECORD_BYTES = FIELDS * 8;
/** Facts of a frame in one number: its kind, a bit for keyframes, the codec's place in the list of codecs. */
const KEYFRAME_BIT = 0x100;
const CODEC_SHIFT = 9;

/**
 * The frames since the last keyframe, audio between them included: what a player that joins is given first.
 * Empty while the stream is pure audio, and from a GOP's overflow of a limit until its end.
 *
 * Most streams have a cache and few of them a player at a time, so bodies are copied into a few blocks that are
 * used again for the next GOP, and facts into one array of numbers: thousands of frames that live for seconds
 * would keep the garbage collector busier than all the rest of a publisher.
 */
export class GopCache {
  #maxBytes: number;
  #maxFrames: number;
  readonly #records: number[] = [];
  readonly #codecs: Frame['codec'][] = [];
  #count = 0;
  #blocks: Uint8Array[] = [];
  #spare: Uint8Array[] = [];
  #used = 0;
  #bytes = 0;
  #audiosSinceVideo = 0;
  #base: number | undefined;
  #zero: number | undefined;
  /** Views of the present GOP's blocks are out, so they are not used again. */
  #lent = false;

  /**
   * @param maxBytes - most bytes that are held, what is kept of each frame besides its body included; 0 turns the
   * cache off
   * @param maxFrames - most frames that are held; 0 is the most that the engine allows
   */
  constructor(maxBytes: number, maxFrames = 0) {
    this.#maxBytes = maxBytes;
    this.#maxFrames = gopFrameLimit(maxFrames);
  }

  /** Changes the limits; a GOP beyond them is dropped. */
  limit(maxBytes: number, maxFrames = 0): void {
    this.#maxBytes = maxBytes;
    this.#maxFrames = gopFrameLimit(maxFrames);
    if (this.#isOver(this.#bytes, this.#count)) this.clear();
  }

  /** Frames held; 0 when there is nothing to start from. */
  get size(): number {
    return this.#count;
  }

  /** No video has come for so long that the stream counts as pure audio. */
  get pureAudio(): boolean {
    return this.#audiosSinceVideo > PURE_AUDIO_FRAMES;
  }

  /** Bytes of the bodies held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The time, ms, that a player which starts with this GOP takes as its zero: the earliest among the GOP's
   * first frames, since audio that follows a keyframe may lie a little before it. Stays the same for the
   * GOP's life once asked for; undefined while the cache is empty.
   */
  get base(): number | undefined {
    if (this.#base !== undefined) return this.#base;
    for (let index = 0; index < this.#count && index < BASE_FRAMES; index += 1) {
      const timestamp = this.#records[index * FIELDS + 1] ?? 0;
      if (this.#base === undefined || timestamp < this.#base) this.#base = timestamp;
    }
    return this.#base;
  }

  /**
   * The zero, ms, of all players that start with this GOP; undefined while the cache is empty.
   *
   * @param zeroOf - makes it of {@link base}; asked once
   */
  zero(zeroOf: (base: number) => number): number | undefined {
    const { base } = this;
    if (base !== undefined) this.#zero ??= zeroOf(base);
    return this.#zero;
  }

  /** The frames held, a keyframe first. */
  frames(): readonly Frame[] {
    this.#lent = true;
    const frames: Frame[] = [];
    for (let index = 0; index < this.#count; index += 1) {
      const [facts = 0, timestamp = 0, block = 0, offset = 0, length = 0] = this.#records.slice(
        index * FIELDS,
        (index + 1) * FIELDS,
      );
      const body = this.#blocks[block]?.subarray(offset, offset + length);
      const codec = this.#codecs[facts >> CODEC_SHIFT];
      if (body === undefined || codec === undefined) break;
      const kind = (facts & 0xff) === FrameKind.video ? FrameKind.video : FrameKind.audio;
      const keyframe = (facts & KEYFRAME_BIT) !== 0;
      // Players go by the stream's timeline alone.
      frames.push({
        kind,
        timestamp,
        sourceTimestamp: timestamp,
        codec,
        keyframe,
        sequenceHeader: false,
        body,
      });
    }
    return frames;
  }

  /**
   * The body of the frame that {@link push} has just stored, in the cache's own memory. It is never changed
   * afterwards.
   */
  get lastBody(): Uint8Array | undefined {
    const at = (this.#count - 1) * FIELDS;
    const block = this.#blocks[this.#records[at + 2] ?? 0];
    const offset = this.#records[at + 3];
    const length = this.#records[at + 4];
    if (at < 0 || block === undefined || offset === undefined || length === undefined) return undefined;
    this.#lent = true;
    return block.subarray(offset, offset + length);
  }

  /**
   * Takes the next audio or video frame (sequence headers and data are not the cache's) and copies its body.
   *
   * @returns whether it was stored
   */
  push(frame: Frame): boolean {
    if (frame.kind === FrameKind.video) {
      this.#audiosSinceVideo = 0;
      if (frame.keyframe) this.clear();
    } else {
      this.#audiosSinceVideo += 1;
      if (this.pureAudio) this.clear();
    }
    if (this.#maxBytes === 0 || (this.#count === 0 && !frame.keyframe)) return false;
    this.#bytes += frame.body.length;
    if (this.#isOver(this.#bytes, this.#count + 1)) {
      this.clear();
      return false;
    }
    this.#store(frame);
    return true;
  }

  #isOver(bytes: number, frames: number): boolean {
    return frames > this.#maxFrames || bytes + frames * RECORD_BYTES > this.#maxBytes;
  }

  clear(): void {
    if (!this.#lent) {
      for (const block of this.#blocks) {
        if (block.length === BLOCK_BYTES && this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(block);
      }
    }
    this.#lent = false;
    this.#blocks = [];
    this.#used = 0;
    this.#count = 0;
    this.#bytes = 0;
    this.#base = undefined;
    this.#zero = undefined;
  }

  #store(frame: Frame): void {
    const { body, kind, codec, keyframe, timestamp } = frame;
    const { length } = body;
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || this.#used + length > block.length) {
      block = length <= BLOCK_BYTES ? this.#spare.pop() : undefined;
      block ??= new Uint8Array(Math.max(length, BLOCK_BYTES));
      this.#blocks.push(block);
      this.#used = 0;
    }
    block.set(body, this.#used);
    const at = this.#count * FIELDS;
    this.#count += 1;
    const records = this.#records;
    records[at] = kind | (keyframe ? KEYFRAME_BIT : 0) | (this.#codecIndex(codec) << CODEC_SHIFT);
    records[at + 1] = timestamp;
    records[at + 2] = this.#blocks.length - 1;
    records[at + 3] = this.#used;
    records[at + 4] = length;
    this.#used += length;
  }

  #codecIndex(codec: Frame['codec']): number {
    const known = this.#codecs.indexOf(codec);
    return known >= 0 ? known : this.#codecs.push(codec) - 1;
  }
}

/** The least timestamp, ms, among the first media frames; undefined when there is none. */
export function earliestTimestamp(frames: readonly Frame[]): number | undefined {
  let least: number | undefined;
  for (let index = 0; index < frames.length && index < BASE_FRAMES; index += 1) {
    const frame = frames[index];
    if (frame === undefined || frame.sequenceHeader || frame.kind === FrameKind.data) continue;
    if (least === undefined || frame.timestamp < least) least = frame.timestamp;
  }
  return least;
}
