import { bytesToHex, concatBytes, hexToBytes } from '@sluice/media/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import type { RtmpMessage } from '../message/index.ts';
import type { ChunkLimits } from './limits.ts';
import { ChunkReader } from './reader.ts';
import { ChunkWriter } from './writer.ts';

interface ShortMessage {
  readonly id: number;
  readonly type: number;
  readonly stream: number;
  readonly time: number;
  readonly body: string;
}

function makeReader(limits?: Partial<ChunkLimits>): { reader: ChunkReader; messages: RtmpMessage[] } {
  const messages: RtmpMessage[] = [];
  const reader = new ChunkReader({
    ...(limits && { limits }),
    onMessage: (message) => messages.push(message),
  });
  return { reader, messages };
}

function writeIn(reader: ChunkReader, bytes: Uint8Array, step: number): void {
  // The same memory for each piece, overwritten afterwards: what the reader keeps must be a copy.
  const piece = new Uint8Array(step);
  for (let start = 0; start < bytes.length; start += step) {
    const part = bytes.subarray(start, start + step);
    piece.set(part);
    reader.write(piece.subarray(0, part.length));
    piece.fill(0xee);
  }
}

function shorten(messages: readonly RtmpMessage[]): ShortMessage[] {
  return messages.map(({ chunkStreamId, type, streamId, timestamp, payload }) => ({
    id: chunkStreamId,
    type,
    stream: streamId,
    time: timestamp,
    body: bytesToHex(payload),
  }));
}

function failure(action: () => void): RtmpError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RtmpError);
    return error as RtmpError;
  }
  throw new Error('nothing was thrown');
}

function a(body: string, time: number, id = 4): ShortMessage {
  return { id, type: 8, stream: 1, time, body };
}

