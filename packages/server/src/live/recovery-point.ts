import { AvcNalType, avcNalType } from '@sluice/media/avc';
import { HevcNalType, hevcNalType } from '@sluice/media/hevc';
import { NAL_LENGTH_BYTES, type Packet } from '@sluice/media/model';

/** NAL units in front of a picture that are looked at. */
const MAX_LEADING_UNITS = 16;
/** Bytes of SEI messages that are looked at. */
const MAX_SEI_BYTES = 2_048;
/** payloadType of the recovery point (ITU-T H.264 and H.265 clause D.1). */
const RECOVERY_POINT = 6;
/** emulation_prevention_three_byte: behind two zero bytes it is no part of the message. */
const EMULATION_PREVENTION = 3;

type UnitKind = 'slice' | 'sei' | 'other';

/**
 * Whether a picture of H.264 or HEVC begins with the SEI message of a recovery point: encoders that refresh their
 * pictures bit by bit send no keyframes, and say in this way where a decoder can start. The cost for most pictures is
 * that of one byte that is looked at.
 */
export function isRecoveryPoint(packet: Packet): boolean {
  const { track, type } = packet;
  const { codec } = track;
  if (type !== 'media' || (codec !== 'h264' && codec !== 'hevc')) return false;
  const size = track.configuration?.nalLengthSize ?? NAL_LENGTH_BYTES;
  if (kindOf(codec, packet.body[packet.payloadStart + size] ?? 0) === 'slice') return false;
  const bytes = packet.payload;
  let offset = 0;
  for (let count = 0; count < MAX_LEADING_UNITS && offset + NAL_LENGTH_BYTES < bytes.length; count += 1) {
    const start = offset + NAL_LENGTH_BYTES;
    offset = start + lengthAt(bytes, offset);
    const kind = kindOf(codec, bytes[start] ?? 0);
    if (kind === 'slice') return false;
    const header = codec === 'h264' ? 1 : 2;
    if (kind === 'sei' && hasRecoveryPoint(bytes.subarray(start + header, offset))) return true;
  }
  return false;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let index = at; index < at + NAL_LENGTH_BYTES; index += 1) length = length * 256 + (bytes[index] ?? 0);
  return length;
}

function kindOf(codec: 'h264' | 'hevc', header: number): UnitKind {
  if (codec === 'h264') {
    const type = avcNalType(header);
    if (type === AvcNalType.sei) return 'sei';
    return type >= AvcNalType.slice && type <= AvcNalType.idrSlice ? 'slice' : 'other';
  }
  const type = hevcNalType(header);
  if (type === HevcNalType.prefixSei) return 'sei';
  return type < HevcNalType.vps ? 'slice' : 'other';
}

/** Walks the messages of an SEI unit (ITU-T H.264 clause 7.3.2.3.1). */
function hasRecoveryPoint(unit: Uint8Array): boolean {
  const end = Math.min(unit.length, MAX_SEI_BYTES);
  let at = 0;
  let zeros = 0;
  /** The next byte of the message; -1 behind the last one. */
  const next = (): number => {
    if (zeros >= 2 && unit[at] === EMULATION_PREVENTION) {
      at += 1;
      zeros = 0;
    }
    if (at >= end) return -1;
    const byte = unit[at] ?? 0;
    at += 1;
    zeros = byte === 0 ? zeros + 1 : 0;
    return byte;
  };
  const number = (): number => {
    let sum = 0;
    for (;;) {
      const byte = next();
      if (byte < 0) return -1;
      sum += byte;
      if (byte !== 0xff) return sum;
    }
  };
  for (;;) {
    const type = number();
    const size = number();
    if (size < 0) return false;
    if (type === RECOVERY_POINT) return true;
    for (let left = size; left > 0; left -= 1) if (next() < 0) return false;
  }
}
