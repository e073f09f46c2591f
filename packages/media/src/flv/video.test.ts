import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildVideoTagHeader,
  parseVideoTagHeader,
  VideoFrameType,
  type VideoTagHeader,
  type VideoTagHeaderOptions,
} from './index.ts';

const { key, inter, disposableInter, generatedKey, command } = VideoFrameType;

/** Header bytes, what they say, and what builds them. */
const HEADERS: readonly (readonly [string, Partial<VideoTagHeader>, VideoTagHeaderOptions])[] = [
  [
    '1700000000',
    { codec: 'h264', packetType: 'sequence-header', keyframe: false, dataOffset: 5, enhanced: false },
    { codec: 'h264', frameType: key, packetType: 'sequence-header' },
  ],
  [
    '1701000050',
    { codec: 'h264', packetType: 'coded-frames', keyframe: true, compositionTime: 80, dataOffset: 5 },
    { codec: 'h264', frameType: key, compositionTime: 80 },
  ],
  [
    '2701ffffd8',
    { codec: 'h264', keyframe: false, frameType: inter, compositionTime: -40 },
    { codec: 'h264', frameType: inter, compositionTime: -40 },
  ],
  ['1701800000', { compositionTime: -8388608 }, { codec: 'h264', frameType: key, compositionTime: -8388608 }],
  ['17017fffff', { compositionTime: 8388607 }, { codec: 'h264', frameType: key, compositionTime: 8388607 }],
  [
    '1702000000',
    { codec: 'h264', packetType: 'end-of-sequence', keyframe: false },
    { codec: 'h264', frameType: key, packetType: 'end-of-sequence' },
  ],
  [
    '1c01000028',
    { codec: 'hevc', compositionTime: 40, keyframe: true, enhanced: false, fourCC: undefined },
    { codec: 'hevc', frameType: key, compositionTime: 40, enhanced: false },
  ],
  [
    '1d00000000',
    { codec: 'av1', packetType: 'sequence-header' },
    { codec: 'av1', frameType: key, packetType: 'sequence-header', enhanced: false },
  ],
  [
    '12',
    { codec: 'h263', keyframe: true, packetType: 'coded-frames', dataOffset: 1 },
    { codec: 'h263', frameType: key },
  ],
  ['23', { codec: 'screen', keyframe: false }, { codec: 'screen', frameType: inter }],
  ['34', { codec: 'vp6', frameType: disposableInter }, { codec: 'vp6', frameType: disposableInter }],
  [
    '45',
    { codec: 'vp6a', frameType: generatedKey, keyframe: true },
    { codec: 'vp6a', frameType: generatedKey },
  ],
  ['16', { codec: 'screen2' }, { codec: 'screen2', frameType: key }],
  [
    '57',
    { codec: 'h264', packetType: 'command', keyframe: false, dataOffset: 1 },
    { codec: 'h264', frameType: command, packetType: 'command' },
  ],
  [
    '9068766331',
    {
      codec: 'hevc',
      packetType: 'sequence-header',
      enhanced: true,
      fourCC: 'hvc1',
      dataOffset: 5,
      keyframe: false,
    },
    { codec: 'hevc', frameType: key, packetType: 'sequence-header' },
  ],
  [
    '9168766331000028',
    { codec: 'hevc', packetType: 'coded-frames', keyframe: true, compositionTime: 40, dataOffset: 8 },
    { codec: 'hevc', frameType: key, compositionTime: 40 },
  ],
  [
    'a368766331',
    { codec: 'hevc', packetType: 'coded-frames', keyframe: false, compositionTime: 0, dataOffset: 5 },
    { codec: 'hevc', frameType: inter },
  ],
  [
    '9168' + '766331ffffd8',
    { codec: 'hevc', compositionTime: -40 },
    { codec: 'hevc', frameType: key, compositionTime: -40 },
  ],
  ['9368766331', { codec: 'hevc', packetType: 'coded-frames' }, { codec: 'hevc', frameType: key }],
  [
    '9161763031',
    { codec: 'av1', packetType: 'coded-frames', keyframe: true, dataOffset: 5, fourCC: 'av01' },
    { codec: 'av1', frameType: key },
  ],
  [
    '9561763031',
    { codec: 'av1', packetType: 'mpeg2ts-sequence-header' },
    { codec: 'av1', frameType: key, packetType: 'mpeg2ts-sequence-header' },
  ],
  [
    '9276703039',
    { codec: 'vp9', packetType: 'end-of-sequence' },
    { codec: 'vp9', frameType: key, packetType: 'end-of-sequence' },
  ],
  ['a176703038', { codec: 'vp8', keyframe: false }, { codec: 'vp8', frameType: inter }],
  [
    '9176766331000001',
    { codec: 'vvc', compositionTime: 1 },
    { codec: 'vvc', frameType: key, compositionTime: 1 },
  ],
  [
    '9161766331000014',
    { codec: 'h264', enhanced: true, fourCC: 'avc1', compositionTime: 20 },
    { codec: 'h264', frameType: key, compositionTime: 20, enhanced: true },
  ],
  [
    '9468766331',
    { codec: 'hevc', packetType: 'metadata', keyframe: false },
    { codec: 'hevc', frameType: key, packetType: 'metadata' },
  ],
];

