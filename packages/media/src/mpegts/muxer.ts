import { MediaError } from '../errors.ts';
import { accessUnitSize, type TsVideoUnit, writeAccessUnit } from './access-unit.ts';
import {
  TS_NULL_PID,
  TS_PACKET_BYTES,
  TS_PAT_PID,
  type TsAudioCodec,
  type TsCodecs,
  TsPid,
  TsStreamType,
  type TsVideoCodec,
} from './constants.ts';
import { pesPacketsSize, spreadPes, writeSectionPacket } from './packets.ts';
import { TS_PES_FIXED_BYTES, TS_PES_MAX_PAYLOAD_BYTES, TsStreamId, writePesHeader } from './pes.ts';
import { buildPat, buildPmt, type TsPmtStream } from './psi.ts';
import { ticksOfMs, TS_TIMESTAMP_BYTES } from './timestamp.ts';

/** Audio frames that go into one PES packet. */
export interface TsAudioUnit {
  /** Presentation time of the first frame in ms, 0 or more; it may have a fraction, and may grow without end. */
  readonly pts: number;
  /** True when the program has no video, so that its clock is told by the audio. */
  readonly pcr: boolean;
  /** Whole ADTS or MP3 frames, at most {@link TS_MAX_AUDIO_BYTES} together. Read during the call only. */
  readonly pieces: readonly Uint8Array[];
}

/** The most bytes of audio that go into one PES packet, whose length must be told. */
export const TS_MAX_AUDIO_BYTES = TS_PES_MAX_PAYLOAD_BYTES;
/** Bytes of PAT and PMT, a packet each. */
export const TS_TABLES_BYTES = 2 * TS_PACKET_BYTES;

const PROGRAM_NUMBER = 1;
const TRANSPORT_STREAM_ID = 1;
const NO_DESCRIPTORS = new Uint8Array(0);
const ONLY_SECTION = { current: true, sectionNumber: 0, lastSectionNumber: 0 } as const;
const PTS_HEADER_BYTES = TS_PES_FIXED_BYTES + TS_TIMESTAMP_BYTES;

/**
 * Writes an MPEG transport stream of one program (ISO/IEC 13818-1) into memory of the caller:
 * it asks for the size, takes the room, and has the bytes written there, once.
 *
 * Every picture carries a PCR, which is its DTS; so does audio that asks for it. The continuity counters run on
 * over whatever the caller cuts the stream into.
 */
export class TsMuxer {
  #codecs: TsCodecs;
  #version = 0;
  readonly #pat: Uint8Array;
  #pmt: Uint8Array;
  #patCounter = 0;
  #pmtCounter = 0;
  #videoCounter = 0;
  #aacCounter = 0;
  #mp3Counter = 0;

