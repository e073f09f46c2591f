import type { KeptPacket } from '@sluice/media/model';
import { TsMuxer } from '@sluice/media/mpegts';

import {
  type EncodedBatch,
  type FanOutFamily,
  type FanOutFormat,
  FRAMES_WITHOUT_TRACK,
  type MediaFaults,
  STOPPED_TRACK_MS,
  trackBit,
  type TrackState,
} from '../live/index.ts';
import { BATCH_BYTES, framedTail, wrapped } from './batch.ts';
import type { Framing } from './framing.ts';
import { TsPacker } from './ts-packer.ts';

/**
 * Audio frames without a picture after which the PMT tells no video any more and the audio carries the clock; from
 * then on tables come again after as many.
 */
const PURE_AUDIO_FRAMES = FRAMES_WITHOUT_TRACK;

/**
 * MPEG-TS as a fan-out form (H010): times are the stream's own, so all players of a stream share their bytes.
 * Tables come before each keyframe, and first to a player that begins elsewhere.
 *
 * @param configurations - those that hold when a group begins
 * @param faults - told of what MPEG-TS can't carry
 */
export function tsFamily(
  framing: Framing,
  configurations: () => readonly KeptPacket[],
  faults?: MediaFaults,
): FanOutFamily {
  return {
    key: `ts/${framing.name}`,
    rebased: false,
    video: true,
    create: () => new TsFormat(framing, configurations(), faults),
  };
}

class TsFormat implements FanOutFormat {
  readonly rebased = false;
  readonly trailer: Uint8Array | undefined;
  readonly #framing: Framing;
  readonly #packer = new TsPacker({});
  readonly #faults: MediaFaults | undefined;
  #audiosSinceVideo = 0;
  /** Time of the latest audio, ms; undefined before the first. */
  #latestAudio: number | undefined;
  #pictures = 0;

  constructor(framing: Framing, configurations: readonly KeptPacket[], faults: MediaFaults | undefined) {
    this.#faults = faults;
    this.#framing = framing;
    this.trailer = framing.trailer;
    for (const configuration of configurations) this.#packer.write(configuration);
  }

  encode(packets: readonly KeptPacket[], from: number): { batch: EncodedBatch | undefined; next: number } {
    const packer = this.#packer;
    const taken: KeptPacket[] = [];
    const offsets: number[] = [];
    let tracks = 0;
    let next = from;
    this.#announce(packets, from);
    for (; next < packets.length && packer.length < BATCH_BYTES; next += 1) {
      const packet = packets[next];
      if (packet === undefined) break;
      // A keyframe counts even when its codec can't be carried: players wait for one.
      if (!this.#pack(packet, offsets) && !isKeyframe(packet)) continue;
      taken.push(packet);
      tracks |= trackBit(packet.track.kind);
    }
    packer.flushAudio();
    const size = packer.length;
    if (taken.length === 0 || size === 0) return { batch: undefined, next };
    let start = 0;
    const bytes = wrapped(this.#framing, size, (target, offset) => {
      packer.moveTo(target, offset);
      start = offset;
    });
    for (let index = 0; index < offsets.length; index += 1) offsets[index] = (offsets[index] ?? 0) + start;
    return { batch: { bytes, packets: taken, offsets, tracks, restarts: 0 }, next };
  }

  /** Nothing: what a player needs first depends on where it begins. */
  preamble(): Uint8Array {
    return new Uint8Array(0);
  }

  tail(batch: EncodedBatch, index: number, state: TrackState): Uint8Array[] {
    const begins = state.unstarted !== 0 && batch.packets[index]?.keyframe !== true;
    state.unstarted = 0;
    const rest = framedTail(this.#framing, batch, index);
    return begins ? [...this.#tables(), ...rest] : rest;
  }

  /** Packs a packet and notes where it begins; false when it is not among the bytes. */
  #pack(packet: KeptPacket, offsets: number[]): boolean {
    const packer = this.#packer;
    const keyframe = isKeyframe(packet);
    if (keyframe) {
      packer.flushAudio();
      this.#checkAudio(packet.timestamp);
    }
    const offset = packer.length;
    if (keyframe) packer.writeTables();
    const result = packer.write(packet);
    if (result === 'unsupported' || result === 'broken') this.#noteFault(packet, result);
    const written = result === 'written';
    if (keyframe || written) offsets.push(offset);
    if (!written) return false;
    if (packet.track.kind === 'video') {
      this.#audiosSinceVideo = 0;
      this.#pictures += 1;
      return true;
    }
    this.#latestAudio = packet.timestamp;
    this.#audiosSinceVideo += 1;
    if (this.#audiosSinceVideo % PURE_AUDIO_FRAMES === 0) {
      packer.announce({ audio: packer.codecs.audio });
      packer.flushAudio();
      packer.writeTables();
    }
    return true;
  }

  /** Audio that has stopped, or never came, is not announced any longer: players would wait for it. */
  #checkAudio(timestamp: number): void {
    const { video, audio } = this.#packer.codecs;
    if (audio === undefined) return;
    const latest = this.#latestAudio;
    const isAwaited =
      latest === undefined ? this.#pictures < FRAMES_WITHOUT_TRACK : timestamp - latest <= STOPPED_TRACK_MS;
    if (!isAwaited) this.#packer.announce({ video });
  }

  #noteFault(packet: KeptPacket, result: 'unsupported' | 'broken'): void {
    if (result === 'unsupported') this.#faults?.unsupported('MPEG-TS', packet.track);
    else this.#faults?.broken('MPEG-TS', packet);
  }

  /** A track that is still unknown is told before the first bytes, rather than by a second PMT behind them. */
  #announce(packets: readonly KeptPacket[], from: number): void {
    const { codecs } = this.#packer;
    if (codecs.video !== undefined && codecs.audio !== undefined) return;
    let { video, audio } = codecs;
    for (let index = from; index < packets.length; index += 1) {
      const { codec, configuration, primary } = packets[index]?.track ?? {};
      if (primary !== true) continue;
      if (codec === 'h264' || codec === 'hevc') video ??= codec;
      // Without its configuration AAC can't be written.
      else if (codec === 'mp3' || (codec === 'aac' && configuration !== undefined)) audio ??= codec;
    }
    this.#packer.announce({ video, audio });
  }

  /** Tables for one player alone, whose counters have nothing before them. */
  #tables(): Uint8Array[] {
    const muxer = new TsMuxer(this.#packer.codecs);
    const tables = new Uint8Array(muxer.tablesSize());
    muxer.writeTables(tables, 0);
    return [this.#framing.prefix(tables.length), tables, this.#framing.suffix];
  }
}

/** Whether players of the one video track that MPEG-TS gets may begin here. */
function isKeyframe({ keyframe, track }: KeptPacket): boolean {
  return keyframe && track.primary;
}