/** Chunks of messages, in hex, and what they are; read whole and cut in every size up to 5. */
const cases: readonly { name: string; bytes: string; messages: readonly ShortMessage[] }[] = [
  { name: 'R009 type 0', bytes: '04 000005 000002 08 01000000 aabb', messages: [a('aabb', 5)] },
  {
    name: 'R009 types 0, 1, 2 and 3, each a new message',
    bytes: '04 000005 000002 08 01000000 aabb 44 000003 000001 08 cc 84 000004 dd c4 ee',
    messages: [a('aabb', 5), a('cc', 8), a('dd', 12), a('ee', 16)],
  },
  {
    name: 'R014 a type 3 after a type 0 adds its timestamp',
    bytes: '04 000028 000001 08 01000000 aa c4 bb c4 cc',
    messages: [a('aa', 40), a('bb', 80), a('cc', 120)],
  },
  {
    name: 'R009 chunk stream ids of two and three bytes',
    bytes:
      '00 00 000001 000001 08 01000000 aa' +
      '00 ff 000001 000001 08 01000000 bb' +
      '01 0001 000001 000001 08 01000000 cc' +
      '01 ffff 000001 000001 08 01000000 dd' +
      'c0 00 ee c1 ffff ff',
    messages: [
      a('aa', 1, 64),
      a('bb', 1, 319),
      a('cc', 1, 320),
      a('dd', 1, 65599),
      a('ee', 2, 64),
      a('ff', 2, 65599),
    ],
  },
  {
    name: 'R009 a short id in the three-byte form is the same chunk stream',
    bytes: '00 05 000001 000001 08 01000000 aa c1 0500 bb',
    messages: [a('aa', 1, 69), a('bb', 2, 69)],
  },
  {
    name: 'R009 interleaved chunk streams',
    bytes:
      `04 000001 000082 08 01000000 ${'11'.repeat(128)}` +
      '05 000002 000001 08 01000000 99' +
      'c4 2233 c5 98',
    messages: [a('99', 2, 5), a(`${'11'.repeat(128)}2233`, 1), a('98', 4, 5)],
  },
  {
    name: 'R011 extended timestamp repeated in type 3',
    bytes: `04 ffffff 000082 08 01000000 01000000 ${'11'.repeat(128)} c4 01000000 2233`,
    messages: [a(`${'11'.repeat(128)}2233`, 0x100_0000)],
  },
  {
    name: 'R011 extended timestamp not repeated in type 3 (librtmp)',
    bytes: `04 ffffff 000082 08 01000000 01000000 ${'11'.repeat(128)} c4 2233`,
    messages: [a(`${'11'.repeat(128)}2233`, 0x100_0000)],
  },
  {
    name: 'R011 a payload that begins like the extended timestamp and ends before it does',
    bytes: `04 ffffff 000081 08 01000000 01000000 ${'11'.repeat(128)} c4 01 05 000002 000001 08 01000000 99`,
    messages: [a(`${'11'.repeat(128)}01`, 0x100_0000), a('99', 2, 5)],
  },
  {
    name: 'R011 extended timestamp of exactly 0xffffff',
    bytes: '04 ffffff 000001 08 01000000 00ffffff aa',
    messages: [a('aa', 0xff_ffff)],
  },
  {
    name: 'R011 0xfffffe is not extended',
    bytes: '04 fffffe 000001 08 01000000 aa',
    messages: [a('aa', 0xff_fffe)],
  },
  {
    name: 'R011 an extended delta, repeated when the message goes on and in a new message',
    bytes:
      '04 000001 000001 08 01000000 aa' +
      `44 ffffff 000081 08 01000000 ${'11'.repeat(128)} c4 01000000 22` +
      `c4 01000000 ${'33'.repeat(128)} c4 01000000 44`,
    messages: [a('aa', 1), a(`${'11'.repeat(128)}22`, 0x100_0001), a(`${'33'.repeat(128)}44`, 0x200_0001)],
  },
  {
    name: 'R011 the absolute time repeated where the header had a delta',
    bytes: `04 000001 000001 08 01000000 aa 44 ffffff 000081 08 01000000 ${'11'.repeat(128)} c4 01000001 22`,
    messages: [a('aa', 1), a(`${'11'.repeat(128)}22`, 0x100_0001)],
  },
  {
    name: 'R011 after extended timestamps, a delta that is not',
    bytes: '04 ffffff 000001 08 01000000 00fffffe aa 84 000005 bb c4 cc',
    messages: [a('aa', 0xff_fffe), a('bb', 0x100_0003), a('cc', 0x100_0008)],
  },
  {
    name: 'R012 goes on growing across 31 bits',
    bytes:
      '04 ffffff 000001 08 01000000 7fffffff aa 84 000005 bb 04 ffffff 000001 08 01000000 80000010 cc 04 000020 000001 08 01000000 dd',
    messages: [a('aa', 0x7fff_ffff), a('bb', 0x8000_0004), a('cc', 0x8000_0010), a('dd', 0x8000_0020)],
  },
  {
    name: 'R012 goes on growing across 32 bits',
    bytes:
      '04 ffffff 000001 08 01000000 ffffffff aa 84 000005 bb 04 ffffff 000081 08 01000000 fffffffe' +
      `${'11'.repeat(128)} c4 fffffffe 22`,
    messages: [a('aa', 0x7fff_ffff), a('bb', 0x8000_0004), a(`${'11'.repeat(128)}22`, 0x7fff_fffe)],
  },
  {
    name: 'R012 a jump back stays a jump back',
    bytes: '04 0a0000 000001 08 01000000 aa 04 000000 000001 08 01000000 bb',
    messages: [a('aa', 0xa_0000), a('bb', 0)],
  },
  {
    name: 'R012 a delta that wraps 32 bits is a step back',
    bytes: '04 000064 000001 08 01000000 aa 84 ffffff ffffffff bb',
    messages: [a('aa', 100), a('bb', 99)],
  },
  {
    name: 'R013 a fresh chunk stream 2 may start with type 1',
    bytes: '42 000000 000006 04 0006 00000001',
    messages: [{ id: 2, type: 4, stream: 0, time: 0, body: '000600000001' }],
  },
  {
    name: 'R013 any fresh chunk stream may start with type 1: its time is the delta',
    bytes: '70 000021 000001 08 aa b0 000002 bb f0 cc',
    messages: [
      { id: 48, type: 8, stream: 0, time: 0x21, body: 'aa' },
      { id: 48, type: 8, stream: 0, time: 0x23, body: 'bb' },
      { id: 48, type: 8, stream: 0, time: 0x25, body: 'cc' },
    ],
  },
  {
    name: 'R013 a fresh chunk stream with type 1, an extended delta and an id of three bytes',
    bytes: '41 0101 ffffff 000001 08 01000001 aa',
    messages: [{ id: 321, type: 8, stream: 0, time: 0x100_0001, body: 'aa' }],
  },
  {
    name: 'R013 a fresh chunk stream with type 2 has no length yet: an empty message',
    bytes: '82 000005 42 000000 000006 04 0006 00000001',
    messages: [
      { id: 2, type: 0, stream: 0, time: 5, body: '' },
      { id: 2, type: 4, stream: 0, time: 5, body: '000600000001' },
    ],
  },
  {
    name: 'R014 types 1 and 2 within a message are borne when they change nothing',
    bytes:
      `04 000001 000102 08 01000000 ${'11'.repeat(128)}` +
      `44 000000 000102 08 ${'22'.repeat(128)} 84 000000 3344`,
    messages: [a(`${'11'.repeat(128)}${'22'.repeat(128)}3344`, 1)],
  },
  {
    name: 'R015 Set Chunk Size, also within a message of another chunk stream',
    bytes:
      `04 000001 000088 08 01000000 ${'11'.repeat(128)}` +
      '02 000000 000004 01 00000000 00000004 c4 22222222 c4 33333333',
    messages: [
      { id: 2, type: 1, stream: 0, time: 0, body: '00000004' },
      a(`${'11'.repeat(128)}2222222233333333`, 1),
    ],
  },
  {
    name: 'R015 chunk size 1',
    bytes: '02 000000 000004 01 00000000 00000001 04 000001 000003 08 01000000 aa c4 bb c4 cc',
    messages: [{ id: 2, type: 1, stream: 0, time: 0, body: '00000001' }, a('aabbcc', 1)],
  },
  {
    name: 'R015 chunk size 2^31-1',
    bytes: `02 000000 000004 01 00000000 7fffffff 04 000001 000200 08 01000000 ${'aa'.repeat(512)}`,
    messages: [{ id: 2, type: 1, stream: 0, time: 0, body: '7fffffff' }, a('aa'.repeat(512), 1)],
  },
  {
    name: 'R019 Abort drops the unfinished message',
    bytes:
      `04 000001 000082 08 01000000 ${'11'.repeat(128)}` +
      '02 000000 000004 02 00000000 00000004 04 000002 000001 08 01000000 aa',
    messages: [{ id: 2, type: 2, stream: 0, time: 0, body: '00000004' }, a('aa', 2)],
  },
  {
    name: 'R019 messages without a body, also Set Chunk Size and Abort',
    bytes:
      '04 000001 000000 08 01000000 02 000000 000000 01 00000000 02 000000 000000 02 00000000 04 000002 000001 08 01000000 aa',
    messages: [
      a('', 1),
      { id: 2, type: 1, stream: 0, time: 0, body: '' },
      { id: 2, type: 2, stream: 0, time: 0, body: '' },
      a('aa', 2),
    ],
  },
  {
    name: 'R019 Abort of a chunk stream that was never used',
    bytes: '02 000000 000004 02 00000000 00000009 04 000002 000001 08 01000000 aa',
    messages: [{ id: 2, type: 2, stream: 0, time: 0, body: '00000009' }, a('aa', 2)],
  },
];

