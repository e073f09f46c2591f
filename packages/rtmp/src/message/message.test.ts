import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import { bytesToHex, concatBytes, hexToBytes } from '@sluice/media/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import type { Command, DataMessage } from './index.ts';
import {
  decodeAbort,
  decodeAcknowledgement,
  decodeAggregate,
  decodeCommand,
  decodeData,
  decodeSetChunkSize,
  decodeSetPeerBandwidth,
  decodeSharedObject,
  decodeUserControl,
  decodeWindowAcknowledgementSize,
  encodeAbort,
  encodeAcknowledgement,
  encodeAggregate,
  encodeCommand,
  encodeData,
  encodeSetChunkSize,
  encodeSetPeerBandwidth,
  encodeSharedObject,
  encodeUserControl,
  encodeWindowAcknowledgementSize,
  MAX_AGGREGATE_PARTS,
} from './index.ts';

/** One row: what a body holds, its bytes, and both directions. */
interface Row {
  readonly name: string;
  readonly value: unknown;
  readonly bytes: string;
  readonly encode: () => Uint8Array;
  readonly decode: (payload: Uint8Array) => unknown;
}

function row<Value>(
  name: string,
  value: Value,
  bytes: string,
  encode: (value: Value) => Uint8Array,
  decode: (payload: Uint8Array) => Value,
): Row {
  return { name, value, bytes: bytes.replaceAll(' ', ''), encode: () => encode(value), decode };
}

const connectCommand: Command = {
  name: 'connect',
  transactionId: 1,
  args: [AmfObject.from({ app: 'live' }), null],
};
const connectBytes = '02 0007 636f6e6e656374 00 3ff0000000000000 03 0003 617070 02 0004 6c697665 000009 05';
const metadata: DataMessage = { values: ['onMetaData', AmfEcmaArray.from({ width: 320 })] };
const metadataBytes = '02 000a 6f6e4d65746144617461 08 00000001 0005 7769647468 00 4074000000000000 000009';

const sharedEvents = {
  name: 'chat',
  version: 7,
  persistent: true,
  events: [
    { event: 1 },
    { event: 2 },
    { event: 4, slots: [{ name: 'a', value: 'b' }] },
    { event: 3, slots: [{ name: 'a', value: true }] },
    { event: 5, names: ['a'] },
    { event: 6, values: ['hello'] },
    { event: 7, code: 'c', level: 'l' },
    { event: 8 },
    { event: 9, names: ['a', 'b'] },
    { event: 10, names: [] },
    { event: 11 },
    { event: 'other', eventType: 99, data: Uint8Array.of(1) },
  ],
} as const;
const sharedBytesAmf0 =
  '0004 63686174 00000007 00000002 00000000 01 00000000 02 00000000' +
  '04 00000007 000161 02 000162 03 00000005 000161 01 01 05 00000003 000161' +
  '06 00000008 02 0005 68656c6c6f 07 00000006 000163 00016c 08 00000000' +
  '09 00000006 000161 000162 0a 00000000 0b 00000000 63 00000001 01';
const sharedBytesAmf3 =
  '00 0004 63686174 00000007 00000002 00000000 01 00000000 02 00000000' +
  '04 00000006 000161 06 03 62 03 00000004 000161 03 05 00000003 000161' +
  '06 00000007 06 0b 68656c6c6f 07 00000006 000163 00016c 08 00000000' +
  '09 00000006 000161 000162 0a 00000000 0b 00000000 63 00000001 01';

