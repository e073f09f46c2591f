import { mkdtempSync, realpathSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodeFlvTag, flvHeader, FlvReader, type FlvTag } from '@sluice/media/flv';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { createHttpServer, type HttpServer } from '../http/index.ts';
import { VodDoor } from './door.ts';
import { DEFAULT_FLV_SEEK_LIMITS, seekFlv } from './flv-seek.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-seek-')));
const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const metadata: FlvTag = { type: 18, timestamp: 0, body: Buffer.from('\x02\x00\x0aonMetaData\x05') };
const avcHeader: FlvTag = { type: 9, timestamp: 0, body: Buffer.from([0x17, 0, 0, 0, 0, 1, 2, 3]) };
const aacHeader: FlvTag = { type: 8, timestamp: 0, body: Buffer.from([0xaf, 0, 0x12, 0x10]) };

function video(number: number): FlvTag {
  const body = Buffer.alloc(50 + number, number);
  body.set([number % 5 === 0 ? 0x17 : 0x27, 1, 0, 0, 0]);
  return { type: 9, timestamp: number * 40, body };
}

function audio(number: number): FlvTag {
  return { type: 8, timestamp: number * 40 + 5, body: Buffer.from([0xaf, 1, number, number]) };
}

interface TestFile {
  readonly bytes: Buffer;
  /** Where each tag begins. */
  readonly offsets: readonly number[];
  readonly tags: readonly FlvTag[];
}

function flv(...tags: FlvTag[]): TestFile {
  const pieces: Uint8Array[] = [flvHeader({ audio: true, video: true })];
  const offsets: number[] = [];
  let length = 13;
  for (const tag of tags) {
    offsets.push(length);
    const piece = encodeFlvTag(tag);
    length += piece.length;
    pieces.push(piece);
  }
  return { bytes: Buffer.concat(pieces), offsets, tags };
}

const media = Array.from({ length: 20 }, (_, number) => [video(number), audio(number)]).flat();
const whole = flv(metadata, avcHeader, aacHeader, ...media);

async function start(files: Readonly<Record<string, Uint8Array>>) {
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes);
  const server = await createHttpServer({ version: '1', root: directory, fileDoor: new VodDoor() });
  running.push(server);
  await server.listen([{ host: '127.0.0.1', port: 0 }]);
  const base = `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`;
  return (path: string, init?: RequestInit) => fetch(base + path, init);
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

function read(bytes: Uint8Array): FlvTag[] {
  const reader = new FlvReader();
  const tags = reader.write(bytes);
  expect(reader.end()).toEqual({ cut: false, pendingBytes: 0 });
  return tags;
}

function seek(name: string, query: string, limits = DEFAULT_FLV_SEEK_LIMITS) {
  return stat(join(directory, name)).then(({ size, mtimeMs }) =>
    seekFlv(
      { path: join(directory, name), size, modifiedMs: mtimeMs, below: '' },
      new URLSearchParams(query),
      limits,
    ),
  );
}

const headBytes = Buffer.concat([
  whole.bytes.subarray(0, 13),
  encodeFlvTag(avcHeader),
  encodeFlvTag(aacHeader),
]);

