import { copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  FlvReader,
  type FlvReaderOptions,
  type FlvTag,
  FlvTagType,
  parseAudioTagHeader,
  parseVideoTagHeader,
} from '../flv/index.ts';
import { Mp4AudioClock, Mp4Recording } from '../mp4/index.ts';
import { lengthPrefixed, readNalConfiguration } from './elementary-streams.ts';
import { FlvTimeline } from './flv-timeline.ts';
import { mp4AudioTrack, type Mp4TrackOfFlv, mp4VideoTrack } from './mp4-tracks.ts';
import { SkippedTags } from './skipped.ts';

/** What an {@link FlvToMp4} may be told. */
export interface FlvToMp4Options extends FlvReaderOptions {
  /**
   * Fragments all the way, for a stream without an end: {@link FlvToMp4.end} has no patch, and memory does not grow.
   * Default false.
   */
  readonly fragmented?: boolean;
  /** A fragment ends at the first keyframe after so many ms (without video, at any frame). Default 2000. */
  readonly fragmentMs?: number;
  /** How many ms of media are held to see which tracks there are: a file names them all at its start. Default 3000. */
  readonly maxTrackWaitMs?: number;
  /** The most bytes of media that are held for that, and in a fragment. Default 32 MiB. */
  readonly maxHeldBytes?: number;
}

/** The end of an MP4. */
export interface Mp4End {
  /** To be appended. */
  readonly pieces: readonly Uint8Array[];
  /**
   * To be written over earlier bytes, at its offset from the start of the file, after `pieces`: it makes an ordinary,
   * seekable MP4 of the fragments. Undefined with `fragmented`.
   */
  readonly patch: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
}

/** A coded frame, between the tag and its track. */
interface Coded {
  readonly type: typeof FlvTagType.audio | typeof FlvTagType.video;
  /** Decoding time on the file's own clock, ms. */
  readonly time: number;
  readonly compositionTime: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
}

/** A track, and what puts its frames into the file. */
interface Track extends Mp4TrackOfFlv {
  readonly id: number;
  /** Bytes of the lengths in front of NAL units; undefined for what has none. */
  readonly nalLengthSize: number | undefined;
  readonly clock: Mp4AudioClock | undefined;
}

const VIDEO_TRACK = 1;
const AUDIO_TRACK = 2;
const DEFAULT_FRAGMENT_MS = 2000;
const DEFAULT_TRACK_WAIT_MS = 3000;
const DEFAULT_HELD_BYTES = 32 * 1024 * 1024;
/** Without a keyframe a fragment ends after so many times its length. */
const LONGEST_FRAGMENT = 8;
/** Of frames without bytes, too, there are no more than that in a fragment. */
const MAX_FRAGMENT_SAMPLES = 65_536;
const MAX_SAMPLES_EVER = Number.MAX_SAFE_INTEGER;

/**
 * Turns an FLV file or live stream into MP4 as it comes: fragmented, or, with the patch of {@link end}, an ordinary
 * file. H.264, HEVC, AV1, AAC, MP3 and Opus, legacy or Enhanced RTMP. The file's zero is its first frame; video counts
 * in milliseconds, audio in samples, so that frames whose times FLV rounds are even again.
 */
export class FlvToMp4 {
  readonly #options: FlvToMp4Options;
  readonly #reader: FlvReader;
  readonly #timeline = new FlvTimeline();
  readonly #skipped = new SkippedTags();
  #video: Track | undefined;
  #audio: Track | undefined;
  /** Frames that wait until the tracks are known. */
  #held: Coded[] = [];
  #heldBytes = 0;
  #recording: Mp4Recording | undefined;
  #zero = 0;
  /** Which tracks the file has. */
  #hasVideo = false;
  #hasAudio = false;

  constructor(options: FlvToMp4Options = {}) {
    this.#options = options;
    this.#reader = new FlvReader(options);
  }

  /** Tags that MP4 can't hold, that can't be read, or whose track came too late, by their codec. */
  get skipped(): ReadonlyMap<string, number> {
    return this.#skipped.counts;
  }

