import { MediaError } from '@sluice/media';
import { type FlvMetadata, FlvPacketReader, FlvTagType, parseFlvMetadata } from '@sluice/media/flv';
import type { Packet } from '@sluice/media/model';

import {
  type AudioInfo,
  audioInfo,
  isTimed,
  startsGop,
  type VideoInfo,
  videoInfo,
} from '../../live/index.ts';
import type { PlacedTag } from './flv-tags.ts';

/** Distances between keyframes, ms. */
export interface KeyframeDistances {
  readonly min: number;
  readonly average: number;
  readonly max: number;
}

/** What an FLV file is found to be; times in ms. */
export interface FlvReport {
  readonly tags: { readonly video: number; readonly audio: number; readonly data: number };
  readonly firstMs: number;
  readonly lastMs: number;
  readonly durationMs: number;
  readonly video:
    | (VideoInfo & {
        readonly frames: number;
        readonly keyframes: number;
        readonly bytes: number;
        readonly keyframeDistanceMs: KeyframeDistances | null;
      })
    | null;
  readonly audio: (AudioInfo & { readonly frames: number; readonly bytes: number }) | null;
  /** Seconds that the metadata says; null when it says nothing. */
  readonly saidDuration: number | null;
  /** Keyframes in the index of the metadata; null when there is none. */
  readonly indexedKeyframes: number | null;
  readonly metadataNames: readonly string[];
  readonly problems: readonly string[];
}

/** A step of a track that is longer, ms, is a gap. */
const GAP_MS = 1_000;
/** What the metadata says of the length may be wrong by so much, seconds. */
const DURATION_SLACK = 1;

/** Codecs whose frames can't be decoded without a configuration. */
const NEEDS_CONFIGURATION: ReadonlySet<string> = new Set(['h264', 'hevc', 'av1', 'vvc', 'aac']);

/** One track's course. */
class TrackSurvey {
  frames = 0;
  bytes = 0;
  last: number | undefined;
  stepsBack = 0;
  gaps = 0;
  longestGapMs = 0;

  add(timestamp: number, bytes: number): void {
    this.frames += 1;
    this.bytes += bytes;
    const step = this.last === undefined ? 0 : timestamp - this.last;
    if (step < 0) this.stepsBack += 1;
    if (step > GAP_MS) {
      this.gaps += 1;
      this.longestGapMs = Math.max(this.longestGapMs, step);
    }
    this.last = timestamp;
  }
}

/** Gathers what an FLV file has in it, tag by tag; it takes the same memory for a file of any length. */
export class FlvSurvey {
  readonly #counts = { video: 0, audio: 0, data: 0 };
  readonly #reader = new FlvPacketReader();
  readonly #video = new TrackSurvey();
  readonly #audio = new TrackSurvey();
  #videoInfo: VideoInfo | undefined;
  #audioInfo: AudioInfo | undefined;
  #metadata: FlvMetadata | undefined;
  #first: number | undefined;
  #last = 0;
  #keyframes = 0;
  #firstKeyframe: number | undefined;
  #lastKeyframe: number | undefined;
  #shortest = Infinity;
  #longest = 0;
  #headless = 0;
  #unreadable = 0;
  #beforeKeyframe = 0;