describe('H004 ?start= of an FLV', () => {
  it('sends the header, the sequence headers and the file from there on', async () => {
    const ask = await start({ 'a.flv': whole.bytes, 'a.fhv': whole.bytes });
    const at = whole.offsets[13] ?? 0;
    const expected = Buffer.concat([headBytes, whole.bytes.subarray(at)]);
    for (const path of [`/a.flv?start=${at}`, `/a.fhv?x=1&start=${at}`, `/a.flv?start=000${at}`]) {
      const response = await ask(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('video/x-flv');
      expect(response.headers.get('content-length')).toBe(String(expected.length));
      expect((await bytesOf(response)).equals(expected)).toBe(true);
    }
    const tags = read(expected).map((tag) => ({ ...tag, body: Buffer.from(tag.body) }));
    expect(tags).toEqual([avcHeader, aacHeader, ...whole.tags.slice(13)]);
  });

  it('begins at the next tag when the position is inside one', async () => {
    const ask = await start({ 'a.flv': whole.bytes });
    for (const [index, offset] of whole.offsets.entries()) {
      const next = whole.offsets[index + 1] ?? whole.bytes.length;
      for (const at of [offset + 1, Math.floor((offset + next) / 2), next - 1]) {
        const body = await bytesOf(await ask(`/a.flv?start=${at}`));
        expect(body.equals(Buffer.concat([headBytes, whole.bytes.subarray(next)]))).toBe(true);
      }
    }
  });

  it.each(['', '?start=', '?start=0', '?start=13', '?end=5'])(
    'sends the file itself for %j',
    async (query) => {
      const ask = await start({ 'a.flv': whole.bytes });
      expect((await bytesOf(await ask(`/a.flv${query}`))).equals(whole.bytes)).toBe(true);
    },
  );

  it('sends the head alone at the end of the file', async () => {
    const ask = await start({ 'a.flv': whole.bytes });
    expect((await bytesOf(await ask(`/a.flv?start=${whole.bytes.length}`))).equals(headBytes)).toBe(true);
  });

  it.each(['99999999', '9007199254740993', '9'.repeat(4_000)])('error 3014 for start=%s', async (value) => {
    const ask = await start({ 'a.flv': whole.bytes });
    const response = await ask(`/a.flv?start=${value}`);
    expect(response.status).toBe(416);
    expect(await response.text()).toBe(
      `error 3014: start is beyond the end of the file, which has ${whole.bytes.length} bytes`,
    );
  });

  it.each(['-1', 'abc', '1e3', '0x20', '1.5', 'NaN', 'Infinity', '%00', '٣', '1;2', '%3Cscript%3E'])(
    'answers 400 to start=%s',
    async (value) => {
      const ask = await start({ 'a.flv': whole.bytes });
      const response = await ask(`/a.flv?start=${value}`);
      expect([response.status, await response.text()]).toEqual([400, 'start must be a position in bytes']);
    },
  );

  it('error 3013 without a sequence header, or for what is no FLV', async () => {
    const ask = await start({
      'none.flv': flv(metadata, ...media).bytes,
      'half.flv': flv(aacHeader, ...media).bytes,
      'not.flv': Buffer.from('not an FLV file at all'),
    });
    const texts = [];
    for (const name of ['none', 'half', 'not']) {
      const response = await ask(`/${name}.flv?start=15`);
      expect(response.status).toBe(422);
      texts.push(await response.text());
    }
    expect(texts).toEqual([
      'error 3013: there is no sequence header at the head of the file',
      'error 3013: there is no sequence header at the head of the file',
      'error 3013: the file is no FLV',
    ]);
    expect((await ask('/not.flv')).status).toBe(200);
  });

  it('needs no sequence header for codecs without one', async () => {
    const mp3 = Array.from({ length: 5 }, (_, at): FlvTag => ({
      type: 8,
      timestamp: at,
      body: Buffer.from([0x2f, at]),
    }));
    const file = flv(...mp3);
    const ask = await start({ 'mp3.flv': file.bytes });
    const at = file.offsets[3] ?? 0;
    const body = await bytesOf(await ask(`/mp3.flv?start=${at}`));
    expect(body.equals(Buffer.concat([file.bytes.subarray(0, 13), file.bytes.subarray(at)]))).toBe(true);
  });

  it('goes with HEAD, conditions and ranges', async () => {
    const ask = await start({ 'a.flv': whole.bytes });
    const at = whole.offsets[13] ?? 0;
    const url = `/a.flv?start=${at}`;
    const expected = Buffer.concat([headBytes, whole.bytes.subarray(at)]);
    const head = await ask(url, { method: 'HEAD' });
    const etag = head.headers.get('etag') ?? '';
    expect(head.headers.get('content-length')).toBe(String(expected.length));
    expect(etag).not.toBe((await ask('/a.flv', { method: 'HEAD' })).headers.get('etag'));
    expect((await ask(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const edge = headBytes.length;
    for (const [first, last] of [
      [0, 5],
      [edge - 3, edge - 1],
      [edge - 3, edge + 3],
      [edge, edge],
      [edge + 7, expected.length - 1],
    ] as const) {
      const part = await ask(url, { headers: { range: `bytes=${first}-${last}`, 'if-range': etag } });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${first}-${last}/${expected.length}`);
      expect((await bytesOf(part)).equals(expected.subarray(first, last + 1))).toBe(true);
    }
  });

  it('a file being recorded ends with its last whole tag at worst', async () => {
    const cut = whole.bytes.subarray(0, whole.bytes.length - 9);
    const ask = await start({ 'cut.flv': cut });
    const at = whole.offsets[20] ?? 0;
    const body = await bytesOf(await ask(`/cut.flv?start=${at}`));
    expect(body.equals(Buffer.concat([headBytes, cut.subarray(at)]))).toBe(true);
    const last = whole.offsets.at(-1) ?? 0;
    expect((await bytesOf(await ask(`/cut.flv?start=${last}`))).equals(headBytes)).toBe(true);
  });

  it('finds a tag where it is asked for though PreviousTagSize is wrong', async () => {
    const bytes = Buffer.from(whole.bytes);
    for (const offset of whole.offsets) bytes.writeUInt32BE(0, offset - 4);
    const ask = await start({ 'odd.flv': bytes });
    const at = whole.offsets[13] ?? 0;
    expect(
      (await bytesOf(await ask(`/odd.flv?start=${at}`)))
        .subarray(headBytes.length)
        .equals(bytes.subarray(at)),
    ).toBe(true);
  });

  it('looks no further than its limits', async () => {
    const big: FlvTag = {
      type: 9,
      timestamp: 0,
      body: Buffer.concat([Buffer.from([0x27, 1, 0, 0, 0]), Buffer.alloc(2_000, 1)]),
    };
    await writeFile(join(directory, 'big.flv'), flv(avcHeader, aacHeader, big, ...media).bytes);
    await expect(
      seek('big.flv', 'start=100', { ...DEFAULT_FLV_SEEK_LIMITS, maxSearchBytes: 1_000 }),
    ).resolves.toMatchObject({
      status: 416,
      text: 'error 3014: no tag begins within 1000 bytes after start',
    });
    await expect(seek('big.flv', 'start=100')).resolves.toMatchObject({ kind: 'spliced' });
    await expect(
      seek('big.flv', 'start=100', { ...DEFAULT_FLV_SEEK_LIMITS, maxSequenceHeaderBytes: 7 }),
    ).resolves.toMatchObject({ status: 422 });
    await expect(
      seek('big.flv', 'start=100', { ...DEFAULT_FLV_SEEK_LIMITS, maxHeadTags: 1 }),
    ).resolves.toMatchObject({ kind: 'spliced', head: { length: 13 + encodeFlvTag(avcHeader).length } });
  });

  it('answers, whatever the file', async () => {
    const name = 'mutated.flv';
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.bytes.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(whole.bytes.length),
        fc.nat(whole.bytes.length + 10),
        async (changes, length, at) => {
          const bytes = Buffer.from(whole.bytes);
          for (const [position, value] of changes) bytes[position] = value;
          await writeFile(join(directory, name), bytes.subarray(0, length));
          const answer = await seek(name, `start=${at}`);
          if (answer?.kind === 'spliced') {
            expect(answer.from).toBeGreaterThanOrEqual(at);
            expect(answer.from).toBeLessThanOrEqual(length);
            expect(answer.head.length).toBeLessThanOrEqual(length + 13);
          } else {
            expect(answer === undefined || answer.kind === 'refused').toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