  /** @param codecs What the first PMT announces. */
  constructor(codecs: TsCodecs) {
    this.#codecs = codecs;
    this.#pat = buildPat({
      transportStreamId: TRANSPORT_STREAM_ID,
      version: 0,
      ...ONLY_SECTION,
      programs: [{ programNumber: PROGRAM_NUMBER, pid: TsPid.pmt }],
    });
    this.#pmt = pmtOf(codecs, 0);
  }

  /** What the PMT announces. */
  get codecs(): TsCodecs {
    return this.#codecs;
  }

  /** Announces other codecs from the next tables on, in a PMT of a new version; the same ones change nothing. */
  setCodecs(codecs: TsCodecs): void {
    if (codecs.video === this.#codecs.video && codecs.audio === this.#codecs.audio) return;
    this.#codecs = codecs;
    this.#version = (this.#version + 1) & 0x1f;
    this.#pmt = pmtOf(codecs, this.#version);
  }

  /** Bytes of PAT and PMT. */
  tablesSize(): number {
    return TS_TABLES_BYTES;
  }

  /**
   * Writes PAT and PMT.
   *
   * @returns the offset behind them.
   * @throws MediaError `short-read` when `target` has no room for them.
   */
  writeTables(target: Uint8Array, offset: number): number {
    checkRoom(target, offset, TS_TABLES_BYTES);
    let end = writeSectionPacket(target, offset, TS_PAT_PID, this.#patCounter, this.#pat);
    end = writeSectionPacket(target, end, TsPid.pmt, this.#pmtCounter, this.#pmt);
    this.#patCounter = (this.#patCounter + 1) & 0x0f;
    this.#pmtCounter = (this.#pmtCounter + 1) & 0x0f;
    return end;
  }

  /**
   * Bytes that {@link writeVideo} writes for the picture: whole packets. 0 when the picture has no NAL units
   * beside delimiters and parameter sets.
   *
   * @throws MediaError `short-read` when a NAL unit's length says more than the data holds, `bad-value` when the
   * lengths' size is not 1, 2 or 4 or the codecs have no video.
   */
  videoSize(unit: TsVideoUnit): number {
    const bytes = accessUnitSize(this.#videoCodec(), unit);
    return bytes === 0 ? 0 : pesPacketsSize(videoHeaderBytes(unit) + bytes, true);
  }

  /**
   * Writes a picture.
   *
   * @returns the offset behind it.
   * @throws MediaError as {@link videoSize}, and `short-read` when `target` has no room for it. Then nothing is
   * written, and no counter has moved.
   */
  writeVideo(target: Uint8Array, offset: number, unit: TsVideoUnit): number {
    const codec = this.#videoCodec();
    const payloadLength = accessUnitSize(codec, unit);
    if (payloadLength === 0) return offset;
    const pesBytes = videoHeaderBytes(unit) + payloadLength;
    const end = offset + pesPacketsSize(pesBytes, true);
    checkRoom(target, offset, end - offset);
    const dts = ticksOfMs(unit.dts);
    const pts = ticksOfMs(unit.pts);
    const payload = writePesHeader(target, end - pesBytes, {
      streamId: TsStreamId.video,
      payloadLength,
      dataAlignment: true,
      pts,
      dts: pts === dts ? undefined : dts,
    });
    writeAccessUnit(target, payload, codec, unit);
    const counter = this.#videoCounter;
    this.#videoCounter = spreadPes(target, offset, end, pesBytes, TsPid.video, counter, dts, unit.keyframe);
    return end;
  }

  /**
   * Bytes that {@link writeAudio} writes for the frames: whole packets. 0 when there are none.
   *
   * @throws MediaError `limit-exceeded` for more than {@link TS_MAX_AUDIO_BYTES}.
   */
  audioSize(unit: TsAudioUnit): number {
    const bytes = audioBytes(unit);
    return bytes === 0 ? 0 : pesPacketsSize(PTS_HEADER_BYTES + bytes, unit.pcr);
  }

  /**
   * Writes audio frames as one PES packet.
   *
   * @returns the offset behind it.
   * @throws MediaError as {@link audioSize}, `short-read` when `target` has no room for it, `bad-value` when the
   * codecs have no audio. Then nothing is written, and no counter has moved.
   */
  writeAudio(target: Uint8Array, offset: number, unit: TsAudioUnit): number {
    const codec = this.#audioCodec();
    const payloadLength = audioBytes(unit);
    if (payloadLength === 0) return offset;
    const pesBytes = PTS_HEADER_BYTES + payloadLength;
    const end = offset + pesPacketsSize(pesBytes, unit.pcr);
    checkRoom(target, offset, end - offset);
    const pts = ticksOfMs(unit.pts);
    let to = writePesHeader(target, end - pesBytes, {
      streamId: TsStreamId.audio,
      payloadLength,
      dataAlignment: true,
      pts,
      dts: undefined,
    });
    for (const piece of unit.pieces) {
      target.set(piece, to);
      to += piece.length;
    }
    const pcr = unit.pcr ? pts : undefined;
    if (codec === 'aac') {
      const counter = this.#aacCounter;
      this.#aacCounter = spreadPes(target, offset, end, pesBytes, TsPid.aac, counter, pcr, true);
    } else {
      const counter = this.#mp3Counter;
      this.#mp3Counter = spreadPes(target, offset, end, pesBytes, TsPid.mp3, counter, pcr, true);
    }
    return end;
  }

  #videoCodec(): TsVideoCodec {
    const { video } = this.#codecs;
    if (video === undefined) throw new MediaError('bad-value', 'a picture for a program that has no video');
    return video;
  }

  #audioCodec(): TsAudioCodec {
    const { audio } = this.#codecs;
    if (audio === undefined) throw new MediaError('bad-value', 'audio for a program that has none');
    return audio;
  }
}

function pmtOf(codecs: TsCodecs, version: number): Uint8Array {
  const streams: TsPmtStream[] = [];
  if (codecs.video !== undefined) {
    const streamType = codecs.video === 'h264' ? TsStreamType.h264 : TsStreamType.hevc;
    streams.push({ streamType, pid: TsPid.video, descriptors: NO_DESCRIPTORS });
  }
  if (codecs.audio !== undefined) {
    const aac = codecs.audio === 'aac';
    const streamType = aac ? TsStreamType.adtsAac : TsStreamType.mpeg1Audio;
    streams.push({ streamType, pid: aac ? TsPid.aac : TsPid.mp3, descriptors: NO_DESCRIPTORS });
  }
  return buildPmt({
    programNumber: PROGRAM_NUMBER,
    version,
    ...ONLY_SECTION,
    pcrPid: streams[0]?.pid ?? TS_NULL_PID,
    descriptors: NO_DESCRIPTORS,
    streams,
  });
}

/**
 * Whether the picture is shown at another time than it is decoded. Both times are compared as they are on the
 * wire.
 */
function hasOwnPts(unit: TsVideoUnit): boolean {
  return unit.pts !== unit.dts && ticksOfMs(unit.pts) !== ticksOfMs(unit.dts);
}

function videoHeaderBytes(unit: TsVideoUnit): number {
  return PTS_HEADER_BYTES + (hasOwnPts(unit) ? TS_TIMESTAMP_BYTES : 0);
}

function audioBytes(unit: TsAudioUnit): number {
  let bytes = 0;
  for (const piece of unit.pieces) bytes += piece.length;
  if (bytes > TS_MAX_AUDIO_BYTES) {
    throw new MediaError(
      'limit-exceeded',
      `${bytes} bytes of audio, a PES packet holds ${TS_MAX_AUDIO_BYTES}`,
    );
  }
  return bytes;
}

function checkRoom(target: Uint8Array, offset: number, bytes: number): void {
  if (target.length - offset < bytes) {
    throw new MediaError('short-read', `${bytes} bytes to write, room for ${target.length - offset}`);
  }
}
