import type { Packet, Track } from '@sluice/media/model';

import { codecName } from './codec-names.ts';

/**
 * What can be wrong with a stream's media:
 * - `unsupported-codec`: the output can't carry the codec.
 * - `missing-header`: frames came that can't be decoded without a sequence header, and there was none.
 * - `bad-media`: frames or headers can't be read.
 * - `bad-times`: the timestamps do not tell when frames are to be shown.
 */
export type MediaFaultCode = 'unsupported-codec' | 'missing-header' | 'bad-media' | 'bad-times';

/** Something wrong with a stream's media, as long as it is met. */
export interface MediaFault {
  readonly code: MediaFaultCode;
  /** A sentence for people. It names no path and no address. */
  readonly message: string;
  /** When it was met first, ms since the epoch. */
  readonly since: number;
  /** How many frames or messages were concerned. */
  readonly count: number;
}

/** A fault that was not met for so long, ms, is over. */
export const MEDIA_FAULT_MEMORY_MS = 30_000;
/** Different faults of one output of one publisher; what is said of more is not new to anyone. */
const MAX_FAULTS = 32;

interface Entry {
  code: MediaFaultCode;
  message: string;
  since: number;
  latest: number;
  count: number;
}

/** What is wrong with the media of one publisher, for one output: each fault is logged once, and counted. */
export class MediaFaults {
  readonly #warn: (message: string) => void;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  /**
   * @param warn - takes the line for the log
   * @param now - ms since the epoch. Default: Date.now
   */
  constructor(warn: (message: string) => void, now: () => number = Date.now) {
    this.#warn = warn;
    this.#now = now;
  }

  /**
   * A fault was met. It is cheap enough to be called for each frame.
   *
   * @param key - what tells it from other faults; from a small fixed set
   * @param message - asked for when the fault is new
   */
  raise(key: string, code: MediaFaultCode, message: () => string): void {
    const now = this.#now();
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (now - known.latest > MEDIA_FAULT_MEMORY_MS) {
        known.since = now;
        known.count = 0;
      }
      known.latest = now;
      known.count += 1;
      return;
    }
    if (this.#entries.size >= MAX_FAULTS) return;
    const text = message();
    this.#entries.set(key, { code, message: text, since: now, latest: now, count: 1 });
    this.#warn(text);
  }

  /** The output can't carry the codec of a track. */
  unsupported(output: OutputName, { kind, codec }: Pick<Track, 'kind' | 'codec'>): void {
    this.raise(`${kind} ${codec}`, 'unsupported-codec', () =>
      unsupportedCodec(output, kind === 'video' ? 'video' : 'audio', codec),
    );
  }

  /** The output leaves out a frame, or a sequence header, that can't be read. */
  broken(output: OutputName, { type, track: { codec, kind } }: Packet): void {
    const what = type === 'configuration' ? `${kind} sequence headers` : `${kind} frames`;
    this.raise(`broken ${what}`, 'bad-media', () => {
      return `${what} of codec ${codecName(codec)} can't be read, and are left out of ${output}`;
    });
  }

  /** The fault is over; when it is met again, it is logged again. */
  clear(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets everything: another publisher begins. */
  reset(): void {
    this.#entries.clear();
  }

  /** What is wrong now. */
  get current(): MediaFault[] {
    const since = this.#now() - MEDIA_FAULT_MEMORY_MS;
    const current: MediaFault[] = [];
    for (const { latest, ...fault } of this.#entries.values()) if (latest >= since) current.push(fault);
    return current;
  }
}

/** Outputs that don't carry every codec, by their name for people, and what they carry. */
const carried = {
  HLS: { video: 'H.264 or HEVC', audio: 'AAC or MP3' },
  'MPEG-TS': { video: 'H.264 or HEVC', audio: 'AAC or MP3' },
  MP4: { video: 'H.264, HEVC or AV1', audio: 'AAC, MP3 or Opus' },
  HDS: { video: 'H.264', audio: 'AAC or MP3' },
} as const;

export type OutputName = keyof typeof carried;

/** Why a track is not in an output, and what to do. */
export function unsupportedCodec(output: OutputName, track: 'video' | 'audio', codec: string): string {
  const name = codec === 'unknown' ? 'of an unknown codec' : `of codec ${codecName(codec)}`;
  const instead = output === 'MP4' ? 'record to a path that ends in .flv' : 'play it by RTMP or HTTP-FLV';
  return `${output} can't carry ${track} ${name}: publish ${carried[output][track]}, or ${instead}`;
}