/** Chunks that end the connection, in hex, and how. */
const refusals: readonly {
  name: string;
  bytes: string;
  code: string;
  number?: number;
  limits?: Partial<ChunkLimits>;
}[] = [
  { name: 'R013 a fresh chunk stream with type 3', bytes: 'c4', code: 'chunk-start', number: 2001 },
  { name: 'R013 a fresh chunk stream 2 with type 3', bytes: 'c2', code: 'chunk-start', number: 2001 },
  {
    name: 'R014 type 0 within a message',
    bytes: `04 000001 000082 08 01000000 ${'11'.repeat(128)} 04 000001 000082 08 01000000`,
    code: 'chunk-start',
    number: 2001,
  },
  {
    name: 'R014 type 1 that changes the length within a message',
    bytes: `04 000001 000082 08 01000000 ${'11'.repeat(128)} 44 000001 000083 08`,
    code: 'packet-size',
    number: 2013,
  },
  { name: 'R015 chunk size 0', bytes: '02 000000 000004 01 00000000 00000000', code: 'chunk-size' },
  { name: 'R015 chunk size 2^31', bytes: '02 000000 000004 01 00000000 80000000', code: 'chunk-size' },
  { name: 'Set Chunk Size of 3 bytes', bytes: '02 000000 000003 01 00000000 000001', code: 'bad-message' },
  { name: 'Abort of 1 byte', bytes: '02 000000 000001 02 00000000 00', code: 'bad-message' },
  {
    name: 'maxMessageBytes',
    bytes: '04 000001 000065 08 01000000',
    code: 'message-too-large',
    limits: { maxMessageBytes: 100 },
  },
  { name: 'maxMessageBytes by default', bytes: '04 000001 ffffff 08 01000000', code: 'message-too-large' },
  {
    name: 'maxChunkStreams',
    bytes: '04 000001 000000 08 01000000 05 000001 000000 08 01000000 06 000001 000000 08 01000000',
    code: 'too-many-chunk-streams',
    limits: { maxChunkStreams: 2 },
  },
  {
    name: 'maxPendingBytes',
    bytes: `04 000001 000100 08 01000000 ${'11'.repeat(128)} 05 000001 000100 08 01000000 22`,
    code: 'pending-limit',
    limits: { maxPendingBytes: 511 },
  },
];

