import { BitReader, bytesEqual } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { type AudioSpecificConfig, readAudioSpecificConfig } from './audio-specific-config.ts';

/** Where an AudioSyncStream frame lies in the bytes it was found in (ISO/IEC 14496-3 clause 1.7.2). */
export interface LoasFrame {
  /** The first byte of the syncword. */
  readonly start: number;
  /** The first byte of the AudioMuxElement. */
  readonly payloadStart: number;
  /** One past the last byte. */
  readonly end: number;
}

/** How the AudioMuxElements of a stream are made up: StreamMuxConfig (ISO/IEC 14496-3 Table 1.42). */
export interface LatmStreamMuxConfig {
  readonly config: AudioSpecificConfig;
  /** The AudioSpecificConfig by itself, filled with zero bits to whole bytes. */
  readonly configBytes: Uint8Array;
  /** numSubFrames + 1, 1..64: frames in each AudioMuxElement. */
  readonly subFrames: number;
  /** otherDataLenBits: bits behind the frames; 0 when there are none. */
  readonly otherDataBits: number;
}

/** The frames of one AudioMuxElement. */
export interface LatmElement {
  readonly streamMuxConfig: LatmStreamMuxConfig;
  /** Raw AAC frames, each a copy: their bits need not begin at a byte. */
  readonly frames: readonly Uint8Array[];
}

/** Bytes of syncword and audioMuxLengthBytes. */
export const LOAS_HEADER_BYTES = 3;
/** The most bytes that a whole AudioSyncStream frame has. */
export const LOAS_MAX_FRAME_BYTES = LOAS_HEADER_BYTES + 0x1fff;

/**
 * Walks the whole frames of an AudioSyncStream (syncword 0x2B7); bytes between frames that are none are passed over.
 * Ends at the first frame that is not all there: the caller keeps what lies behind the last frame's `end` until more
 * comes.
 */
export function* loasFrames(bytes: Uint8Array): Generator<LoasFrame, void> {
  let start = 0;
  while (bytes.length - start >= LOAS_HEADER_BYTES) {
    if (!isLoasSync(bytes, start)) {
      start = bytes.indexOf(0x56, start + 1);
      if (start < 0) return;
      continue;
    }
    const length = (((bytes[start + 1] ?? 0) & 0x1f) << 8) | (bytes[start + 2] ?? 0); // audioMuxLengthBytes
    const payloadStart = start + LOAS_HEADER_BYTES;
    const end = payloadStart + length;
    if (end > bytes.length) return;
    yield { start, payloadStart, end };
    start = end;
  }
}

/** True when the 11 bits at `offset` are the syncword of an AudioSyncStream. */
export function isLoasSync(bytes: Uint8Array, offset = 0): boolean {
  return bytes[offset] === 0x56 && ((bytes[offset + 1] ?? 0) & 0xe0) === 0xe0;
}

/**
 * Reads AudioMuxElements whose configuration is in the stream (ISO/IEC 14496-3 clause 1.7.3): one program with one
 * layer of AAC, which is what broadcasters send.
 */
export class LatmReader {
  #config: LatmStreamMuxConfig | undefined;

  /**
   * Reads AudioMuxElement(1).
   *
   * @returns undefined as long as no configuration has come, which is a normal answer.
   * @throws MediaError `short-read` when it is cut, `bad-value` for a value that is reserved, `unsupported` for more
   * programs or layers, streams in different time frames, and frames that are no AAC.
   */
  read(element: Uint8Array): LatmElement | undefined {
    const reader = new BitReader(element);
    const sameConfig = reader.flag(); // useSameStreamMux
    if (!sameConfig) this.#config = readStreamMuxConfig(reader, element, this.#config);
    const streamMuxConfig = this.#config;
    if (streamMuxConfig === undefined) return undefined;
    const frames: Uint8Array[] = [];
    for (let subFrame = 0; subFrame < streamMuxConfig.subFrames; subFrame++) {
      let length = 0; // MuxSlotLengthBytes
      let more: number; // tmp
      do {
        more = reader.bits(8);
        length += more;
      } while (more === 0xff);
      frames.push(readBytes(reader, element, length));
    }
    reader.skip(streamMuxConfig.otherDataBits);
    return { streamMuxConfig, frames };
  }

  /** Forgets the configuration. */
  reset(): void {
    this.#config = undefined;
  }
}

