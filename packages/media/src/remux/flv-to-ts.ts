import {
  FlvReader,
  type FlvReaderOptions,
  type FlvTag,
  FlvTagType,
  parseAudioTagHeader,
  parseVideoTagHeader,
} from '../flv/index.ts';
import { FlvTimeline } from './flv-timeline.ts';
import { SkippedTags } from './skipped.ts';
import { TsPacker } from './ts-packer.ts';

/** Without a picture, tables come again after so many audio frames: some 3 seconds. */
const AUDIO_FRAMES_PER_TABLES = 125;

/**
 * Turns an FLV file or live stream into MPEG-TS as it comes. H.264 and HEVC, AAC and MP3, legacy or Enhanced RTMP; the
 * tables come before each keyframe. Holds one unfinished tag and 60 ms of audio.
 */
export class FlvToTs {
  readonly #reader: FlvReader;
  readonly #timeline = new FlvTimeline();
  readonly #packer = new TsPacker({});
  readonly #skipped = new SkippedTags();
  #audioFrames = 0;

  constructor(options: FlvReaderOptions = {}) {
    this.#reader = new FlvReader(options);
  }

  /** Audio and video tags that MPEG-TS can't carry, or that can't be read, by their codec. */
  get skipped(): ReadonlyMap<string, number> {
    return this.#skipped.counts;
  }

  /**
   * Takes the next bytes, cut anywhere.
   *
   * @returns whole packets of 188 bytes, in memory of the caller's own; often empty.
   * @throws MediaError as {@link FlvReader.write}.
   */
  write(bytes: Uint8Array): Uint8Array {
    for (const tag of this.#reader.write(bytes)) this.#take(tag);
    const packets = new Uint8Array(this.#packer.length);
    this.#packer.moveTo(packets, 0);
    return packets;
  }

  /**
   * Ends the stream; a tag that was cut off is left out.
   *
   * @throws MediaError as {@link FlvReader.end}.
   */
  end(): Uint8Array {
    this.#reader.end();
    return this.#packer.take();
  }

  #take({ type, timestamp, body }: FlvTag): void {
    if (type === FlvTagType.script) return;
    const packer = this.#packer;
    if (type === FlvTagType.video) {
      const header = parseVideoTagHeader(body);
      const codec = header?.codec ?? 'unknown';
      if (header?.keyframe === true) this.#tables();
      const time = header?.packetType === 'coded-frames' ? this.#timeline.next(type, timestamp) : timestamp;
      this.#note(packer.write({ kind: type, timestamp: time, codec, body }), codec);
      return;
    }
    const header = parseAudioTagHeader(body);
    const codec = header?.codec ?? 'unknown';
    const time = header?.packetType === 'raw' ? this.#timeline.next(type, timestamp) : timestamp;
    this.#note(packer.write({ kind: type, timestamp: time, codec, body }), codec);
    this.#audioFrames += 1;
    if (packer.codecs.video === undefined && this.#audioFrames % AUDIO_FRAMES_PER_TABLES === 0)
      this.#tables();
  }

  #tables(): void {
    const { codecs } = this.#packer;
    if (codecs.video === undefined && codecs.audio === undefined) return;
    this.#packer.flushAudio();
    this.#packer.writeTables();
  }

  #note(result: ReturnType<TsPacker['write']>, codec: string): void {
    if (result === 'unsupported' || result === 'broken') this.#skipped.add(codec);
  }
}
