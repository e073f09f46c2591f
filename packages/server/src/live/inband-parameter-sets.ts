import { MediaError } from '@sluice/media';
import {
  annexBUnits,
  avcConfigurationFromParameterSets,
  AvcNalType,
  avcNalType,
  buildAvcDecoderConfiguration,
  lengthPrefixedUnits,
  type NalLengthSize,
  parseAvcDecoderConfiguration,
  parseAvcPps,
  startsWithStartCode,
} from '@sluice/media/avc';
import { bytesEqual, concatBytes, copyBytes } from '@sluice/media/bytes';
import { buildVideoTagHeader, parseVideoTagHeader, VideoFrameType } from '@sluice/media/flv';
import {
  buildHevcDecoderConfiguration,
  hevcConfigurationFromParameterSets,
  hevcConfigurationUnits,
  HevcNalType,
  hevcNalType,
  parseHevcDecoderConfiguration,
  parseHevcPps,
} from '@sluice/media/hevc';

import type { Frame } from './frame.ts';

/** NAL units in front of a keyframe's picture that are looked at. */
const MAX_LEADING_UNITS = 64;
/** The longest configuration that is built from parameter sets, bytes. */
const MAX_CONFIGURATION_BYTES = 65_536;

/** The first byte of a video tag of Enhanced RTMP. */
const ENHANCED_BIT = 0x80;
const LEGACY_HEADER_BYTES = 5;

type Codec = 'h264' | 'hevc';

/** Parameter sets as raw NAL units; only HEVC has VPS. */
interface ParameterSets {
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** The configuration that a decoder has. */
interface Configuration extends ParameterSets {
  readonly codec: Codec;
  /** The header of the video tag, in front of the configuration record. */
  readonly tagHeader: Uint8Array;
  readonly lengthSize: NalLengthSize;
}

/**
 * Compares the parameter sets inside H.264 and HEVC keyframes with the sequence header that holds. Encoders and
 * relays change the picture without a new sequence header; outputs only know sequence headers.
 */
export class InbandParameterSets {
  #held: Configuration | undefined;
  /** What pictures between keyframes have brought: it holds from the next keyframe on. */
  #between: ParameterSets | undefined;
  /** The publisher's latest sequence header. */
  #published: Uint8Array | undefined;
  /** The pictures have other parameter sets than the publisher's sequence header. */
  #superseded = false;
  /** The publisher has sent its superseded sequence header again. */
  #repeated = false;

  /** The publisher's sequence header holds from now on. Its body is kept. */
  hold(header: Frame): void {
    this.#published = header.body;
    this.#superseded = false;
    this.#repeated = false;
    this.#between = undefined;
    this.#held = readConfiguration(header.body);
  }

  forget(): void {
    this.#published = undefined;
    this.#superseded = false;
    this.#between = undefined;
    this.#held = undefined;
  }

