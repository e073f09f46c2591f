import fc from 'fast-check';
import { encodeFlvTag, flvHeader } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';
import { ChunkStreamId, encodeDeltaMessage, encodeFullMessage, MessageType } from './chunk-encoder.ts';
import {
  ChunkScanner,
  MAX_CONTROL_MESSAGE_BYTES,
  MAX_SCANNED_CHUNK_STREAMS,
  type ScannedMessage,
} from './chunk-scanner.ts';
import { BenchError } from './errors.ts';
import {
  ChunkedBody,
  FlvScanner,
  MAX_RESPONSE_HEAD_BYTES,
  ResponseHead,
  WebSocketBody,
} from './flv-scanner.ts';

interface Writer {
  write(bytes: Buffer): unknown;
}

/** What a scanner tells of the bytes: whole, or byte by byte. */
function scan(
  bytes: Uint8Array,
  step: number,
  make: (tell: (message: ScannedMessage) => void) => Writer,
): string[] {
  const seen: string[] = [];
  const scanner = make(({ type, length, body }) =>
    seen.push(`${type} ${length} ${Buffer.from(body).toString('hex')}`),
  );
  for (let at = 0; at < bytes.length; at += step) scanner.write(Buffer.from(bytes.subarray(at, at + step)));
  return seen;
}

function chunks(tell: (message: ScannedMessage) => void): Writer {
  return new ChunkScanner(tell);
}

function flv(tell: (message: ScannedMessage) => void): Writer {
  return new FlvScanner(tell);
}

const frame = Uint8Array.from({ length: 300 }, (_, index) => index & 0xff);
const session = Buffer.concat([
  encodeFullMessage(message(ChunkStreamId.command, MessageType.command, frame.subarray(0, 200)), 128),
  encodeFullMessage(
    message(ChunkStreamId.control, MessageType.setChunkSize, Uint8Array.of(0, 0, 0, 200)),
    128,
  ),
  encodeFullMessage(message(ChunkStreamId.video, MessageType.video, frame), 200),
  encodeFullMessage(message(ChunkStreamId.audio, MessageType.audio, new Uint8Array(0)), 200),
  encodeDeltaMessage(ChunkStreamId.video, MessageType.video, 40, frame.subarray(0, 20)),
]);
const head = Buffer.from(frame.subarray(0, 16)).toString('hex');
const sessionMessages = [
  `20 200 ${Buffer.from(frame.subarray(0, 200)).toString('hex')}`,
  '1 4 000000c8',
  `9 300 ${head}`,
  '8 0 ',
  `9 20 ${head}`,
];

function message(chunkStreamId: ChunkStreamId, type: MessageType, payload: Uint8Array) {
  return { chunkStreamId, type, streamId: 1, timestamp: 0, payload };
}

describe('ChunkScanner', () => {
  it.each([1, 7, 100_000])('reads a session in steps of %i bytes', (step) => {
    expect(scan(session, step, chunks)).toEqual(sessionMessages);
  });

  it('follows interleaved chunk streams, type-3 message starts and long ids', () => {
    const bytes = Buffer.from(
      // id 64 + 6: type 0, 130 bytes; id 4 in between; the rest of id 70; then a type-3 start on id 4
      `0006` +
        '00000000008209' +
        '01000000' +
        '11'.repeat(128) +
        '0400000000000208' +
        '01000000aabb' +
        'c006' +
        '2222' +
        'c4ccdd',
      'hex',
    );
    const expected = ['8 2 aabb', `9 130 ${'11'.repeat(16)}`, '8 2 ccdd'];
    expect(scan(bytes, bytes.length, chunks)).toEqual(expected);
    expect(scan(bytes, 1, chunks)).toEqual(expected);
  });

  it('R011 reads extended timestamps, repeated in type-3 chunks', () => {
    const bytes = Buffer.from(
      '06ffffff00008209' +
        '0100000001000000' +
        '33'.repeat(128) +
        'c601000000' +
        '4444' +
        '0400000000000108' +
        '01000000ee',
      'hex',
    );
    expect(scan(bytes, 1, chunks)).toEqual([`9 130 ${'33'.repeat(16)}`, '8 1 ee']);
  });

  it('refuses messages and chunk streams beyond its limits', () => {
    const long = encodeFullMessage(message(ChunkStreamId.command, MessageType.command, new Uint8Array(1)));
    Buffer.from(long.buffer).writeUIntBE(MAX_CONTROL_MESSAGE_BYTES + 1, 4, 3);
    expect(() => scan(long, 1, chunks)).toThrow(BenchError);
    const many = Buffer.concat(
      Array.from({ length: MAX_SCANNED_CHUNK_STREAMS + 1 }, (_, index) =>
        Buffer.from([0, index, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 0]),
      ),
    );
    expect(() => scan(many, many.length, chunks)).toThrow(/chunk streams/);
  });

  it('throws nothing but BenchError for mutated sessions', () => {
    fc.assert(
      fc.property(fc.nat(session.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const mutated = Buffer.from(session);
        mutated[at] = value;
        try {
          scan(mutated, 50, chunks);
        } catch (error) {
          expect(error).toBeInstanceOf(BenchError);
        }
      }),
    );
  });
});