describe('video tag header', () => {
  it.each(HEADERS)('%s is read', (hex, facts) => {
    expect(parseVideoTagHeader(hexToBytes(`${hex}aabb`))).toMatchObject(facts);
  });

  it.each(HEADERS)('%s is built', (hex, _facts, options) => {
    expect(bytesToHex(buildVideoTagHeader(options))).toBe(hex);
  });

  it.each(HEADERS)('%s cut anywhere is no header and no exception', (hex) => {
    const bytes = hexToBytes(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(parseVideoTagHeader(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it('an empty body has no header', () => {
    expect(parseVideoTagHeader(new Uint8Array(0))).toBeUndefined();
  });

  it('P011 frame types and codec ids out of range are reported as they are', () => {
    expect(parseVideoTagHeader(hexToBytes('0f'))).toMatchObject({
      codec: 'unknown',
      frameType: 0,
      keyframe: false,
    });
    expect(parseVideoTagHeader(hexToBytes('7700000000'))).toMatchObject({ codec: 'h264', frameType: 7 });
    expect(parseVideoTagHeader(hexToBytes('1703000000'))).toMatchObject({
      packetType: 'unknown',
      keyframe: false,
    });
    expect(parseVideoTagHeader(hexToBytes('9168656c6f'))).toMatchObject({ codec: 'unknown', fourCC: 'helo' });
    expect(parseVideoTagHeader(hexToBytes('9868766331'))).toMatchObject({
      packetType: 'unknown',
      keyframe: false,
    });
  });

  it('P015 an enhanced command frame has no FourCC', () => {
    expect(parseVideoTagHeader(hexToBytes('d001'))).toMatchObject({
      packetType: 'command',
      fourCC: undefined,
      dataOffset: 1,
    });
    expect(parseVideoTagHeader(hexToBytes('d0'))).toBeUndefined();
  });

  it('modifiers in front of the packet type are passed over', () => {
    // A timestamp offset of three bytes, then coded frames X.
    expect(parseVideoTagHeader(hexToBytes('97 02 0f4240 03 68766331 aa'))).toMatchObject({
      codec: 'hevc',
      packetType: 'coded-frames',
      keyframe: true,
      dataOffset: 10,
    });
    // Two of them, the second with a 16-bit size of 256 + 1 bytes.
    const long = hexToBytes(`97 00 00 07 ff 0100 ${'00'.repeat(257)} 03 61763031`);
    expect(parseVideoTagHeader(long)).toMatchObject({
      codec: 'av1',
      packetType: 'coded-frames',
      dataOffset: 269,
    });
    for (let length = 0; length < long.length; length++) {
      expect(parseVideoTagHeader(long.subarray(0, length))).toBeUndefined();
    }
  });

  it('nanoseconds of modifiers', () => {
    const nanosecondsOf = (hex: string): number | undefined =>
      parseVideoTagHeader(hexToBytes(hex))?.nanoseconds;
    expect(nanosecondsOf('97 02 0003e8 03 68766331')).toBe(1000);
    expect(nanosecondsOf('97 02 ffffff 03 68766331')).toBe(999_999);
    // The last one of several holds; one of another type, or of too few bytes, says none.
    expect(nanosecondsOf('97 02 000001 07 02 000002 03 68766331')).toBe(2);
    expect(nanosecondsOf('97 02 000001 13 68766331')).toBe(0);
    expect(nanosecondsOf('97 01 0001 03 68766331')).toBe(0);
    // More bytes than needed.
    expect(nanosecondsOf('97 03 00000500 03 68766331')).toBe(5);
    expect(nanosecondsOf('97 02 000007 06 03 68766331 01 aa')).toBe(7);
    expect(nanosecondsOf('d7 02 000007 00 01')).toBe(7);
    expect(nanosecondsOf('93 68766331')).toBe(0);
    expect(nanosecondsOf('1701000000')).toBe(0);
  });

  it('multitrack: one track', () => {
    expect(parseVideoTagHeader(hexToBytes('96 01 68766331 05 000028 aa'))).toEqual({
      codec: 'hevc',
      frameType: key,
      keyframe: true,
      packetType: 'multitrack',
      compositionTime: 40,
      dataOffset: 10,
      enhanced: true,
      fourCC: 'hvc1',
      nanoseconds: 0,
      multitrack: {
        multitrackType: 0,
        packetType: 'coded-frames',
        tracks: [
          { trackId: 5, codec: 'hevc', fourCC: 0x68766331, compositionTime: 40, dataOffset: 10, dataEnd: 11 },
        ],
        complete: true,
      },
    });
    // The size that other types have is the payload's.
    expect(parseVideoTagHeader(hexToBytes('96 03 68766331 05 000028 aa'))).toMatchObject({
      compositionTime: 0,
      dataOffset: 7,
      multitrack: { tracks: [{ trackId: 5, compositionTime: 0, dataOffset: 7, dataEnd: 11 }] },
    });
  });

  it('multitrack: several tracks of one codec, each with its composition time', () => {
    const hex = '96 11 61766331 00 000005 000014 6588 01 000004 ffffd8 41 02 000003 000000';
    const header = parseVideoTagHeader(hexToBytes(hex));
    expect(header).toMatchObject({ codec: 'h264', keyframe: true, compositionTime: 20, dataOffset: 13 });
    expect(header?.multitrack).toMatchObject({
      multitrackType: 1,
      packetType: 'coded-frames',
      complete: true,
    });
    expect(header?.multitrack?.tracks).toMatchObject([
      { trackId: 0, compositionTime: 20, dataOffset: 13, dataEnd: 15 },
      { trackId: 1, compositionTime: -40, dataOffset: 22, dataEnd: 23 },
      { trackId: 2, compositionTime: 0, dataOffset: 30, dataEnd: 30 },
    ]);
  });

  it('multitrack: several codecs, of which some have composition times', () => {
    const hex = 'a6 21 61766331 00 000004 000014 41 76703039 01 000002 8600 68766331 02 000004 000028 02';
    const header = parseVideoTagHeader(hexToBytes(hex));
    expect(header).toMatchObject({ codec: 'h264', frameType: inter, keyframe: false });
    expect(header?.multitrack?.tracks).toMatchObject([
      { trackId: 0, codec: 'h264', compositionTime: 20, dataOffset: 13, dataEnd: 14 },
      { trackId: 1, codec: 'vp9', compositionTime: 0, dataOffset: 22, dataEnd: 24 },
      { trackId: 2, codec: 'hevc', compositionTime: 40, dataOffset: 35, dataEnd: 36 },
    ]);
    expect(header?.multitrack?.complete).toBe(true);
  });

  it('multitrack: sequence headers and coded frames X have no composition times', () => {
    expect(parseVideoTagHeader(hexToBytes('96 10 61763031 00 000004 81000c00 01 000001 81'))).toMatchObject({
      codec: 'av1',
      keyframe: false,
      dataOffset: 10,
      multitrack: {
        packetType: 'sequence-header',
        tracks: [
          { trackId: 0, dataOffset: 10, dataEnd: 14 },
          { trackId: 1, dataOffset: 18, dataEnd: 19 },
        ],
      },
    });
    expect(parseVideoTagHeader(hexToBytes('96 23 76703039 02 000001 00'))).toMatchObject({
      codec: 'vp9',
      keyframe: true,
      multitrack: { multitrackType: 2, packetType: 'coded-frames', tracks: [{ trackId: 2, dataEnd: 11 }] },
    });
    expect(parseVideoTagHeader(hexToBytes('96 13 68766331 00 000004 00000001 '))).toMatchObject({
      compositionTime: 0,
      multitrack: { tracks: [{ compositionTime: 0, dataOffset: 10, dataEnd: 14 }] },
    });
  });

  it('multitrack: parts that are cut are left out, but for the first', () => {
    const whole = hexToBytes('96 11 61766331 00 000005 000014 6588 01 000005 ffffd8 41ff');
    const tracksOf = (length: number): (readonly [number, number])[] | undefined => {
      const multitrack = parseVideoTagHeader(whole.subarray(0, length))?.multitrack;
      expect(multitrack?.complete).toBe(multitrack && (length === 24 || length <= 15));
      return multitrack?.tracks.map(({ trackId, dataEnd }) => [trackId, dataEnd] as const);
    };
    expect(tracksOf(whole.length)).toEqual([
      [0, 15],
      [1, 24],
    ]);
    for (let length = 16; length < whole.length; length += 1) expect(tracksOf(length)).toEqual([[0, 15]]);
    expect(tracksOf(15)).toEqual([[0, 15]]);
    expect(tracksOf(14)).toEqual([[0, 14]]);
    expect(tracksOf(13)).toEqual([[0, 13]]);
    for (let length = 0; length < 13; length += 1) expect(tracksOf(length)).toBeUndefined();
  });

  it('multitrack: a part that is too short for its composition time', () => {
    expect(parseVideoTagHeader(hexToBytes('96 11 61766331 00 000002 aabb cc'))).toBeUndefined();
    const hex = '96 11 61766331 00 000004 000000 aa 01 000002 aabb';
    expect(parseVideoTagHeader(hexToBytes(hex))?.multitrack).toMatchObject({
      tracks: [{ trackId: 0 }],
      complete: false,
    });
  });

  it('multitrack: 16 tracks are read, and it is said that there are more', () => {
    const bodyOf = (count: number): Uint8Array => {
      const part = (_: unknown, id: number): string => `${id.toString(16).padStart(2, '0')} 000001 aa`;
      return hexToBytes(`96 11 61763031 ${Array.from({ length: count }, part).join('')}`);
    };
    for (const [count, read] of [
      [15, 15],
      [16, 16],
      [17, 16],
      [200, 16],
    ] as const) {
      const multitrack = parseVideoTagHeader(bodyOf(count))?.multitrack;
      expect(multitrack?.tracks.map(({ trackId }) => trackId)).toEqual(
        Array.from({ length: read }, (_, id) => id),
      );
      expect(multitrack?.complete).toBe(count === read);
    }
  });

  it('multitrack: nothing is read of a header that is cut', () => {
    for (const hex of ['96', '96 10', '96 10 61763031', '96 10 61763031 00 0000']) {
      expect(parseVideoTagHeader(hexToBytes(hex))).toBeUndefined();
    }
  });

  it('what a header cannot say is refused', () => {
    const refused = (options: VideoTagHeaderOptions): unknown => {
      try {
        return buildVideoTagHeader(options);
      } catch (error) {
        return error instanceof MediaError ? error.code : error;
      }
    };
    expect(refused({ codec: 'h264', frameType: key, compositionTime: 8388608 })).toBe('bad-value');
    expect(refused({ codec: 'h264', frameType: key, compositionTime: Number.NaN })).toBe('bad-value');
    expect(refused({ codec: 'vp9', frameType: key, enhanced: false })).toBe('unsupported');
    expect(refused({ codec: 'vp6', frameType: key, enhanced: true })).toBe('unsupported');
    expect(refused({ codec: 'vp6', frameType: key, compositionTime: 1 })).toBe('unsupported');
    expect(refused({ codec: 'av1', frameType: key, compositionTime: 1 })).toBe('unsupported');
    expect(refused({ codec: 'h264', frameType: key, packetType: 'metadata' })).toBe('unsupported');
    expect(refused({ codec: 'unknown', frameType: key })).toBe('unsupported');
  });

  it('any bytes give a header within the body, or none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (body) => {
        const header = parseVideoTagHeader(body);
        if (header !== undefined) expect(header.dataOffset).toBeLessThanOrEqual(body.length);
      }),
    );
  });

  it('any parts of a multitrack tag lie within the body, one behind the other', () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat(255));
    const start = fc.constantFrom(
      '961161766331',
      '962168766331',
      '9613766331' + '00',
      '860076703039',
      '9720000003',
    );
    fc.assert(
      fc.property(start, fc.array(byte, { maxLength: 60 }), (head, rest) => {
        const body = Uint8Array.from([...hexToBytes(head), ...rest]);
        let offset = 0;
        for (const { dataOffset, dataEnd } of parseVideoTagHeader(body)?.multitrack?.tracks ?? []) {
          expect(dataOffset).toBeGreaterThan(offset);
          expect(dataEnd).toBeGreaterThanOrEqual(dataOffset);
          expect(dataEnd).toBeLessThanOrEqual(body.length);
          offset = dataEnd;
        }
      }),
    );
  });
});
