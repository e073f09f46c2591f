import { ByteWriter } from '@sluice/media/bytes';
import type { ByteReader } from '@sluice/media/bytes';
import { RtmpError } from '../errors.ts';
import { decodeBody } from './decoding.ts';

/** One message inside an aggregate. */
export interface AggregatePart {
  /** 8, 9 or 18 by the book; not checked here. */
  readonly type: number;
  /** ms, 0..2^32-1. */
  readonly timestamp: number;
  /** When decoded: a view of the aggregate's payload. */
  readonly payload: Uint8Array;
}

/** Bytes of a part besides its payload: type, length, timestamp, stream id, and the back pointer behind it. */
const partHeaderBytes = 11;
const backPointerBytes = 4;

/** The most messages in one aggregate by default: a minute of audio and video has about 5,000. */
export const MAX_AGGREGATE_PARTS = 8192;

/**
 * Splits an aggregate message (Adobe RTMP 1.0, 7.1.6), which is laid out like FLV tags. The parts' times are
 * shifted so that the first has the time of the aggregate (Adobe RTMP 1.0, 7.1.6). A missing back pointer at the
 * very end is borne.
 *
 * @param timestamp of the aggregate, in ms
 * @param maxParts more parts are refused before they are read
 * @throws RtmpError `bad-message`
 */
export function decodeAggregate(
  timestamp: number,
  payload: Uint8Array,
  maxParts: number = MAX_AGGREGATE_PARTS,
): AggregatePart[] {
  return decodeBody('aggregate', payload, (reader) => {
    const parts: AggregatePart[] = [];
    let shift: number | undefined;
    while (reader.remaining > 0) {
      if (parts.length >= maxParts) {
        throw new RtmpError('bad-message', `an aggregate of over ${maxParts} messages`);
      }
      const part = readPart(reader);
      shift ??= timestamp - part.timestamp;
      parts.push({ ...part, timestamp: Math.max(0, part.timestamp + shift) });
      reader.skip(Math.min(backPointerBytes, reader.remaining));
    }
    return parts;
  });
}

/** Builds the body of an aggregate; the message itself takes the timestamp of the first part. */
export function encodeAggregate(parts: readonly AggregatePart[]): Uint8Array {
  const writer = new ByteWriter();
  for (const { type, timestamp, payload } of parts) {
    writer.u8(type).u24(payload.length);
    writer.u24(timestamp % 0x100_0000).u8(Math.floor(timestamp / 0x100_0000) & 0xff);
    writer
      .u24(0)
      .bytes(payload)
      .u32(partHeaderBytes + payload.length);
  }
  return writer.finish();
}

function readPart(reader: ByteReader): AggregatePart {
  const type = reader.u8();
  const length = reader.u24();
  const low = reader.u24();
  const timestamp = reader.u8() * 0x100_0000 + low;
  reader.skip(3);
  return { type, timestamp, payload: reader.bytes(length) };
}