  /**
   * Takes the next bytes, cut anywhere.
   *
   * @returns what is to be appended to the file, in memory of the caller's own; often nothing.
   * @throws MediaError as {@link FlvReader.write}; `unsupported` when a track's configuration changes, since a file
   * has one for each track: begin another file.
   */
  write(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (const tag of this.#reader.write(bytes)) this.#take(tag, pieces);
    return pieces;
  }

  /**
   * Ends the file; a tag that was cut off is left out.
   *
   * @throws MediaError as {@link FlvReader.end}; `unsupported` when there is no frame that MP4 can hold.
   */
  end(): Mp4End {
    this.#reader.end();
    const pieces: Uint8Array[] = [];
    if (this.#recording === undefined) this.#begin(pieces);
    const recording = this.#recording;
    if (recording === undefined) {
      const codecs = [...this.#skipped.counts.keys()].join(', ');
      throw new MediaError('unsupported', `no frame that MP4 can hold${codecs === '' ? '' : `: ${codecs}`}`);
    }
    this.#cut(recording, pieces);
    if (this.#options.fragmented === true) return { pieces, patch: undefined };
    const { tail, patch } = recording.finish();
    return { pieces: [...pieces, tail], patch };
  }

  #take(tag: FlvTag, pieces: Uint8Array[]): void {
    if (tag.type === FlvTagType.script) return;
    const isVideo = tag.type === FlvTagType.video;
    const coded = isVideo ? this.#readVideo(tag) : this.#readAudio(tag);
    if (coded === undefined) return;
    if (this.#recording !== undefined) {
      this.#add(this.#recording, coded, pieces);
      return;
    }
    this.#held.push(coded);
    this.#heldBytes += coded.data.length;
    if (this.#knowsTracks()) this.#begin(pieces);
  }

  #readVideo({ timestamp, body }: FlvTag): Coded | undefined {
    const header = parseVideoTagHeader(body);
    const type = FlvTagType.video;
    switch (header?.packetType) {
      case 'sequence-header': {
        const track = mp4VideoTrack(VIDEO_TRACK, body);
        if (track === undefined) break;
        const { codec, configuration } = track.config;
        const nal =
          codec === 'h264' || codec === 'hevc'
            ? readNalConfiguration(codec, body.subarray(header.dataOffset))
            : undefined;
        this.#video = this.#trackOf(track, codec, configuration, this.#video, nal?.nalLengthSize);
        return undefined;
      }
      case 'coded-frames': {
        if (this.#video?.config.codec !== header.codec) break;
        const { nalLengthSize } = this.#video;
        const payload = body.subarray(header.dataOffset);
        const data = nalLengthSize === undefined ? payload : lengthPrefixed(payload, nalLengthSize);
        if (data === undefined) break;
        if (data.length === 0) return undefined;
        const { compositionTime, keyframe } = header;
        return { type, time: this.#timeline.next(type, timestamp), compositionTime, keyframe, data };
      }
      case 'end-of-sequence':
      case 'metadata':
      case 'command':
        return undefined;
      default:
    }
    this.#skipped.add(header?.codec ?? 'unknown');
    return undefined;
  }

  #readAudio({ timestamp, body }: FlvTag): Coded | undefined {
    const header = parseAudioTagHeader(body);
    const type = FlvTagType.audio;
    const isHeader = header?.packetType === 'sequence-header';
    if (isHeader || (header?.codec === 'mp3' && this.#audio === undefined)) {
      const track = this.#audioTrack(body);
      if (track !== undefined) {
        this.#audio = this.#trackOf(
          track,
          track.config.codec,
          track.config.configuration,
          this.#audio,
          undefined,
        );
        if (isHeader) return undefined;
      }
    }
    if (header?.packetType === 'raw' && this.#audio?.config.codec === header.codec) {
      const data = body.subarray(header.dataOffset);
      if (data.length === 0) return undefined;
      return { type, time: this.#timeline.next(type, timestamp), compositionTime: 0, keyframe: true, data };
    }
    if (header?.packetType !== 'end-of-sequence') this.#skipped.add(header?.codec ?? 'unknown');
    return undefined;
  }

  #audioTrack(body: Uint8Array): Mp4TrackOfFlv | undefined {
    try {
      return mp4AudioTrack(AUDIO_TRACK, body);
    } catch (error) {
      if (error instanceof MediaError) return undefined;
      throw error;
    }
  }

  /** The track of a configuration: the one that is there when it is the same. */
  #trackOf(
    track: Mp4TrackOfFlv,
    codec: string,
    configuration: Uint8Array | undefined,
    before: Track | undefined,
    nalLengthSize: number | undefined,
  ): Track | undefined {
    const { id } = track.config;
    if (this.#recording !== undefined) {
      // A track that the file does not have: its frames are counted as skipped.
      if (before === undefined || !this.#isInFile(id)) return undefined;
      this.#recording.checkConfiguration(id, codec, configuration ?? new Uint8Array(0));
      return before;
    }
    const clock = track.frameSamples === undefined ? undefined : new Mp4AudioClock(track.timescale);
    return { ...track, id, nalLengthSize, clock };
  }

  #isInFile(id: number): boolean {
    return id === VIDEO_TRACK ? this.#hasVideo : this.#hasAudio;
  }

  #knowsTracks(): boolean {
    if (this.#video !== undefined && this.#audio !== undefined) return true;
    if (this.#heldBytes > (this.#options.maxHeldBytes ?? DEFAULT_HELD_BYTES)) return true;
    if (this.#held.length > MAX_FRAGMENT_SAMPLES) return true;
    const [first] = this.#held;
    const last = this.#held.at(-1);
    const heldMs = (last?.time ?? 0) - (first?.time ?? 0);
    return heldMs > (this.#options.maxTrackWaitMs ?? DEFAULT_TRACK_WAIT_MS);
  }

  /** Begins the file with the tracks that have frames or a header by now. */
  #begin(pieces: Uint8Array[]): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    const tracks = [this.#video, this.#audio].filter((track) => track !== undefined);
    if (held.length === 0 || tracks.length === 0) return;
    this.#hasVideo = this.#video !== undefined;
    this.#hasAudio = this.#audio !== undefined;
    this.#zero = held.reduce((least, { time }) => Math.min(least, time), Infinity);
    this.#recording = new Mp4Recording(
      tracks.map(({ config }) => config),
      this.#options.fragmented === true ? { maxSamples: MAX_SAMPLES_EVER } : {},
    );
    pieces.push(copyBytes(this.#recording.head));
    for (const coded of held) this.#add(this.#recording, coded, pieces);
  }

  #add(recording: Mp4Recording, coded: Coded, pieces: Uint8Array[]): void {
    const track = coded.type === FlvTagType.video ? this.#video : this.#audio;
    if (track === undefined) return;
    if (this.#isFragmentOver(recording, coded)) this.#cut(recording, pieces);
    const time = Math.max(0, coded.time - this.#zero);
    const { clock, frameSamples, id, timescale } = track;
    const dts =
      clock === undefined || frameSamples === undefined
        ? Math.round((time * timescale) / 1000)
        : clock.ticks(time, frameSamples);
    const offset = Math.round((coded.compositionTime * timescale) / 1000);
    recording.add(id, dts, offset, coded.keyframe, coded.data);
  }

  #isFragmentOver(recording: Mp4Recording, { type, keyframe, data }: Coded): boolean {
    const wanted = this.#options.fragmentMs ?? DEFAULT_FRAGMENT_MS;
    const isCut = this.#video === undefined || (type === FlvTagType.video && keyframe);
    const longest = isCut ? wanted : wanted * LONGEST_FRAGMENT;
    const maxBytes = this.#options.maxHeldBytes ?? DEFAULT_HELD_BYTES;
    return (
      recording.pendingSamples > 0 &&
      (recording.pendingDuration >= longest ||
        recording.pendingBytes + data.length > maxBytes ||
        recording.pendingSamples >= MAX_FRAGMENT_SAMPLES)
    );
  }

  #cut(recording: Mp4Recording, pieces: Uint8Array[]): void {
    const fragment = recording.cut();
    if (fragment === undefined) return;
    if (this.#options.fragmented === true) {
      pieces.push(...fragment.pieces);
      return;
    }
    // The recording uses its memory again.
    for (const piece of fragment.pieces) pieces.push(copyBytes(piece));
    recording.written(fragment);
  }
}