describe('ChunkReader', () => {
  for (const { name, bytes, messages } of cases) {
    for (const step of [1, 2, 3, 5, 1 << 20]) {
      it(`${name}, in pieces of ${step}`, () => {
        const { reader, messages: read } = makeReader();
        writeIn(reader, hexToBytes(bytes.replaceAll(' ', '')), step);
        expect(shorten(read)).toEqual(messages);
        expect(reader.pendingBytes).toBe(0);
      });
    }
  }

  for (const { name, bytes, code, number, limits } of refusals) {
    for (const step of [1, 1 << 20]) {
      it(`refuses: ${name}, in pieces of ${step}`, () => {
        const { reader } = makeReader(limits);
        const error = failure(() => {
          writeIn(reader, hexToBytes(bytes.replaceAll(' ', '')), step);
        });
        expect(error.code).toBe(code);
        if (number !== undefined) {
          expect(error.number).toBe(number);
        }
      });
    }
  }

  it('R011 does not wait for more bytes once the payload differs from the timestamp', () => {
    const { reader, messages } = makeReader();
    reader.write(hexToBytes(`04ffffff000081080100000001000000${'11'.repeat(128)}c422`));
    expect(messages).toHaveLength(1);
  });

  it('holds little for messages that are declared long and never sent, on as many chunk streams as are allowed', () => {
    const { reader } = makeReader();
    const writer = new ChunkWriter();
    const declared = 10 * 1024 * 1024;
    for (let id = 3; id < 3 + 128; id += 1) {
      const chunks = writer.encode({
        chunkStreamId: id,
        type: 9,
        streamId: 1,
        timestamp: 0,
        payload: new Uint8Array(129),
      });
      const header = id < 64 ? 1 : 2;
      chunks.set([declared >>> 16, (declared >>> 8) & 0xff, declared & 0xff], header + 3);
      reader.write(chunks.subarray(0, header + 11 + 128));
    }
    expect(reader.pendingBytes).toBeLessThanOrEqual(128 * 65_536);
    const error = failure(() => {
      reader.write(hexToBytes('0080 000000 a00000 09 01000000'.replaceAll(' ', '')));
    });
    expect(error.code).toBe('too-many-chunk-streams');
  });

  it('grows a long message as it comes and hands over its exact size', () => {
    const { reader, messages } = makeReader();
    const payload = new Uint8Array(1_000_003).map((_, index) => index * 7);
    const writer = new ChunkWriter();
    writer.setChunkSize(60_000);
    const size = writer.encode({
      chunkStreamId: 2,
      type: 1,
      streamId: 0,
      timestamp: 0,
      payload: hexToBytes('0000ea60'),
    });
    const chunks = writer.encode({ chunkStreamId: 6, type: 9, streamId: 1, timestamp: 7, payload });
    writeIn(reader, concatBytes([size, chunks]), 1460);
    expect(messages).toHaveLength(2);
    expect(Buffer.compare(messages[1]?.payload ?? new Uint8Array(), payload)).toBe(0);
    expect(messages[1]?.payload.buffer.byteLength).toBe(payload.length);
    expect(reader.pendingBytes).toBe(0);
  });

  it('R012 keeps tracks in step when one wraps before the other', () => {
    const { reader, messages } = makeReader();
    const writer = new ChunkWriter();
    for (const [type, timestamp] of [
      [8, 0x7fff_fff0],
      [9, 0x7fff_fff8],
      [8, 0x8000_0005],
      [9, 0x0000_000a],
      [8, 0x0000_0014],
      [18, 0],
    ] as const) {
      reader.write(
        writer.encode({
          chunkStreamId: 4 + (type % 4),
          type,
          streamId: 1,
          timestamp,
          payload: new Uint8Array(1),
        }),
      );
    }
    expect(messages.map((message) => message.timestamp)).toEqual([
      0x7fff_fff0, 0x7fff_fff8, 0x8000_0005, 0x8000_000a, 0x8000_0014, 0x8000_0000,
    ]);
  });

  it('reads what ChunkWriter writes, however it is cut', () => {
    const message = fc.record({
      chunkStreamId: fc.oneof(fc.integer({ min: 2, max: 63 }), fc.integer({ min: 64, max: 65_599 })),
      type: fc.constantFrom(4, 8, 9, 18, 20, 99),
      streamId: fc.integer({ min: 0, max: 0xffff_ffff }),
      timestamp: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0xff_fff0, max: 0x100_0010 })),
      payload: fc.uint8Array({ maxLength: 700 }),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 200 }),
        (sent, chunkSize, step) => {
          const { reader, messages } = makeReader();
          const writer = new ChunkWriter();
          const control = Uint8Array.of(0, 0, chunkSize >> 8, chunkSize & 0xff);
          const parts = [
            writer.encode({ chunkStreamId: 2, type: 1, streamId: 0, timestamp: 0, payload: control }),
          ];
          writer.setChunkSize(chunkSize);
          parts.push(writer.encodeAll(sent));
          writeIn(reader, concatBytes(parts), step);
          expect(shorten(messages.slice(1))).toEqual(shorten(sent));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('lends audio and video that come whole, when asked to, and never what it had to put together', () => {
    const lent: boolean[] = [];
    let input = new Uint8Array(0);
    const reader = new ChunkReader({
      lendsMedia: true,
      onMessage: ({ payload }) => lent.push(payload.buffer === input.buffer),
    });
    const writer = new ChunkWriter();
    const media = {
      chunkStreamId: 6,
      type: 9,
      streamId: 1,
      timestamp: 0,
      payload: new Uint8Array(100).fill(7),
    };
    input = new Uint8Array(writer.encode(media));
    reader.write(input);
    // A command is kept by those who get it; a message in two chunks, or in two reads, has memory of its own.
    input = new Uint8Array(writer.encode({ ...media, type: 20 }));
    reader.write(input);
    input = new Uint8Array(writer.encode({ ...media, payload: new Uint8Array(200) }));
    reader.write(input);
    input = new Uint8Array(writer.encode(media));
    reader.write(input.subarray(0, 50));
    reader.write(input.subarray(50));
    expect(lent).toEqual([true, false, false, false]);
  });

  it('throws nothing but RtmpError on mutated chunks, and holds no more than its limit', () => {
    const seeds = cases.map(({ bytes }) => hexToBytes(bytes.replaceAll(' ', '')));
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.integer({ min: 1, max: 64 }),
        (seed, changes, step) => {
          const bytes = seed.slice();
          for (const [at, value] of changes) {
            bytes[at % bytes.length] = value;
          }
          const { reader } = makeReader({ maxPendingBytes: 100_000 });
          try {
            writeIn(reader, bytes, step);
          } catch (error) {
            expect(error).toBeInstanceOf(RtmpError);
          }
          expect(reader.pendingBytes).toBeLessThanOrEqual(100_000);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
