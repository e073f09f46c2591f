import { concatBytes } from '../bytes/index.ts';
import type { TsAudioFraming } from './audio-framing.ts';
import type { TsAudioCodec } from './constants.ts';
import type { TsElementaryReader, TsElementaryReaderOptions, TsPesPayload } from './elementary-reader.ts';
import type { TsDemuxerCounters, TsEvent, TsStream } from './events.ts';

const NOTHING = new Uint8Array(0);

/**
 * Reads frames of audio, which may go on from one PES packet to the next. A PTS is that of the first frame that begins
 * in its packet (ISO/IEC 13818-1 clause 2.4.3.7); those behind it follow by their own length.
 */
export class TsAudioReader implements TsElementaryReader {
  readonly stream: TsStream;
  readonly #codec: TsAudioCodec;
  readonly #framing: TsAudioFraming;
  readonly #counters: TsDemuxerCounters;
  /** The begun frame at the end of the last PES packet. */
  #rest: Uint8Array = NOTHING;
  /** When the next frame begins, with a fraction. */
  #time: number | undefined;
  #discontinuity = false;

  constructor(codec: TsAudioCodec, framing: TsAudioFraming, { stream, counters }: TsElementaryReaderOptions) {
    this.stream = stream;
    this.#codec = codec;
    this.#framing = framing;
    this.#counters = counters;
  }

  read(payload: TsPesPayload, events: TsEvent[]): void {
    const border = this.#rest.length;
    const bytes = border === 0 ? payload.bytes : concatBytes([this.#rest, payload.bytes]);
    let { pts } = payload;
    let offset = 0;
    for (const framed of this.#framing.frames(bytes)) {
      if (framed.start > offset) this.#counters.badFrames++;
      offset = framed.end;
      if (pts !== undefined && framed.start >= border) {
        this.#time = pts;
        pts = undefined;
      }
      if (framed.frames.length === 0) {
        this.#counters.badFrames++;
        if (this.#time !== undefined) this.#time += framed.ticks;
        this.#discontinuity = true;
        continue;
      }
      for (const frame of framed.frames) this.#emit(frame, framed.ticks, framed.config, events);
    }
    // A longer rest begins with no frame.
    const kept = Math.max(offset, bytes.length - this.#framing.maxFrameBytes);
    if (kept > offset) this.#counters.badFrames++;
    this.#rest = kept === bytes.length ? NOTHING : bytes.slice(kept);
  }

  lose(): void {
    this.#rest = NOTHING;
    this.#time = undefined;
    this.#discontinuity = true;
  }

  #emit(data: Uint8Array, ticks: number, config: Uint8Array | undefined, events: TsEvent[]): void {
    if (this.#time === undefined) {
      this.#counters.untimedUnits++;
      this.#discontinuity = true;
      return;
    }
    events.push({
      kind: 'audio',
      stream: this.stream,
      codec: this.#codec,
      pts: Math.round(this.#time),
      data,
      config,
      discontinuity: this.#discontinuity,
    });
    this.#time += ticks;
    this.#discontinuity = false;
  }
}
