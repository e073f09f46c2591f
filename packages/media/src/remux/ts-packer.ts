import {
  type DecoderConfiguration,
  NAL_LENGTH_BYTES,
  type Packet,
  type ParameterSets,
} from '../model/index.ts';
import {
  TS_MAX_AUDIO_BYTES,
  type TsAudioCodec,
  type TsCodecs,
  TS_MAX_DECODE_LEAD_MS,
  TsDecodeClock,
  TsMuxer,
  type TsVideoUnit,
} from '../mpegts/index.ts';

import { AdtsFramer, copyInto } from './adts-framer.ts';

/** An audio PES ends when its frames span more than this, ms, or at the most that its length can say. */
const AUDIO_SPAN_MS = 60;
/** The first buffer's size. */
const INITIAL_BYTES = 16 * 1024;
/** A taken buffer that is larger than its bytes by more than this is copied to its size. */
const MAX_SLACK = 1.25;

/** What a {@link TsPacker} may be told. */
export interface TsPackerOptions {
  /** Makes memory of a size; it need not be zeroed. Default: `new Uint8Array`. */
  readonly allocate?: ((size: number) => Uint8Array) | undefined;
}

/**
 * What became of a packet.
 *
 * - `written`: its bytes are there, or gathered with the audio around it.
 * - `ignored`: configurations (which are remembered), data, empty frames, and tracks that are not the first of their kind.
 * - `unsupported`: MPEG-TS has no place for the codec.
 * - `headerless`: it came before the configuration that it needs.
 * - `broken`: it can't be read.
 */
export type PackResult = 'written' | 'ignored' | 'unsupported' | 'headerless' | 'broken';

/**
 * Packs packets into one MPEG-TS, written straight into one growing buffer. Whatever the packets hold, nothing is
 * thrown: what can't be written is dropped and counted.
 */
export class TsPacker {
  readonly #muxer: TsMuxer;
  readonly #allocate: (size: number) => Uint8Array;
  readonly #decodeClock = new TsDecodeClock();
  /** What is added to all times, ms. */
  #shiftMs = 0;
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** How large the next buffer is made: what the last one turned out to need. */
  #wanted = INITIAL_BYTES;
  /** Parameter sets as a decoder wants them, and those of the configuration that they were taken from. */
  #parameterSets: readonly Uint8Array[] = [];
  #parameterSetsOf: ParameterSets | undefined;
  #adts: AdtsFramer | 'broken' | 'unsupported' | undefined;
  /** The AudioSpecificConfig that the ADTS header was made of. */
  #adtsOf: Uint8Array | undefined;
  /** Whole ADTS or MP3 frames that wait for their PES. */
  #audio: Uint8Array = new Uint8Array(0);
  #audioLength = 0;
  #audioStart = 0;
  #tablesDue = true;
  #dropped = 0;

  /** @param announced - what the PMT tells before a frame or a header has told better */
  constructor(announced: TsCodecs, options: TsPackerOptions = {}) {
    this.#muxer = new TsMuxer(announced);
    this.#allocate = options.allocate ?? ((size) => new Uint8Array(size));
  }

  /** What the PMT tells now. */
  get codecs(): TsCodecs {
    return this.#muxer.codecs;
  }

  /** Bytes since the last {@link take}; audio that waits for its PES is not among them. */
  get length(): number {
    return this.#length;
  }

  /** Frames that were `broken`, `headerless` or `unsupported` so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Changes what the PMT tells; tables are written before the next frame. */
  announce(codecs: TsCodecs): void {
    const { video, audio } = this.#muxer.codecs;
    if (codecs.video === video && codecs.audio === audio) return;
    this.flushAudio();
    this.#muxer.setCodecs(codecs);
    this.#tablesDue = true;
  }

