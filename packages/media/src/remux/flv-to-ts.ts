import { FlvPacketReader, FlvReader, type FlvReaderOptions, type FlvTag } from '../flv/index.ts';
import type { Packet } from '../model/index.ts';
import { FlvTimeline } from './flv-timeline.ts';
import { SkippedTags } from './skipped.ts';
import { type PackResult, TsPacker } from './ts-packer.ts';

/** Without a picture, tables come again after so many audio frames: some 3 seconds. */
const AUDIO_FRAMES_PER_TABLES = 125;

/**
 * Turns an FLV file or live stream into MPEG-TS as it comes. H.264 and HEVC, AAC and MP3, legacy or Enhanced RTMP; the
 * tables come before each keyframe. Holds one unfinished tag and 60 ms of audio.
 */
export class FlvToTs {
  readonly #reader: FlvReader;
  readonly #packets = new FlvPacketReader();
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
    const packets = this.#packets.read(type, timestamp, body);
    if (this.#packets.problem !== undefined) this.#skipped.add('unknown');
    for (const packet of packets) this.#write(packet);
  }

  #write(packet: Packet): void {
    const { kind } = packet.track;
    if (kind === 'data') return;
    const isVideo = kind === 'video';
    if (packet.keyframe) this.#tables();
    const timed =
      packet.type === 'media' ? packet.at(this.#timeline.next(isVideo, packet.timestamp)) : packet;
    this.#note(this.#packer.write(timed), packet);
    if (isVideo) return;
    this.#audioFrames += 1;
    const isAudioOnly = this.#packer.codecs.video === undefined;
    if (isAudioOnly && this.#audioFrames % AUDIO_FRAMES_PER_TABLES === 0) this.#tables();
  }

  #tables(): void {
    const { codecs } = this.#packer;
    if (codecs.video === undefined && codecs.audio === undefined) return;
    this.#packer.flushAudio();
    this.#packer.writeTables();
  }

  #note(result: PackResult, { track }: Packet): void {
    if (result === 'unsupported' || result === 'broken' || !track.primary) this.#skipped.add(track.codec);
  }
}
