import { concatBytes } from '@sluice/media/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import { ClientHandshake } from './client.ts';
import type { ClientHandshakeOptions } from './client.ts';
import {
  computeDigest,
  digestOffset,
  fillPart,
  findDigest,
  handshakePartBytes,
  handshakeSchemas,
  isAnswer,
  keyOffset,
  playerKey,
  serverKey,
} from './digest.ts';
import { ServerHandshake } from './server.ts';
import type { HandshakeProgress } from './server.ts';

interface Writable {
  write(bytes: Uint8Array): HandshakeProgress;
}

/** Writes in pieces; returns what was replied and what was left over. */
function writeAll(
  target: Writable,
  bytes: Uint8Array,
  step: number,
): { reply: Uint8Array; done: boolean; rest: number } {
  const replies: Uint8Array[] = [];
  let done = false;
  let used = 0;
  for (let start = 0; start < bytes.length && !done; start += step) {
    const progress = target.write(bytes.subarray(start, start + step));
    if (progress.reply !== undefined) {
      replies.push(progress.reply.slice());
    }
    used += progress.used;
    done = progress.done;
  }
  return { reply: concatBytes(replies), done, rest: bytes.length - used };
}

function thrown(action: () => void): RtmpError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RtmpError);
    return error as RtmpError;
  }
  throw new Error('nothing was thrown');
}

const clients: readonly { name: string; options: ClientHandshakeOptions; kind: 'complex' | 'simple' }[] = [
  { name: 'R004 complex, schema 0', options: { schema: 0 }, kind: 'complex' },
  { name: 'R004 complex, schema 1', options: { schema: 1 }, kind: 'complex' },
  { name: 'R006 simple', options: { kind: 'simple' }, kind: 'simple' },
];

