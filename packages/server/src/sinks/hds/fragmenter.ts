import { bytesEqual } from '@sluice/media/bytes';
import { flvTagSize, singleTrackPacket } from '@sluice/media/flv';
import type { KeptPacket, Packet } from '@sluice/media/model';

import { JumpDetector } from '../../timing/index.ts';
import { FragmentBuffer } from './fragment-buffer.ts';

/** A fragment is cut at this many times its length when no keyframe comes. */
const OVERFLOW_RATIO = 2;
/** So much may the tracks' beginnings in a fragment add to the length of the longer one, ms. */
const MAX_TRACK_OFFSET_MS = 500;

/** A finished fragment. */
export interface Fragment {
  /** The file's content. */
  readonly bytes: Uint8Array;
  /** ms on the stream's timeline. */
  readonly startMs: number;
  /** At least 1. */
  readonly durationMs: number;
}

/** How fragments are cut. */
export interface FragmenterOptions {
  /** `hds_fragment`, ms. */
  readonly fragmentMs: number;
  readonly maxFragmentBytes: number;
  onFragment(fragment: Fragment): void;
}

/**
 * Cuts a stream into fragments, each of which begins with the sequence headers (D001): at the first keyframe beyond
 * the wanted length; without video at any frame; and at twice the length whatever comes.
 */
export class Fragmenter {
  readonly #options: FragmenterOptions;
  readonly #buffer = new FragmentBuffer();
  readonly #jumps = new JumpDetector();
  #headers: { audio?: KeptPacket; video?: KeptPacket } = {};
  #open = false;
  #hasVideo = false;
  #awaitsKeyframe = true;
  #startMs = 0;
  #lastMs = 0;
  /** Each track's first time in the fragment: they may be far apart. */
  #firstVideoMs: number | undefined;
  #firstAudioMs: number | undefined;
  /** How long the fragment is: the longer one of its tracks, ms. */
  #spanMs = 0;

  constructor(options: FragmenterOptions) {
    this.#options = options;
  }

  /** Takes the next packet. The first tracks of their kind are written, each in messages of its own. */
  write(given: Packet): void {
    const { track } = given;
    if (track.kind === 'data' || !track.primary) return;
    const packet = given.parts > 1 ? singleTrackPacket(given) : given;
    if (packet === undefined) return;
    if (packet.type === 'configuration') {
      this.#writeHeader(packet.keep());
      return;
    }
    const isVideo = track.kind === 'video';
    if (isVideo && this.#awaitsKeyframe && !packet.keyframe) return;
    const at = Math.max(0, packet.timestamp);
    // Times that jump begin a fragment that doesn't follow on the last.
    const jumps = this.#jumps.jumps(isVideo, at);
    if (this.#open && jumps) this.#cut(this.#startMs + this.#spanMs);
    else if (this.#open) this.#cutBefore(packet, this.#endBefore(isVideo, at));
    if (!this.#open) this.#begin(at);
    this.#buffer.append(packet, at);
    if (isVideo) {
      this.#awaitsKeyframe = false;
      this.#hasVideo = true;
      this.#firstVideoMs ??= at;
    } else {
      this.#firstAudioMs ??= at;
    }
    this.#spanMs = Math.max(this.#spanMs, at - (this.#firstMs(isVideo) ?? at));
    this.#lastMs = Math.max(this.#lastMs, at);
  }

  /** Hands out the rest. */
  end(): void {
    if (this.#open) this.#cut(this.#startMs + this.#spanMs);
  }

  #writeHeader(header: KeptPacket): void {
    const isVideo = header.track.kind === 'video';
    const known = isVideo ? this.#headers.video : this.#headers.audio;
    if (known !== undefined && bytesEqual(known.body, header.body)) return;
    if (isVideo) this.#headers.video = header;
    else this.#headers.audio = header;
    if (!this.#open) return;
    // A fragment begins with the headers that hold for all of it, as players may begin with it.
    if (known !== undefined && this.#firstMs(isVideo) !== undefined) this.#cut(this.#startMs + this.#spanMs);
    else this.#buffer.append(header, this.#lastMs);
  }

  #firstMs(isVideo: boolean): number | undefined {
    return isVideo ? this.#firstVideoMs : this.#firstAudioMs;
  }

  /** Where the fragment ends if a frame begins the next one. */
  #endBefore(isVideo: boolean, at: number): number {
    const least = this.#startMs + Math.max(this.#spanMs, at - (this.#firstMs(isVideo) ?? at));
    return Math.min(Math.max(at, least), least + MAX_TRACK_OFFSET_MS);
  }

  #cutBefore(packet: Packet, end: number): void {
    const { fragmentMs, maxFragmentBytes } = this.#options;
    const span = end - this.#startMs;
    const begins = packet.keyframe || !this.#hasVideo;
    const due = span >= fragmentMs && begins;
    const full = this.#buffer.length + flvTagSize(packet.flvSize) > maxFragmentBytes;
    if (due || full || span >= fragmentMs * OVERFLOW_RATIO) this.#cut(end);
  }

  #begin(at: number): void {
    this.#open = true;
    this.#hasVideo = false;
    this.#startMs = at;
    this.#lastMs = at;
    this.#spanMs = 0;
    this.#firstVideoMs = undefined;
    this.#firstAudioMs = undefined;
    const { audio, video } = this.#headers;
    for (const header of [video, audio]) if (header !== undefined) this.#buffer.append(header, at);
  }

  #cut(endMs: number): void {
    this.#open = false;
    const durationMs = Math.max(1, endMs - this.#startMs);
    this.#options.onFragment({ bytes: this.#buffer.take(), startMs: this.#startMs, durationMs });
  }
}
