import { MediaError } from '../errors.ts';
import { TS_HEADER_BYTES, TS_PACKET_BYTES, TS_SYNC_BYTE } from './constants.ts';
import { TS_PCR_BYTES, writePcr } from './timestamp.ts';

/** Bytes of a packet behind its header. */
const BODY_BYTES = TS_PACKET_BYTES - TS_HEADER_BYTES;
/** adaptation_field_length, its flags and a PCR. */
const PCR_FIELD_BYTES = 2 + TS_PCR_BYTES;
const RANDOM_ACCESS_AND_PCR = 0x50;

/** Bytes of the packets that carry a PES packet of `pesBytes`, the first of them with a PCR or without. */
export function pesPacketsSize(pesBytes: number, withPcr: boolean): number {
  return Math.ceil((pesBytes + (withPcr ? PCR_FIELD_BYTES : 0)) / BODY_BYTES) * TS_PACKET_BYTES;
}

/**
 * Spreads a PES packet over transport packets, in place (ISO/IEC 13818-1 clause 2.4.3).
 *
 * The PES packet lies at the end of the room, its last byte at `end - 1`: its bytes only ever move towards the front,
 * so one `copyWithin` a packet does it and nothing is allocated. What the last packet lacks is stuffed.
 *
 * @param start Where the packets begin: {@link pesPacketsSize} in front of `end`.
 * @param counter continuity_counter of the first packet, 0..15.
 * @param pcr Ticks of 33 bits for the first packet's PCR; undefined for none.
 * @param randomAccess random_access_indicator of the first packet; it is written only beside a PCR.
 * @returns the continuity_counter of the next packet of this PID.
 */
export function spreadPes(
  target: Uint8Array,
  start: number,
  end: number,
  pesBytes: number,
  pid: number,
  counter: number,
  pcr: number | undefined,
  randomAccess: boolean,
): number {
  let from = end - pesBytes;
  let count = counter;
  for (let packet = start; packet < end; packet += TS_PACKET_BYTES) {
    const first = packet === start;
    const fieldBytes = first && pcr !== undefined ? PCR_FIELD_BYTES : 0;
    const stuffing = Math.max(0, BODY_BYTES - fieldBytes - (end - from));
    const payload = packet + TS_HEADER_BYTES + fieldBytes + stuffing;
    const payloadBytes = packet + TS_PACKET_BYTES - payload;
    target.copyWithin(payload, from, from + payloadBytes);
    from += payloadBytes;
    const hasField = fieldBytes + stuffing > 0;
    writePacketHeader(target, packet, pid, first, hasField, count);
    if (hasField) {
      const field = packet + TS_HEADER_BYTES;
      target[field] = payload - field - 1; // adaptation_field_length
      if (payload - field > 1) {
        target[field + 1] = 0; // the flags of the adaptation field
        if (first && pcr !== undefined) {
          // random_access_indicator, PCR_flag
          target[field + 1] = randomAccess ? RANDOM_ACCESS_AND_PCR : RANDOM_ACCESS_AND_PCR & 0x10;
          writePcr(target, field + 2, pcr);
        }
        target.fill(0xff, field + Math.max(2, fieldBytes), payload); // stuffing_byte
      }
    }
    count = (count + 1) & 0x0f;
  }
  return count;
}

/**
 * Writes one packet that holds a whole section, and returns the offset behind it.
 *
 * @throws MediaError `limit-exceeded` when the section does not fit one packet.
 */
export function writeSectionPacket(
  target: Uint8Array,
  offset: number,
  pid: number,
  counter: number,
  section: Uint8Array,
): number {
  if (section.length > BODY_BYTES - 1) {
    throw new MediaError('limit-exceeded', `a section of ${section.length} bytes, a packet holds 183`);
  }
  writePacketHeader(target, offset, pid, true, false, counter);
  const start = offset + TS_HEADER_BYTES;
  target[start] = 0; // pointer_field
  target.set(section, start + 1);
  const end = offset + TS_PACKET_BYTES;
  target.fill(0xff, start + 1 + section.length, end);
  return end;
}

function writePacketHeader(
  target: Uint8Array,
  offset: number,
  pid: number,
  unitStart: boolean,
  adaptationField: boolean,
  counter: number,
): void {
  target[offset] = TS_SYNC_BYTE; // sync_byte
  // transport_error_indicator, payload_unit_start_indicator, transport_priority, PID
  target[offset + 1] = (unitStart ? 0x40 : 0) | (pid >> 8);
  target[offset + 2] = pid & 0xff;
  // transport_scrambling_control, adaptation_field_control, continuity_counter
  target[offset + 3] = (adaptationField ? 0x30 : 0x10) | counter;
}