const rows: readonly Row[] = [
  row('Set Chunk Size', { chunkSize: 60_000 }, '0000ea60', encodeSetChunkSize, decodeSetChunkSize),
  row('Abort', { chunkStreamId: 6 }, '00000006', encodeAbort, decodeAbort),
  row(
    'Acknowledgement',
    { sequenceNumber: 0xffff_fffe },
    'fffffffe',
    encodeAcknowledgement,
    decodeAcknowledgement,
  ),
  row(
    'Window Acknowledgement Size',
    { windowSize: 2_500_000 },
    '002625a0',
    encodeWindowAcknowledgementSize,
    decodeWindowAcknowledgementSize,
  ),
  row(
    'Set Peer Bandwidth',
    { windowSize: 2_500_000, limitType: 2 },
    '002625a002',
    encodeSetPeerBandwidth,
    decodeSetPeerBandwidth,
  ),
  ...([0, 1, 2, 4, 31, 32] as const).map((event) =>
    row(
      `User Control ${event}`,
      { event, streamId: 1 },
      `00${event.toString(16).padStart(2, '0')}00000001`,
      encodeUserControl,
      decodeUserControl,
    ),
  ),
  row(
    'User Control 3',
    { event: 3, streamId: 1, bufferLength: 3000 } as const,
    '00030000000100000bb8',
    encodeUserControl,
    decodeUserControl,
  ),
  row(
    'R018 User Control 6',
    { event: 6, timestamp: 0xfedcba98 } as const,
    '0006fedcba98',
    encodeUserControl,
    decodeUserControl,
  ),
  row(
    'R018 User Control 7',
    { event: 7, timestamp: 1 } as const,
    '000700000001',
    encodeUserControl,
    decodeUserControl,
  ),
  row(
    'User Control of another type',
    { event: 'other', eventType: 26, data: Uint8Array.of(1, 2) } as const,
    '001a0102',
    encodeUserControl,
    decodeUserControl,
  ),
  row(
    'AMF0 command',
    connectCommand,
    connectBytes,
    (value) => encodeCommand(20, value),
    (payload) => decodeCommand(20, payload),
  ),
  row(
    'R021 AMF3 command',
    connectCommand,
    `00${connectBytes}`,
    (value) => encodeCommand(17, value),
    (payload) => decodeCommand(17, payload),
  ),
  row(
    'AMF0 data',
    metadata,
    metadataBytes,
    (value) => encodeData(18, value),
    (payload) => decodeData(18, payload),
  ),
  row(
    'R021 AMF3 data',
    metadata,
    `00${metadataBytes}`,
    (value) => encodeData(15, value),
    (payload) => decodeData(15, payload),
  ),
  row(
    'AMF0 shared object, all events',
    sharedEvents,
    sharedBytesAmf0,
    (value) => encodeSharedObject(19, value),
    (payload) => decodeSharedObject(19, payload) as typeof sharedEvents,
  ),
  row(
    'AMF3 shared object, all events',
    sharedEvents,
    sharedBytesAmf3,
    (value) => encodeSharedObject(16, value),
    (payload) => decodeSharedObject(16, payload) as typeof sharedEvents,
  ),
  row(
    'R020 aggregate',
    [
      { type: 8, timestamp: 0x0100_0005, payload: Uint8Array.of(1, 2) },
      { type: 9, timestamp: 0x0100_000a, payload: Uint8Array.of(3) },
      { type: 18, timestamp: 0x0100_000a, payload: new Uint8Array(0) },
    ],
    '08 000002 000005 01 000000 0102 0000000d 09 000001 00000a 01 000000 03 0000000c 12 000000 00000a 01 000000 0000000b',
    encodeAggregate,
    (payload) => decodeAggregate(0x0100_0005, payload),
  ),
];

describe('message bodies', () => {
  for (const { name, value, bytes, encode, decode } of rows) {
    it(`${name}: encodes`, () => {
      expect(bytesToHex(encode())).toBe(bytes);
    });
    it(`${name}: decodes`, () => {
      expect(decode(hexToBytes(bytes))).toEqual(value);
    });
    it(`${name}: cut or changed, throws nothing but RtmpError`, () => {
      const seed = hexToBytes(bytes);
      for (let length = 0; length < seed.length; length += 1) {
        tolerate(() => decode(seed.subarray(0, length)));
      }
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
          (changes) => {
            const changed = seed.slice();
            for (const [at, to] of changes) {
              changed[at % changed.length] = to;
            }
            tolerate(() => decode(changed));
          },
        ),
      );
    });
  }

  it('R021 reads AMF3 commands and data without the leading zero too', () => {
    expect(decodeCommand(17, hexToBytes(connectBytes.replaceAll(' ', '')))).toEqual(connectCommand);
    expect(decodeData(15, hexToBytes(metadataBytes.replaceAll(' ', '')))).toEqual(metadata);
  });

  it('R020 shifts the parts so that the first has the time of the aggregate', () => {
    const body = encodeAggregate([
      { type: 8, timestamp: 5000, payload: Uint8Array.of(1) },
      { type: 9, timestamp: 5040, payload: Uint8Array.of(2) },
      { type: 9, timestamp: 100, payload: Uint8Array.of(3) },
    ]);
    expect(decodeAggregate(1000, body).map((part) => part.timestamp)).toEqual([1000, 1040, 0]);
    expect(decodeAggregate(1000, body.subarray(0, body.length - 4))).toHaveLength(3);
    expect(decodeAggregate(0, new Uint8Array(0))).toEqual([]);
    const part = { type: 8, timestamp: 0, payload: Uint8Array.of(0x2f) };
    const most = encodeAggregate(Array(MAX_AGGREGATE_PARTS).fill(part));
    expect(decodeAggregate(0, most)).toHaveLength(MAX_AGGREGATE_PARTS);
    expect(() => decodeAggregate(0, concatBytes([most, encodeAggregate([part])]))).toThrow(RtmpError);
    expect(() => decodeAggregate(0, body, 2)).toThrow(RtmpError);
  });

  it('Set Peer Bandwidth without its type is dynamic', () => {
    expect(decodeSetPeerBandwidth(hexToBytes('002625a0'))).toEqual({ windowSize: 2_500_000, limitType: 2 });
  });

  it('a command needs a name; its transaction id may be missing', () => {
    expect(decodeCommand(20, hexToBytes('02000161'))).toEqual({ name: 'a', transactionId: 0, args: [] });
    expect(() => decodeCommand(20, hexToBytes('05'))).toThrow(RtmpError);
    expect(() => decodeCommand(20, new Uint8Array(0))).toThrow(RtmpError);
  });

  it('names the cause of a body that does not decode', () => {
    expect(() => decodeSetChunkSize(Uint8Array.of(1))).toThrow(
      expect.objectContaining({
        code: 'bad-message',
        number: 2007,
        cause: expect.objectContaining({ code: 'short-read' }) as unknown,
      }),
    );
  });
});

function tolerate(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RtmpError);
  }
}