  /** True for the sequence header that a keyframe has overruled: only the next keyframe says which one holds. */
  overrules(header: Uint8Array): boolean {
    if (!this.#superseded || this.#published === undefined || !bytesEqual(this.#published, header))
      return false;
    this.#repeated = true;
    return true;
  }

  /**
   * A picture between keyframes: encoders may send parameter sets there that later keyframes go by. The cost for most
   * pictures is that of one byte that is looked at.
   */
  note({ body, codec }: Frame): void {
    const held = this.#held;
    if (held?.codec !== codec) return;
    const offset = ((body[0] ?? 0) & ENHANCED_BIT) === 0 ? LEGACY_HEADER_BYTES : offsetOf(body);
    if (offset === undefined) return;
    if (unitType(held.codec, body[offset + held.lengthSize] ?? 0) === 'picture') return;
    const found = leadingParameterSets(held, body, offset);
    if (found === undefined || holdsAll(held, found)) return;
    // The body is lent.
    const copied = (units: readonly Uint8Array[]): Uint8Array[] => units.map((unit) => copyBytes(unit));
    const { vps, sps, pps } = found;
    this.#between = merged(this.#between, { vps: copied(vps), sps: copied(sps), pps: copied(pps) });
  }

  /**
   * The body of the sequence header that has to go in front of a keyframe, or undefined when the one that holds is
   * right. The cost is that of the few NAL units in front of the picture.
   *
   * @throws MediaError for parameter sets that can't be read; the configuration stays what it was
   */
  changeIn({ body, codec }: Frame): Uint8Array | undefined {
    const header = parseVideoTagHeader(body);
    if (header?.packetType !== 'coded-frames') return undefined;
    const held = this.#held ?? emptyConfiguration(codec, header.enhanced);
    if (held?.codec !== codec) return undefined;
    const found = merged(this.#between, leadingParameterSets(held, body, header.dataOffset));
    this.#between = undefined;
    // Without a sequence header these are all that there is.
    if (this.#held === undefined && (found === undefined || !isComplete(codec, found))) return undefined;
    const repeated = this.#repeated;
    this.#repeated = false;
    if (found === undefined) {
      if (!repeated || this.#published === undefined) return undefined;
      this.#superseded = false;
      this.#held = readConfiguration(this.#published);
      return this.#published;
    }
    if (holdsAll(held, found)) return undefined;
    const changed = buildHeader(held, found);
    const next = readConfiguration(changed);
    // What came between keyframes may have been taken back by this one.
    if (next !== undefined && holdsAll(held, next) && next.pps.length === held.pps.length) return undefined;
    this.#held = next;
    this.#superseded = true;
    return changed;
  }
}

/** What is built on for a stream that has no sequence header: nearly all have lengths of four bytes. */
function emptyConfiguration(codec: Frame['codec'], enhanced: boolean): Configuration | undefined {
  if (codec !== 'h264' && codec !== 'hevc') return undefined;
  const packetType = 'sequence-header';
  const tagHeader = buildVideoTagHeader({ codec, frameType: VideoFrameType.key, packetType, enhanced });
  return { codec, tagHeader, lengthSize: 4, vps: [], sps: [], pps: [] };
}

function isComplete(codec: Codec, { vps, sps, pps }: ParameterSets): boolean {
  return sps.length > 0 && pps.length > 0 && (codec === 'h264' || vps.length > 0);
}

/** Parameter sets of several pictures; of SPS and VPS, those of the later one. */
function merged(
  earlier: ParameterSets | undefined,
  later: ParameterSets | undefined,
): ParameterSets | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  return {
    vps: later.vps.length > 0 ? later.vps : earlier.vps,
    sps: later.sps.length > 0 ? later.sps : earlier.sps,
    pps: [...earlier.pps, ...later.pps].slice(-MAX_LEADING_UNITS),
  };
}

function readConfiguration(body: Uint8Array): Configuration | undefined {
  const header = parseVideoTagHeader(body);
  if (header?.packetType !== 'sequence-header') return undefined;
  const { codec, dataOffset } = header;
  const tagHeader = body.subarray(0, dataOffset);
  const record = body.subarray(dataOffset);
  try {
    if (codec === 'h264') {
      const { lengthSize, sps, pps } = parseAvcDecoderConfiguration(record);
      return { codec, tagHeader, lengthSize, vps: [], sps: sps.map(trimmed), pps: pps.map(trimmed) };
    }
    if (codec !== 'hevc') return undefined;
    const configuration = parseHevcDecoderConfiguration(record);
    const units = (type: HevcNalType): Uint8Array[] =>
      hevcConfigurationUnits(configuration, type).map(trimmed);
    const { lengthSize } = configuration;
    const [vps, sps, pps] = [units(HevcNalType.vps), units(HevcNalType.sps), units(HevcNalType.pps)];
    return { codec, tagHeader, lengthSize, vps, sps, pps };
  } catch (error) {
    // Such a sequence header is warned of where its facts are read.
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

/** The parameter sets in front of a picture, views of `body`; undefined when there are none. */
function leadingParameterSets(
  { codec, lengthSize }: Configuration,
  body: Uint8Array,
  from: number,
): ParameterSets | undefined {
  const vps: Uint8Array[] = [];
  const sps: Uint8Array[] = [];
  const pps: Uint8Array[] = [];
  let count = 0;
  try {
    for (const { start, end } of nalUnits(body, from, lengthSize)) {
      count += 1;
      const type = unitType(codec, body[start] ?? 0);
      if (type === 'picture' || count > MAX_LEADING_UNITS) break;
      const unit = trimmed(body.subarray(start, end));
      if (type === 'vps') add(codec, vps, unit);
      else if (type === 'sps') add(codec, sps, unit);
      else if (type === 'pps') add(codec, pps, unit);
    }
  } catch (error) {
    // A length that doesn't fit ends the walk; the units before it are whole.
    if (!(error instanceof MediaError)) throw error;
  }
  return vps.length + sps.length + pps.length === 0 ? undefined : { vps, sps, pps };
}

function nalUnits(
  body: Uint8Array,
  from: number,
  lengthSize: NalLengthSize,
): Iterable<{ start: number; end: number }> {
  return startsWithStartCode(body, from) && !lengthsFit(body, from, lengthSize)
    ? annexBUnits(body, from)
    : lengthPrefixedUnits(body, lengthSize, from);
}

/** True when the lengths lead exactly to the end. A length may look like a start code. */
function lengthsFit(body: Uint8Array, from: number, lengthSize: NalLengthSize): boolean {
  let offset = from;
  while (offset + lengthSize <= body.length) {
    let length = 0;
    for (let index = 0; index < lengthSize; index += 1) length = length * 256 + (body[offset + index] ?? 0);
    offset += lengthSize + length;
  }
  return offset === body.length;
}

function unitType(codec: Codec, headerByte: number): 'vps' | 'sps' | 'pps' | 'picture' | 'other' {
  if (codec === 'h264') {
    const type = avcNalType(headerByte);
    if (type === AvcNalType.sps) return 'sps';
    if (type === AvcNalType.pps) return 'pps';
    return type >= AvcNalType.slice && type <= AvcNalType.idrSlice ? 'picture' : 'other';
  }
  const type = hevcNalType(headerByte);
  if (type === HevcNalType.vps) return 'vps';
  if (type === HevcNalType.sps) return 'sps';
  if (type === HevcNalType.pps) return 'pps';
  return type < HevcNalType.vps ? 'picture' : 'other';
}

function add(codec: Codec, units: Uint8Array[], unit: Uint8Array): void {
  if (!holds(codec, units, unit)) units.push(unit);
}

/** Where the NAL units of a tag begin; undefined for a tag without. */
function offsetOf(body: Uint8Array): number | undefined {
  const header = parseVideoTagHeader(body);
  return header?.packetType === 'coded-frames' ? header.dataOffset : undefined;
}

function holdsAll(held: Configuration, found: ParameterSets): boolean {
  const { codec } = held;
  return (
    found.vps.every((unit) => holds(codec, held.vps, unit)) &&
    found.sps.every((unit) => holds(codec, held.sps, unit)) &&
    found.pps.every((unit) => holds(codec, held.pps, unit))
  );
}

/** nal_ref_idc of H.264 says nothing of a parameter set, and differs between record and pictures. */
function holds(codec: Codec, units: readonly Uint8Array[], wanted: Uint8Array): boolean {
  const mask = codec === 'h264' ? 0x1f : 0xff;
  return units.some(
    (unit) =>
      unit.length === wanted.length &&
      (((unit[0] ?? 0) ^ (wanted[0] ?? 0)) & mask) === 0 &&
      bytesEqual(unit.subarray(1), wanted.subarray(1)),
  );
}

/** A new SPS begins a new configuration; without one, a PPS takes the place of the one with its id. */
function buildHeader(held: Configuration, found: ParameterSets): Uint8Array {
  const { codec, lengthSize, tagHeader } = held;
  const spsChanges = !found.sps.every((unit) => holds(codec, held.sps, unit));
  const vps = found.vps.length > 0 ? found.vps : held.vps;
  const sps = spsChanges ? found.sps : held.sps;
  const pps = spsChanges && found.pps.length > 0 ? found.pps : mergedPps(codec, held.pps, found.pps);
  let bytes = 0;
  for (const unit of [...vps, ...sps, ...pps]) bytes += unit.length;
  if (bytes > MAX_CONFIGURATION_BYTES) {
    throw new MediaError(
      'limit-exceeded',
      `${bytes} bytes of parameter sets, the limit is ${MAX_CONFIGURATION_BYTES}`,
    );
  }
  const record =
    codec === 'h264'
      ? buildAvcDecoderConfiguration(avcConfigurationFromParameterSets(sps, pps, lengthSize))
      : buildHevcDecoderConfiguration(hevcConfigurationFromParameterSets(vps, sps, pps, lengthSize));
  return concatBytes([tagHeader, record]);
}

function mergedPps(
  codec: Codec,
  held: readonly Uint8Array[],
  found: readonly Uint8Array[],
): readonly Uint8Array[] {
  const idOf = (unit: Uint8Array): number =>
    (codec === 'h264' ? parseAvcPps(unit) : parseHevcPps(unit)).ppsId;
  const byId = new Map<number, Uint8Array>();
  for (const unit of [...held, ...found]) byId.set(idOf(unit), unit);
  return [...byId.values()];
}

/** Zero bytes behind a NAL unit belong to no unit. */
function trimmed(unit: Uint8Array): Uint8Array {
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end -= 1;
  return end === unit.length ? unit : unit.subarray(0, end);
}