/** Reads StreamMuxConfig(); gives `last` again when it says the same. */
function readStreamMuxConfig(
  reader: BitReader,
  element: Uint8Array,
  last: LatmStreamMuxConfig | undefined,
): LatmStreamMuxConfig {
  const version = reader.bit(); // audioMuxVersion
  if (version === 1) {
    if (reader.flag()) throw unsupported('audioMuxVersionA 1'); // audioMuxVersionA
    readLatmValue(reader); // taraBufferFullness
  }
  if (!reader.flag()) throw unsupported('streams in different time frames'); // allStreamsSameTimeFraming
  const subFrames = reader.bits(6) + 1; // numSubFrames
  const programs = reader.bits(4) + 1; // numProgram
  if (programs !== 1) throw unsupported(`${programs} programs`);
  const layers = reader.bits(3) + 1; // numLayer
  if (layers !== 1) throw unsupported(`${layers} layers`);
  const { config, configBytes } = readConfig(reader, element, version);
  const frameLengthType = reader.bits(3); // frameLengthType
  if (frameLengthType !== 0) throw unsupported(`frameLengthType ${frameLengthType}`);
  reader.skip(8); // latmBufferFullness
  let otherDataBits = 0;
  if (reader.flag()) otherDataBits = version === 1 ? readLatmValue(reader) : readOtherDataBits(reader); // otherDataPresent
  if (reader.flag()) reader.skip(8); // crcCheckPresent, crcCheckSum
  if (
    last?.subFrames === subFrames &&
    last.otherDataBits === otherDataBits &&
    bytesEqual(last.configBytes, configBytes)
  ) {
    return last;
  }
  return { config, configBytes, subFrames, otherDataBits };
}

/** Reads the AudioSpecificConfig, which begins at any bit. Version 0 does not tell how long it is. */
function readConfig(
  reader: BitReader,
  element: Uint8Array,
  version: number,
): Pick<LatmStreamMuxConfig, 'config' | 'configBytes'> {
  const told = version === 1 ? readLatmValue(reader) : undefined; // ascLen
  const wanted = told ?? reader.remaining;
  if (wanted > reader.remaining) {
    throw new MediaError('short-read', `ascLen is ${wanted} bits, there are ${reader.remaining}`);
  }
  const aligned = copyBits(element, reader.position, wanted);
  const alignedReader = new BitReader(aligned);
  // Without a told length, an extension behind the configuration cannot be told from what follows it.
  const config = readAudioSpecificConfig(alignedReader, told !== undefined);
  const bits = told ?? alignedReader.position;
  reader.skip(bits);
  return { config, configBytes: copyBits(aligned, 0, bits) };
}

/** LatmGetValue() (ISO/IEC 14496-3 Table 1.43). */
function readLatmValue(reader: BitReader): number {
  const bytes = reader.bits(2) + 1; // bytesForValue
  return reader.bits(8 * bytes); // valueTmp
}

/** otherDataLenBits of version 0. */
function readOtherDataBits(reader: BitReader): number {
  let bits = 0;
  let more: boolean;
  do {
    more = reader.flag(); // otherDataLenEsc
    bits = bits * 256 + reader.bits(8); // otherDataLenTmp
    if (bits > 8 * LOAS_MAX_FRAME_BYTES) {
      throw new MediaError('bad-value', `otherDataLenBits is ${bits}, a frame has fewer`);
    }
  } while (more);
  return bits;
}

function readBytes(reader: BitReader, element: Uint8Array, length: number): Uint8Array {
  const position = reader.position;
  reader.skip(8 * length);
  return copyBits(element, position, 8 * length);
}

/** Copies bits to the front of new bytes, filled with zero bits. The caller has seen that they are there. */
function copyBits(bytes: Uint8Array, position: number, count: number): Uint8Array {
  const copy = new Uint8Array(Math.ceil(count / 8));
  const first = position >> 3;
  const shift = position & 7;
  for (let index = 0; index < copy.length; index++) {
    const high = (bytes[first + index] ?? 0) << shift;
    copy[index] = high | ((bytes[first + index + 1] ?? 0) >> (8 - shift));
  }
  const last = copy.length - 1;
  if ((count & 7) !== 0) copy[last] = (copy[last] ?? 0) & (0xff << (8 - (count & 7)));
  return copy;
}

function unsupported(what: string): MediaError {
  return new MediaError('unsupported', `LATM with ${what}`);
}