  /**
   * Takes the next packet; its bytes are copied. Tables come first where none have been written yet or the codecs
   * have changed.
   */
  write(packet: Packet): PackResult {
    const { track, type } = packet;
    if (!track.primary || track.kind === 'data' || type === 'control') return 'ignored';
    let result: PackResult;
    if (track.kind === 'video') {
      if (track.codec !== 'h264' && track.codec !== 'hevc') result = 'unsupported';
      else if (type === 'configuration') result = this.#configureVideo(packet, track.codec);
      else result = this.#writeVideo(packet, track.codec);
    } else if (track.codec !== 'aac' && track.codec !== 'mp3') result = 'unsupported';
    else if (type === 'configuration') result = this.#configureAudio(packet, track.codec);
    else result = this.#writeAudio(packet, track.codec);
    if (result !== 'written' && result !== 'ignored') this.#dropped += 1;
    return result;
  }

  /** Writes PAT and PMT. */
  writeTables(): void {
    this.#reserve(this.#muxer.tablesSize());
    this.#length = this.#muxer.writeTables(this.#buffer, this.#length);
    this.#tablesDue = false;
  }

  /** Writes the audio that has been gathered as one PES. */
  flushAudio(): void {
    if (this.#audioLength === 0) return;
    if (this.#tablesDue) this.writeTables();
    const muxer = this.#muxer;
    const unit = {
      pts: this.#audioStart + this.#shiftMs,
      pcr: muxer.codecs.video === undefined,
      pieces: [this.#audio.subarray(0, this.#audioLength)],
    };
    this.#reserve(muxer.audioSize(unit));
    this.#length = muxer.writeAudio(this.#buffer, this.#length, unit);
    this.#audioLength = 0;
  }

  /** All bytes since the last take, audio included; the memory is the caller's. */
  take(): Uint8Array {
    this.flushAudio();
    const buffer = this.#buffer;
    const length = this.#length;
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    this.#wanted = Math.max(INITIAL_BYTES, Math.ceil(length * 1.125));
    // What is taken may be kept for long.
    const taken = buffer.subarray(0, length);
    return length * MAX_SLACK < buffer.length ? new Uint8Array(taken) : taken;
  }

  /**
   * Moves all bytes since the last take to `target`; the caller has called {@link flushAudio} and has seen to it
   * that {@link length} bytes fit.
   */
  moveTo(target: Uint8Array, offset: number): void {
    target.set(this.#buffer.subarray(0, this.#length), offset);
    this.#length = 0;
  }

  #writeVideo(packet: Packet, codec: 'h264' | 'hevc'): PackResult {
    if (packet.payloadSize === 0) return 'ignored';
    const { keyframe } = packet;
    const { configuration, timescale } = packet.track;
    const data = packet.payload;
    if (data.length === 0) return 'broken';
    if (this.codecs.video !== codec) this.announce({ video: codec, audio: this.codecs.audio });
    const decode = millisecondsOf(packet.decodeTime, timescale);
    const presentation = millisecondsOf(packet.presentationTime, timescale);
    this.#makeRoom(presentation);
    const pts = presentation + this.#shiftMs;
    const dts = this.#decodeClock.next(decode + this.#shiftMs, pts);
    const parameterSets = this.#parameterSetsIn(configuration?.parameterSets);
    const unit: TsVideoUnit = { dts, pts, keyframe, data, nalLengthSize: NAL_LENGTH_BYTES, parameterSets };
    const size = this.#muxer.videoSize(unit);
    if (size === 0) return 'ignored';
    if (keyframe) this.flushAudio();
    if (this.#tablesDue) this.writeTables();
    this.#reserve(size);
    this.#length = this.#muxer.writeVideo(this.#buffer, this.#length, unit);
    return 'written';
  }

  #parameterSetsIn(sets: ParameterSets | undefined): readonly Uint8Array[] {
    if (sets !== this.#parameterSetsOf) {
      this.#parameterSetsOf = sets;
      this.#parameterSets = sets === undefined ? [] : [...sets.vps, ...sets.sps, ...sets.pps];
    }
    return this.#parameterSets;
  }

  /** Moves all times on when the first pictures are shown before 0, which no PTS can be. */
  #makeRoom(pts: number): void {
    const before = -pts - this.#shiftMs;
    if (before > 0 && before <= TS_MAX_DECODE_LEAD_MS) {
      this.flushAudio();
      this.#shiftMs += before;
    }
  }

  #configureVideo({ track }: Packet, codec: 'h264' | 'hevc'): PackResult {
    if (track.configuration?.readable !== true) return readProblem(track.configuration);
    this.announce({ video: codec, audio: this.codecs.audio });
    return 'ignored';
  }

  #writeAudio(packet: Packet, codec: TsAudioCodec): PackResult {
    const { body, payloadStart, payloadSize, track } = packet;
    if (payloadSize === 0) return 'ignored';
    const timestamp = millisecondsOf(packet.decodeTime, track.timescale);
    if (codec === 'mp3') {
      if (payloadSize > TS_MAX_AUDIO_BYTES) return 'broken';
      this.#gather(timestamp, codec, payloadSize);
      copyInto(this.#audio, this.#audioLength, body, payloadStart, packet.payloadEnd);
      this.#audioLength += payloadSize;
      return 'written';
    }
    const adts = this.#adtsFor(track.configuration?.record);
    if (adts === undefined || typeof adts === 'string') return adts ?? 'headerless';
    const size = adts.sizeOf(payloadSize);
    if (size === undefined) return 'broken';
    this.#gather(timestamp, codec, size);
    adts.write(this.#audio, this.#audioLength, body, payloadStart, packet.payloadEnd);
    this.#audioLength += size;
    return 'written';
  }

  #adtsFor(record: Uint8Array | undefined): AdtsFramer | 'broken' | 'unsupported' | undefined {
    if (record !== this.#adtsOf) {
      this.#adtsOf = record;
      this.#adts = record === undefined ? undefined : AdtsFramer.of(record);
    }
    return this.#adts;
  }

  #configureAudio({ track }: Packet, codec: TsAudioCodec): PackResult {
    if (codec === 'aac') {
      const adts = this.#adtsFor(track.configuration?.record);
      if (typeof adts === 'string') return adts;
    }
    this.announce({ video: this.codecs.video, audio: codec });
    return 'ignored';
  }