const flvBytes = Buffer.concat([
  flvHeader({ audio: true, video: true }),
  encodeFlvTag({ type: 9, timestamp: 1, body: frame }),
  encodeFlvTag({ type: 8, timestamp: 2, body: new Uint8Array(0) }),
  encodeFlvTag({ type: 8, timestamp: 3, body: Uint8Array.of(0xaf, 1) }),
]);
const flvMessages = [`9 300 ${head}`, '8 0 ', '8 2 af01'];

describe('FlvScanner', () => {
  it.each([1, 13, 100_000])('reads a file in steps of %i bytes', (step) => {
    expect(scan(flvBytes, step, flv)).toEqual(flvMessages);
  });

  it('refuses what is no FLV', () => {
    expect(() => scan(Buffer.from('<!doctype html><html>'), 5, flv)).toThrow(BenchError);
  });
});

describe('ChunkedBody and WebSocketBody', () => {
  it.each([1, 3, 100_000])('take the framing off, in steps of %i bytes', (step) => {
    const parts = [flvBytes.subarray(0, 5), flvBytes.subarray(5, 200), flvBytes.subarray(200)];
    const chunked = Buffer.concat([
      ...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
      Buffer.from('0\r\n\r\n'),
    ]);
    const through =
      (make: (pass: (bytes: Buffer) => void) => Writer) => (tell: (message: ScannedMessage) => void) => {
        const scanner = new FlvScanner(tell);
        return make((bytes) => {
          scanner.write(bytes);
        });
      };
    expect(
      scan(
        chunked,
        step,
        through((pass) => new ChunkedBody(pass)),
      ),
    ).toEqual(flvMessages);
    const ping = Buffer.from([0x89, 2, 1, 2]);
    const long = Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0]), flvBytes]);
    long.writeUIntBE(flvBytes.length, 4, 6);
    const short = Buffer.concat([Buffer.from([0x82, 5]), flvBytes.subarray(0, 5), ping]);
    const middle = Buffer.concat([Buffer.from([0x82, 126, 0, 0]), flvBytes.subarray(5)]);
    middle.writeUInt16BE(flvBytes.length - 5, 2);
    const webSocket = through((pass) => new WebSocketBody(pass));
    expect(scan(long, step, webSocket)).toEqual(flvMessages);
    expect(scan(Buffer.concat([short, middle]), step, webSocket)).toEqual(flvMessages);
  });
});

describe('ResponseHead', () => {
  it('finds status, headers and rest, whole and byte by byte', () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nrest';
    const whole = new ResponseHead().write(Buffer.from(text));
    expect(whole).toMatchObject({ status: 200, statusLine: 'HTTP/1.1 200 OK' });
    expect(whole?.headers).toContain('transfer-encoding: chunked');
    expect(whole?.rest.toString()).toBe('rest');
    const slow = new ResponseHead();
    const answers = Array.from(text.slice(0, -4), (character) => slow.write(Buffer.from(character)));
    expect(answers.at(-1)).toMatchObject({ status: 200 });
    expect(answers.at(-2)).toBeUndefined();
  });

  it('refuses a head without end and an answer that is no HTTP', () => {
    expect(() => new ResponseHead().write(Buffer.alloc(MAX_RESPONSE_HEAD_BYTES, 'a'))).toThrow(BenchError);
    expect(() => new ResponseHead().write(Buffer.from('SSH-2.0\r\n\r\n'))).toThrow(BenchError);
  });
});
