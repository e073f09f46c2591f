import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesEqual, bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  encodeFlvTag,
  FLV_MAX_BODY_BYTES,
  flvHeader,
  FlvReader,
  type FlvReaderOptions,
  type FlvTag,
  flvTagSize,
  FlvTagType,
  FlvWriter,
  parseFlvHeader,
  parseFlvTagHeader,
  writeFlvTagHeader,
} from './index.ts';

/** Tags and their exact bytes in a file. */
const TAGS: readonly (readonly [string, FlvTag])[] = [
  [
    '08 000002 000000 00 000000 af00 0000000d',
    { type: FlvTagType.audio, timestamp: 0, body: hexToBytes('af00') },
  ],
  [
    '09 000005 ffffff 00 000000 1701000000 00000010',
    { type: FlvTagType.video, timestamp: 0xffffff, body: hexToBytes('1701000000') },
  ],
  [
    '09 000001 000000 01 000000 17 0000000c',
    { type: FlvTagType.video, timestamp: 0x1000000, body: hexToBytes('17') },
  ],
  [
    '12 000000 ffffff ff 000000 0000000b',
    { type: FlvTagType.script, timestamp: 0xffffffff, body: new Uint8Array(0) },
  ],
];

const FILE = concatBytes([flvHeader({ audio: true, video: true }), ...TAGS.map(([hex]) => hexToBytes(hex))]);
const FILE_TAGS = TAGS.map(([, tag]) => tag);

