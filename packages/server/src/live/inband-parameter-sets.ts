import { MediaError } from '@sluice/media';
import {
  annexBUnits,
  avcConfigurationFromParameterSets,
  AvcNalType,
  avcNalType,
  buildAvcDecoderConfiguration,
  lengthPrefixedUnits,
  type NalLengthSize,
  parseAvcPps,
} from '@sluice/media/avc';
import { bytesEqual, copyBytes } from '@sluice/media/bytes';
import {
  buildHevcDecoderConfiguration,
  hevcConfigurationFromParameterSets,
  HevcNalType,
  hevcNalType,
  parseHevcPps,
} from '@sluice/media/hevc';
import {
  type DecoderConfiguration,
  hasStartCodes,
  isNalCodec,
  type NalCodec,
  type Packet,
  type ParameterSets,
  parseDecoderConfiguration,
} from '@sluice/media/model';

/** NAL units in front of a keyframe's picture that are looked at. */
const MAX_LEADING_UNITS = 64;
/** The longest configuration that is built from parameter sets, bytes. */
const MAX_CONFIGURATION_BYTES = 65_536;

/** The parameter sets that a decoder has, without the zero bytes behind them. */
interface HeldParameterSets extends ParameterSets {
  readonly codec: NalCodec;
  readonly lengthSize: NalLengthSize;
}

/**
 * Compares the parameter sets inside H.264 and HEVC keyframes of one track with the configuration that holds. Encoders
 * and relays change the picture without a new configuration; outputs go by configurations only.
 */
export class InbandParameterSets {
  #held: HeldParameterSets | undefined;
  /** What pictures between keyframes have brought: it holds from the next keyframe on. */
  #between: ParameterSets | undefined;
  /** The publisher's latest configuration. */
  #published: DecoderConfiguration | undefined;
  /** The pictures have other parameter sets than the publisher's configuration. */
  #superseded = false;
  /** The publisher has sent its superseded configuration again. */
  #repeated = false;

  /** The publisher's configuration holds from now on. */
  hold(configuration: DecoderConfiguration): void {
    this.#published = configuration;
    this.#superseded = false;
    this.#repeated = false;
    this.#between = undefined;
    this.#held = heldOf(configuration);
  }

  forget(): void {
    this.#published = undefined;
    this.#superseded = false;
    this.#between = undefined;
    this.#held = undefined;
  }