  /** Takes the next tag. */
  add({ type, timestamp, body }: PlacedTag): void {
    if (type === FlvTagType.script) {
      this.#counts.data += 1;
      this.#addData(body);
      return;
    }
    this.#counts[type === FlvTagType.video ? 'video' : 'audio'] += 1;
    const packets = this.#reader.read(type, timestamp, body);
    if (this.#reader.problem !== undefined) this.#unreadable += 1;
    for (const packet of packets) this.#addPacket(packet);
  }

  #addPacket(packet: Packet): void {
    const { part, timestamp, track } = packet;
    if (track.primary) this.#addInfo(packet);
    if (!isTimed(packet) || part > 0) return;
    this.#first ??= timestamp;
    this.#last = Math.max(this.#last, timestamp);
    if (track.kind === 'audio') {
      this.#audio.add(timestamp, packet.flvSize);
    } else {
      this.#video.add(timestamp, packet.flvSize);
      if (startsGop(packet)) this.#addKeyframe(timestamp);
      else if (this.#keyframes === 0) this.#beforeKeyframe += 1;
    }
  }

  /** @param ending - what is wrong with the end of the file, see `FlvTags.problem` */
  report(ending: string | undefined): FlvReport {
    const [first, last] = [this.#first ?? 0, this.#last];
    const { duration } = this.#metadata ?? {};
    const names = [...(this.#metadata?.properties.keys() ?? [])];
    return {
      tags: this.#counts,
      firstMs: first,
      lastMs: last,
      durationMs: Math.max(0, last - first),
      video:
        this.#video.frames === 0
          ? null
          : {
              ...(this.#videoInfo ?? { codec: 'unknown' }),
              frames: this.#video.frames,
              keyframes: this.#keyframes,
              bytes: this.#video.bytes,
              keyframeDistanceMs: this.#distances(),
            },
      audio:
        this.#audio.frames === 0
          ? null
          : {
              ...(this.#audioInfo ?? { codec: 'unknown' }),
              frames: this.#audio.frames,
              bytes: this.#audio.bytes,
            },
      saidDuration: duration ?? null,
      indexedKeyframes: this.#indexed(),
      metadataNames: names,
      problems: this.#problems(ending, (last - first) / 1000),
    };
  }

  #addData(body: Uint8Array): void {
    try {
      this.#metadata ??= parseFlvMetadata(body);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#unreadable += 1;
    }
  }

  #addInfo({ track, type }: Packet): void {
    if (track.kind === 'data' || track.codec === 'unknown') return;
    const isFirst = track.kind === 'video' ? this.#videoInfo === undefined : this.#audioInfo === undefined;
    if (type === 'configuration') {
      if (track.configuration?.problem !== undefined) this.#unreadable += 1;
      if (track.configuration?.readable === false) return;
    } else if (!isFirst) {
      return;
    } else if (NEEDS_CONFIGURATION.has(track.codec)) {
      // A first frame came without the configuration that its codec needs.
      this.#headless += 1;
    }
    if (track.kind === 'video') this.#videoInfo = videoInfo(track);
    else this.#audioInfo = audioInfo(track);
  }

  #addKeyframe(timestamp: number): void {
    const distance = timestamp - (this.#lastKeyframe ?? timestamp);
    if (this.#lastKeyframe !== undefined && distance >= 0) {
      this.#shortest = Math.min(this.#shortest, distance);
      this.#longest = Math.max(this.#longest, distance);
    }
    this.#keyframes += 1;
    this.#firstKeyframe ??= timestamp;
    this.#lastKeyframe = timestamp;
  }

  #distances(): KeyframeDistances | null {
    if (
      this.#firstKeyframe === undefined ||
      this.#lastKeyframe === undefined ||
      this.#shortest === Infinity
    ) {
      return null;
    }
    const average = Math.round((this.#lastKeyframe - this.#firstKeyframe) / (this.#keyframes - 1));
    return { min: this.#shortest, average, max: this.#longest };
  }

  #indexed(): number | null {
    const keyframes = this.#metadata?.properties.get('keyframes');
    const times = keyframes instanceof Map ? keyframes.get('times') : undefined;
    return Array.isArray(times) ? times.length : null;
  }

  #problems(ending: string | undefined, seconds: number): string[] {
    const problems: string[] = [];
    if (ending !== undefined) problems.push(ending);
    if (this.#metadata === undefined) problems.push('it has no metadata');
    const said = this.#metadata?.duration;
    if (said !== undefined && Math.abs(said - seconds) > DURATION_SLACK) {
      problems.push(`the metadata says ${said} s, the media are ${seconds} s`);
    }
    if (this.#headless > 0) problems.push('media comes before its sequence header');
    if (this.#unreadable > 0) problems.push(`${this.#unreadable} tags can't be read`);
    if (this.#beforeKeyframe > 0)
      problems.push(`${this.#beforeKeyframe} video frames come before a keyframe`);
    for (const [name, track] of [
      ['video', this.#video],
      ['audio', this.#audio],
    ] as const) {
      if (track.stepsBack > 0) problems.push(`${name} goes back in time ${track.stepsBack} times`);
      if (track.gaps > 0)
        problems.push(`${name} has ${track.gaps} gaps, the longest ${track.longestGapMs} ms`);
    }
    if (this.#video.frames + this.#audio.frames === 0) problems.push('it has no audio and no video');
    return problems;
  }
}