/** Writes the bytes in pieces of `size` and gives all tags, or the code of the error. */
function readAll(bytes: Uint8Array, size: number, options?: FlvReaderOptions): FlvTag[] | string {
  const reader = new FlvReader(options);
  const tags: FlvTag[] = [];
  try {
    for (let offset = 0; offset < bytes.length; offset += size) {
      tags.push(...reader.write(bytes.subarray(offset, offset + size)));
    }
    reader.end();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return tags;
}

describe('FLV tags', () => {
  it.each(TAGS)('%s', (hex, tag) => {
    const bytes = hexToBytes(hex);
    expect(bytesToHex(encodeFlvTag(tag))).toBe(bytesToHex(bytes));
    expect(flvTagSize(tag.body.length)).toBe(bytes.length);
  });

  it('the file header says which kinds of tags follow', () => {
    expect(bytesToHex(flvHeader({ audio: true, video: true }))).toBe('464c5601050000000900000000');
    expect(bytesToHex(flvHeader({ audio: true, video: false }))).toBe('464c5601040000000900000000');
    expect(bytesToHex(flvHeader({ audio: false, video: true }))).toBe('464c5601010000000900000000');
  });

  it('the file header is read as it is written', () => {
    for (const flags of [true, false].flatMap((audio) => [true, false].map((video) => ({ audio, video })))) {
      expect(parseFlvHeader(flvHeader(flags))).toEqual({ ...flags, dataOffset: 9 });
    }
    for (const [hex, code] of [
      ['464c5601 05 000000', 'short-read'],
      ['464c5801 05 00000009', 'bad-value'],
      ['464c5602 05 00000009', 'unsupported'],
      ['464c5601 05 00000008', 'bad-value'],
    ] as const) {
      expect(() => parseFlvHeader(hexToBytes(hex)), hex).toThrow(expect.objectContaining({ code }));
    }
    expect(parseFlvHeader(hexToBytes('464c5601 01 ffffffff')).dataOffset).toBe(0xffffffff);
  });

  it.each(TAGS)('the tag header of %s is read where it stands', (hex, { type, timestamp, body }) => {
    const bytes = concatBytes([Uint8Array.of(1, 2), hexToBytes(hex)]);
    expect(parseFlvTagHeader(bytes, 2)).toEqual({ type, timestamp, size: body.length, streamId: 0 });
  });

  it('a tag header that is none, encrypted, or not all there is refused', () => {
    for (const [hex, code] of [
      ['08 000002 000000 00 0000', 'short-read'],
      ['28 000002 000000 00 000000', 'unsupported'],
      ['0a 000002 000000 00 000000', 'bad-value'],
    ] as const) {
      expect(() => parseFlvTagHeader(hexToBytes(hex)), hex).toThrow(expect.objectContaining({ code }));
    }
    expect(() => parseFlvTagHeader(new Uint8Array(20), -1)).toThrow(MediaError);
    expect(parseFlvTagHeader(hexToBytes('c9 000002 000000 00 0000ff'))).toMatchObject({
      type: 9,
      streamId: 255,
    });
  });

  it('a timestamp over 32 bits wraps', () => {
    const target = new Uint8Array(11);
    writeFlvTagHeader(target, 0, FlvTagType.video, 1, 2 ** 32 + 5);
    expect(bytesToHex(target)).toBe('0900000100000500000000');
  });

  it('a body over 24 bits and a target without room are refused', () => {
    const target = new Uint8Array(11);
    const write = (offset: number, size: number) => () =>
      writeFlvTagHeader(target, offset, FlvTagType.video, size, 0);
    expect(write(0, FLV_MAX_BODY_BYTES + 1)).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    expect(write(1, 1)).toThrow(expect.objectContaining({ code: 'short-read' }));
  });
});

describe('FlvReader', () => {
  it.each([FILE.length, 1, 2, 7, 13])('reads a file in pieces of %i bytes', (size) => {
    expect(readAll(FILE, size)).toEqual(FILE_TAGS);
  });

  it('tells what the header announces once it is there', () => {
    const reader = new FlvReader();
    expect(reader.header).toBeUndefined();
    reader.write(flvHeader({ audio: true, video: false }));
    expect(reader.header).toEqual({ audio: true, video: false });
  });

  it('bodies are copies: the caller may use its memory again', () => {
    const memory = FILE.slice();
    const tags = new FlvReader().write(memory);
    memory.fill(0);
    expect(tags).toEqual(FILE_TAGS);
  });

  it('a body that comes in many pieces is put together', () => {
    const body = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
    const tag: FlvTag = { type: FlvTagType.video, timestamp: 40, body };
    const file = concatBytes([flvHeader({ audio: false, video: true }), encodeFlvTag(tag)]);
    const [read] = readAll(file, 1000);
    expect(typeof read === 'object' && bytesEqual(read.body, body)).toBe(true);
  });

  it('end() says whether the data was cut', () => {
    const firstTag = flvTagSize(2);
    for (let length = 0; length <= 13 + firstTag; length++) {
      const reader = new FlvReader();
      reader.write(FILE.subarray(0, length));
      // The tag is whole without the PreviousTagSize behind it, and so is a file without tags.
      const borders = [9, 10, 11, 12, 13, ...Array.from({ length: 5 }, (_, i) => 13 + firstTag - 4 + i)];
      expect([length, reader.end().cut]).toEqual([length, !borders.includes(length)]);
    }
    const reader = new FlvReader();
    reader.write(FILE.subarray(0, 13 + 12));
    expect(reader.end()).toEqual({ cut: true, pendingBytes: 12 });
  });

  const head = '464c5601050000000900000000';
  it.each([
    ['no signature', '464c5701050000000900000000', 'bad-value'],
    ['another version', '464c5602050000000900000000', 'unsupported'],
    ['a header shorter than itself', '464c5601050000000800000000', 'bad-value'],
    ['a header of 4 GB', '464c560105ffffffff00000000', 'limit-exceeded'],
    ['an encrypted tag', `${head}29 000001 000000 00 000000 00 0000000c`, 'unsupported'],
    ['an unknown tag type', `${head}07 000001 000000 00 000000 00 0000000c`, 'bad-value'],
    ['a tag over the limit', `${head}09 000101 000000 00 000000`, 'limit-exceeded'],
  ])('H004 %s is refused', (_name, hex, code) => {
    const bytes = hexToBytes(hex);
    for (const size of [bytes.length, 1]) expect(readAll(bytes, size, { maxTagBytes: 256 })).toBe(code);
  });

  it('a header longer than 9 bytes is passed over', () => {
    const file = concatBytes([hexToBytes('464c5601050000000b ffff 00000000'), FILE.subarray(13)]);
    for (const size of [file.length, 1]) expect(readAll(file, size)).toEqual(FILE_TAGS);
    expect(readAll(file, 1, { maxHeaderBytes: 10 })).toBe('limit-exceeded');
  });

  it('tags in front of a fault are given out, then every call throws', () => {
    const reader = new FlvReader();
    expect(reader.write(concatBytes([FILE, hexToBytes('ff'.repeat(11))]))).toEqual(FILE_TAGS);
    expect(() => reader.write(new Uint8Array(1))).toThrow(MediaError);
    expect(() => reader.end()).toThrow(MediaError);
  });

  it('pieces of any size give the same tags or the same error, also of mutated files', () => {
    const edits = fc.array(fc.tuple(fc.nat(FILE.length - 1), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.integer({ min: 1, max: 40 }), (changes, size) => {
        const bytes = FILE.slice();
        for (const [offset, value] of changes) bytes[offset] = value;
        expect(readAll(bytes, size, { maxTagBytes: 4096 })).toEqual(
          readAll(bytes, bytes.length, { maxTagBytes: 4096 }),
        );
      }),
    );
  });
});

describe('FlvWriter', () => {
  it('puts the file header in front of the first tag', () => {
    const writer = new FlvWriter();
    const parts = FILE_TAGS.map((tag) => writer.write(tag));
    expect(bytesToHex(concatBytes(parts))).toBe(bytesToHex(FILE));
    expect(writer.bytesWritten).toBe(FILE.length);
  });

  it('start() gives the header once', () => {
    const writer = new FlvWriter({ audio: true, video: false });
    expect(bytesToHex(writer.start())).toBe('464c5601040000000900000000');
    expect(writer.start()).toHaveLength(0);
    const [hex, tag] = TAGS[0] ?? ['', FILE_TAGS[0] as FlvTag];
    expect(bytesToHex(writer.write(tag))).toBe(bytesToHex(hexToBytes(hex)));
  });

  it('what it writes is what the reader reads', () => {
    const tag = fc.record({
      type: fc.constantFrom(FlvTagType.audio, FlvTagType.video, FlvTagType.script),
      timestamp: fc.nat(0xffffffff),
      body: fc.uint8Array({ maxLength: 100 }),
    });
    fc.assert(
      fc.property(fc.array(tag), fc.integer({ min: 1, max: 200 }), (tags, size) => {
        const writer = new FlvWriter();
        const file = concatBytes([writer.start(), ...tags.map((each) => writer.write(each))]);
        expect(readAll(file, size)).toEqual(
          tags.map((each) => ({ ...each, body: Uint8Array.from(each.body) })),
        );
      }),
    );
  });
});

describe('FlvReader and the memory of its caller', () => {
  it('keeps nothing of a Node Buffer that is used again', () => {
    const body = Uint8Array.of(0xaf, 1, 2, 3);
    const file = Buffer.from(new FlvWriter().write({ type: FlvTagType.audio, timestamp: 0, body }));
    const [tag] = new FlvReader().write(file);
    file.fill(0);
    expect(tag?.body).toEqual(body);
  });
});