  /** Makes room for a frame of the PES that is being gathered, or of a new one. */
  #gather(timestamp: number, codec: TsAudioCodec, size: number): void {
    if (this.codecs.audio !== codec) this.announce({ video: this.codecs.video, audio: codec });
    const span = timestamp - this.#audioStart;
    if (span > AUDIO_SPAN_MS || span < 0 || this.#audioLength + size > TS_MAX_AUDIO_BYTES) this.flushAudio();
    if (this.#audioLength === 0) this.#audioStart = Math.max(0, timestamp);
    if (this.#audioLength + size > this.#audio.length) {
      this.#audio = this.#grown(
        this.#audio,
        this.#audioLength,
        Math.max(2048, 2 * (this.#audioLength + size)),
      );
    }
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    this.#buffer = this.#grown(this.#buffer, this.#length, Math.max(needed, this.#wanted, 2 * this.#length));
  }

  #grown(buffer: Uint8Array, used: number, size: number): Uint8Array {
    const larger = this.#allocate(size);
    larger.set(buffer.subarray(0, used));
    return larger;
  }
}

/** Ticks as ms, with their fraction. */
function millisecondsOf(ticks: number, timescale: number): number {
  return timescale === 1000 ? ticks : (ticks * 1000) / timescale;
}

/** A configuration in a form of another container is nothing that is wrong. */
function readProblem(configuration: DecoderConfiguration | undefined): PackResult {
  return configuration?.problem === undefined ? 'ignored' : 'broken';
}
