import { copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { FlvPacketReader, FlvReader, type FlvReaderOptions, type FlvTag } from '../flv/index.ts';
import type { Packet } from '../model/index.ts';
import { Mp4AudioClock, Mp4Recording } from '../mp4/index.ts';
import { FlvTimeline } from './flv-timeline.ts';
import { type Mp4StreamTrack, mp4TrackOf } from './mp4-tracks.ts';
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
  readonly isVideo: boolean;
  /** Decoding time on the file's own clock, ms. */
  readonly time: number;
  readonly compositionTime: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
}

/** A track, and what puts its frames into the file. */
interface FileTrack extends Mp4StreamTrack {
  readonly id: number;
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
  readonly #packets = new FlvPacketReader();
  readonly #timeline = new FlvTimeline();
  readonly #skipped = new SkippedTags();
  #video: FileTrack | undefined;
  #audio: FileTrack | undefined;
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

  #take({ type, timestamp, body }: FlvTag, pieces: Uint8Array[]): void {
    const packets = this.#packets.read(type, timestamp, body);
    if (this.#packets.problem !== undefined) this.#skipped.add('unknown');
    for (const packet of packets) this.#takePacket(packet, pieces);
  }

  #takePacket(packet: Packet, pieces: Uint8Array[]): void {
    const { kind, codec, primary } = packet.track;
    if (kind === 'data' || packet.type === 'control') return;
    const coded = primary ? this.#read(packet, kind === 'video') : 'skipped';
    if (coded === 'skipped') this.#skipped.add(codec);
    if (coded === 'skipped' || coded === undefined) return;
    if (this.#recording !== undefined) {
      this.#add(this.#recording, coded, pieces);
      return;
    }
    this.#held.push(coded);
    this.#heldBytes += coded.data.length;
    if (this.#knowsTracks()) this.#begin(pieces);
  }

  /** The frame of a packet; undefined for a configuration, which is remembered, and for a frame without bytes. */
  #read(packet: Packet, isVideo: boolean): Coded | 'skipped' | undefined {
    const isConfiguration = packet.type === 'configuration';
    const known = isVideo ? this.#video : this.#audio;
    if (isConfiguration || (packet.track.codec === 'mp3' && known === undefined)) {
      const track = mp4TrackOf(isVideo ? VIDEO_TRACK : AUDIO_TRACK, packet);
      if (track === undefined) return 'skipped';
      const next = this.#trackOf(track, known);
      if (isVideo) this.#video = next;
      else this.#audio = next;
      if (isConfiguration) return undefined;
    }
    const track = isVideo ? this.#video : this.#audio;
    if (track?.config.codec !== packet.track.codec) return 'skipped';
    if (packet.payloadSize === 0) return undefined;
    const data = packet.payload;
    if (data.length === 0) return 'skipped';
    const time = this.#timeline.next(isVideo, packet.timestamp);
    const { compositionOffset } = packet;
    return { isVideo, time, compositionTime: compositionOffset, keyframe: !isVideo || packet.keyframe, data };
  }

  /** The track of a configuration: the one that is there when it is the same. */
  #trackOf(track: Mp4StreamTrack, before: FileTrack | undefined): FileTrack | undefined {
    const { id, codec, configuration } = track.config;
    if (this.#recording !== undefined) {
      // A track that the file does not have: its frames are counted as skipped.
      if (before === undefined || !this.#isInFile(id)) return undefined;
      this.#recording.checkConfiguration(id, codec, configuration ?? new Uint8Array(0));
      return before;
    }
    const clock = track.frameSamples === undefined ? undefined : new Mp4AudioClock(track.timescale);
    return { ...track, id, clock };
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
    const track = coded.isVideo ? this.#video : this.#audio;
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

  #isFragmentOver(recording: Mp4Recording, { isVideo, keyframe, data }: Coded): boolean {
    const wanted = this.#options.fragmentMs ?? DEFAULT_FRAGMENT_MS;
    const isCut = this.#video === undefined || (isVideo && keyframe);
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