  /** True for the configuration that a keyframe has overruled: only the next keyframe says which one holds. */
  overrules(record: Uint8Array): boolean {
    const published = this.#published;
    if (!this.#superseded || published === undefined || !bytesEqual(published.record, record)) return false;
    this.#repeated = true;
    return true;
  }

  /**
   * A picture between keyframes: encoders may send parameter sets there that later keyframes go by. The cost for most
   * pictures is that of one byte that is looked at.
   */
  note({ body, payloadStart, payloadEnd, track, type }: Packet): void {
    const held = this.#held;
    if (held?.codec !== track.codec || type !== 'media') return;
    if (unitType(held.codec, body[payloadStart + held.lengthSize] ?? 0) === 'picture') return;
    const found = leadingParameterSets(held, body.subarray(0, payloadEnd), payloadStart);
    if (found === undefined || holdsAll(held, found)) return;
    // The body is lent.
    const copied = (units: readonly Uint8Array[]): Uint8Array[] => units.map((unit) => copyBytes(unit));
    const { vps, sps, pps } = found;
    this.#between = merged(this.#between, { vps: copied(vps), sps: copied(sps), pps: copied(pps) });
  }

  /**
   * The configuration that holds from a keyframe on, or undefined when the one that holds is right. The cost is that of
   * the few NAL units in front of the picture.
   *
   * @param parseSps - see {@link parseDecoderConfiguration}
   * @throws MediaError for parameter sets that can't be read; the configuration stays what it was
   */
  changeIn(packet: Packet, parseSps: boolean): DecoderConfiguration | undefined {
    const { body, payloadStart, payloadEnd, track, type } = packet;
    const { codec } = track;
    if (type !== 'media' || !isNalCodec(codec)) return undefined;
    const held = this.#held ?? { codec, lengthSize: 4, vps: [], sps: [], pps: [] };
    if (held.codec !== codec) return undefined;
    const leading = leadingParameterSets(held, body.subarray(0, payloadEnd), payloadStart);
    const found = merged(this.#between, leading);
    this.#between = undefined;
    // Without a configuration these are all that there is.
    if (this.#held === undefined && (found === undefined || !isComplete(codec, found))) return undefined;
    const repeated = this.#repeated;
    this.#repeated = false;
    if (found === undefined) {
      if (!repeated || this.#published === undefined) return undefined;
      this.#superseded = false;
      this.#held = heldOf(this.#published);
      return this.#published;
    }
    if (holdsAll(held, found)) return undefined;
    const changed = parseDecoderConfiguration(codec, buildRecord(held, found), { parseSps });
    const next = heldOf(changed);
    // What came between keyframes may have been taken back by this one.
    if (next !== undefined && holdsAll(held, next) && next.pps.length === held.pps.length) return undefined;
    this.#held = next;
    this.#superseded = true;
    return changed;
  }
}

function isComplete(codec: NalCodec, { vps, sps, pps }: ParameterSets): boolean {
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

function heldOf({
  codec,
  parameterSets,
  nalLengthSize,
}: DecoderConfiguration): HeldParameterSets | undefined {
  if (!isNalCodec(codec) || parameterSets === undefined || nalLengthSize === undefined) return undefined;
  const { vps, sps, pps } = parameterSets;
  return {
    codec,
    lengthSize: nalLengthSize,
    vps: vps.map(trimmed),
    sps: sps.map(trimmed),
    pps: pps.map(trimmed),
  };
}

/** The parameter sets in front of a picture, views of `body`; undefined when there are none. */
function leadingParameterSets(
  { codec, lengthSize }: HeldParameterSets,
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
  return hasStartCodes(body.subarray(from), lengthSize)
    ? annexBUnits(body, from)
    : lengthPrefixedUnits(body, lengthSize, from);
}

function unitType(codec: NalCodec, headerByte: number): 'vps' | 'sps' | 'pps' | 'picture' | 'other' {
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

function add(codec: NalCodec, units: Uint8Array[], unit: Uint8Array): void {
  if (!holds(codec, units, unit)) units.push(unit);
}

function holdsAll(held: HeldParameterSets, found: ParameterSets): boolean {
  const { codec } = held;
  return (
    found.vps.every((unit) => holds(codec, held.vps, unit)) &&
    found.sps.every((unit) => holds(codec, held.sps, unit)) &&
    found.pps.every((unit) => holds(codec, held.pps, unit))
  );
}

/** nal_ref_idc of H.264 says nothing of a parameter set, and differs between record and pictures. */
function holds(codec: NalCodec, units: readonly Uint8Array[], wanted: Uint8Array): boolean {
  const mask = codec === 'h264' ? 0x1f : 0xff;
  return units.some(
    (unit) =>
      unit.length === wanted.length &&
      (((unit[0] ?? 0) ^ (wanted[0] ?? 0)) & mask) === 0 &&
      bytesEqual(unit.subarray(1), wanted.subarray(1)),
  );
}

/** A new SPS begins a new configuration; without one, a PPS takes the place of the one with its id. */
function buildRecord(held: HeldParameterSets, found: ParameterSets): Uint8Array {
  const { codec, lengthSize } = held;
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
  return codec === 'h264'
    ? buildAvcDecoderConfiguration(avcConfigurationFromParameterSets(sps, pps, lengthSize))
    : buildHevcDecoderConfiguration(hevcConfigurationFromParameterSets(vps, sps, pps, lengthSize));
}

function mergedPps(
  codec: NalCodec,
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