describe('handshake', () => {
  for (const { name, options, kind } of clients) {
    for (const step of [1, 700, 1 << 16]) {
      it(`${name}: client and server agree, in pieces of ${step}, and leave the bytes behind it alone`, () => {
        const server = new ServerHandshake(1234);
        const client = new ClientHandshake(options);
        const toClient = writeAll(server, client.start(), step);
        expect(toClient).toMatchObject({ done: false, rest: 0 });
        expect(server.kind).toBe(kind);
        const toServer = writeAll(client, concatBytes([toClient.reply, Uint8Array.of(1, 2, 3)]), step);
        expect(toServer.done).toBe(true);
        expect(client.kind).toBe(kind);
        const end = writeAll(server, concatBytes([toServer.reply, Uint8Array.of(9, 9)]), step);
        expect(end.done).toBe(true);
        if (step > 3) {
          expect(toServer.rest).toBe(3);
          expect(end.rest).toBe(2);
        }
      });
    }
  }

  it('R004 falls back to the simple handshake when no digest is valid', () => {
    const c0c1 = new Uint8Array(1537).fill(7);
    c0c1[0] = 3;
    const server = new ServerHandshake();
    const { reply } = writeAll(server, c0c1, 1537);
    expect(server.kind).toBe('simple');
    expect(Buffer.compare(reply.subarray(1537), c0c1.subarray(1))).toBe(0);
  });

  it("R005 S1 has a digest of the server's key in the client's schema, S2 one keyed by C1's", () => {
    for (const schema of handshakeSchemas) {
      const client = new ClientHandshake({ schema });
      const { reply } = writeAll(new ServerHandshake(), client.start(), 1537);
      expect(reply[0]).toBe(3);
      expect(findDigest(reply.subarray(1, 1537), serverKey)?.schema).toBe(schema);
      const own = findDigest(client.start().subarray(1), playerKey);
      expect(own && isAnswer(reply.subarray(1537), own.digest, serverKey)).toBe(true);
    }
  });

  it('R005 takes any C2', () => {
    const server = new ServerHandshake();
    writeAll(server, new ClientHandshake().start(), 1537);
    expect(writeAll(server, new Uint8Array(1536).fill(0xff), 100).done).toBe(true);
  });

  it('R006 the simple S2 echoes C1', () => {
    const client = new ClientHandshake({ kind: 'simple' });
    const { reply } = writeAll(new ServerHandshake(), client.start(), 1537);
    expect(Buffer.compare(reply.subarray(1537), client.start().subarray(1))).toBe(0);
  });

  it('R007 a complex client goes on with a server that knows only the simple handshake', () => {
    const client = new ClientHandshake();
    const s0s1s2 = new Uint8Array(3073).fill(5);
    s0s1s2[0] = 3;
    const { reply, done } = writeAll(client, s0s1s2, 1000);
    expect(done).toBe(true);
    expect(client.kind).toBe('simple');
    expect(Buffer.compare(reply, s0s1s2.subarray(1, 1537))).toBe(0);
  });

  it('R007 sends C2 as soon as S1 is there', () => {
    const client = new ClientHandshake();
    const { reply } = writeAll(new ServerHandshake(), client.start(), 1537);
    expect(client.write(reply.subarray(0, 1536)).reply).toBeUndefined();
    expect(client.write(reply.subarray(1536, 1537)).reply).toHaveLength(1536);
  });

  it("refuses a complex S2 that doesn't answer C1", () => {
    const client = new ClientHandshake();
    const { reply } = writeAll(new ServerHandshake(), client.start(), 1537);
    const last = reply.length - 1;
    reply[last] = (reply[last] ?? 0) ^ 1;
    expect(thrown(() => client.write(reply)).code).toBe('handshake-failed');
  });

  it('R003 refuses every version but 3, RTMPE by name, at the first byte', () => {
    for (const version of [0, 1, 2, 4, 6, 8, 0x47, 0xff]) {
      const error = thrown(() => new ServerHandshake().write(Uint8Array.of(version)));
      expect(error).toMatchObject({ code: 'handshake-version', number: 2000 });
      expect(error.message.includes('RTMPE')).toBe(version === 6 || version === 8);
      expect(thrown(() => new ClientHandshake().write(Uint8Array.of(version))).code).toBe(
        'handshake-version',
      );
    }
  });

  it('R008 key and digest fit into their blocks wherever the offsets point', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: handshakePartBytes, maxLength: handshakePartBytes }), (part) => {
        for (const schema of handshakeSchemas) {
          const digestBlock = schema === 0 ? 8 + 764 : 8;
          const keyBlock = schema === 0 ? 8 : 8 + 764;
          const digest = digestOffset(part, schema);
          expect(digest).toBeGreaterThanOrEqual(digestBlock + 4);
          expect(digest + 32).toBeLessThanOrEqual(digestBlock + 764);
          const key = keyOffset(part, schema);
          expect(key).toBeGreaterThanOrEqual(keyBlock);
          expect(key + 128).toBeLessThanOrEqual(keyBlock + 760);
        }
      }),
    );
  });

  it('R004 finds a digest at the last place that its block has', () => {
    for (const schema of handshakeSchemas) {
      const part = new Uint8Array(handshakePartBytes);
      fillPart(part, 1, 2, schema, playerKey);
      const block = schema === 0 ? 8 + 764 : 8;
      // 255 + 255 + 217 + 0 = 727, the largest offset.
      part.set([255, 255, 217, 0], block);
      const offset = digestOffset(part, schema);
      expect(offset).toBe(block + 4 + 727);
      part.set(computeDigest(part, offset, playerKey), offset);
      expect(findDigest(part, playerKey)?.schema).toBe(schema);
    }
  });

  it('bears garbage: any bytes behind the version lead to an answer', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 4000 }),
        fc.integer({ min: 1, max: 2000 }),
        (bytes, step) => {
          bytes[0] = 3;
          const { reply } = writeAll(new ServerHandshake(), bytes, step);
          expect(reply.length).toBe(bytes.length >= 1537 ? 3073 : 0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
