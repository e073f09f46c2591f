import {
  ADTS_MAX_FRAME_BYTES,
  type AdtsHeader,
  adtsFrames,
  audioSpecificConfigFromAdts,
  buildAudioSpecificConfig,
  LatmReader,
  LOAS_MAX_FRAME_BYTES,
  loasFrames,
} from '../aac/index.ts';
import { MediaError } from '../errors.ts';
import { mp3Frames } from '../mp3/index.ts';
import { TS_CLOCK_RATE } from './timestamp.ts';

/** What the frames of one synchronisation header hold. */
export interface TsFramedAudio {
  /** Where they begin and end in the bytes, header included. */
  readonly start: number;
  readonly end: number;
  /** The frames, for the consumer; empty when they cannot be read. */
  readonly frames: readonly Uint8Array[];
  /** Ticks of 90 kHz that each frame lasts; it has a fraction. */
  readonly ticks: number;
  /** The AudioSpecificConfig of AAC; the same object as long as it does not change. */
  readonly config: Uint8Array | undefined;
}

/** How the frames of an audio stream are told apart. */
export interface TsAudioFraming {
  /** Bytes of the longest frame. */
  readonly maxFrameBytes: number;
  /** The whole frames in `bytes`; it ends at the first one that is cut. */
  frames(bytes: Uint8Array): Generator<TsFramedAudio, void>;
}

/** AAC in ADTS frames, whose headers are taken off. */
export class AdtsFraming implements TsAudioFraming {
  readonly maxFrameBytes = ADTS_MAX_FRAME_BYTES;
  #config: Uint8Array | undefined;
  #configOf: AdtsHeader | undefined;

  *frames(bytes: Uint8Array): Generator<TsFramedAudio, void> {
    for (const { header, start, payloadStart, end } of adtsFrames(bytes)) {
      const config = this.#configFor(header);
      // Where a second raw data block begins only decoding tells.
      const readable = config !== undefined && header.rawDataBlocks === 1;
      yield {
        start,
        end,
        frames: readable ? [bytes.subarray(payloadStart, end)] : [],
        ticks: (1024 * header.rawDataBlocks * TS_CLOCK_RATE) / header.sampleRate,
        config,
      };
    }
  }

  #configFor(header: AdtsHeader): Uint8Array | undefined {
    const last = this.#configOf;
    if (
      last?.objectType !== header.objectType ||
      last.sampleRate !== header.sampleRate ||
      last.channelConfiguration !== header.channelConfiguration
    ) {
      this.#configOf = header;
      this.#config = withoutMediaError(() => buildAudioSpecificConfig(audioSpecificConfigFromAdts(header)));
    }
    return this.#config;
  }
}

/** AAC in LATM with LOAS, as DVB has it. */
export class LatmFraming implements TsAudioFraming {
  readonly maxFrameBytes = LOAS_MAX_FRAME_BYTES;
  readonly #reader = new LatmReader();

  *frames(bytes: Uint8Array): Generator<TsFramedAudio, void> {
    for (const { start, payloadStart, end } of loasFrames(bytes)) {
      const element = withoutMediaError(() => this.#reader.read(bytes.subarray(payloadStart, end)));
      const config = element?.streamMuxConfig.config;
      yield {
        start,
        end,
        frames: element?.frames ?? [],
        ticks: config === undefined ? 0 : (config.frameLength * TS_CLOCK_RATE) / config.sampleRate,
        config: element?.streamMuxConfig.configBytes,
      };
    }
  }
}

/** MPEG audio of all layers, whose frames tell all by themselves. */
export class Mp3Framing implements TsAudioFraming {
  /** Layer II of MPEG 2.5: 160 kbit/s at 8 kHz, with padding. */
  readonly maxFrameBytes = 2881;

  *frames(bytes: Uint8Array): Generator<TsFramedAudio, void> {
    for (const { header, start, end } of mp3Frames(bytes)) {
      const ticks = (header.samples * TS_CLOCK_RATE) / header.sampleRate;
      yield { start, end, frames: [bytes.subarray(start, end)], ticks, config: undefined };
    }
  }
}

function withoutMediaError<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}
