import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildBootstrap,
  buildHdsManifest,
  HDS_ENDLESS_SEGMENT,
  HDS_FRAGMENT_HEADER_BYTES,
  type Bootstrap,
  HdsDiscontinuity,
  hdsFragmentName,
  hdsFragmentTags,
  type HdsFragmentRun,
  parseBootstrap,
  writeHdsFragmentHeader,
} from './index.ts';

const plain: Bootstrap = {
  version: 4,
  profile: 0,
  live: false,
  update: false,
  timescale: 1000,
  currentMediaTime: 10_040,
  smpteTimeCodeOffset: 0,
  movieIdentifier: '',
  servers: [],
  qualities: [],
  drmData: '',
  metadata: '',
  segmentRunTables: [
    { update: false, qualityUrlModifiers: [], runs: [{ firstSegment: 1, fragmentsPerSegment: 4 }] },
  ],
  fragmentRunTables: [
    {
      update: false,
      timescale: 1000,
      qualityUrlModifiers: [],
      runs: [
        { firstFragment: 1, firstTimestamp: 0, duration: 3080 },
        { firstFragment: 2, firstTimestamp: 3080, duration: 2280 },
        { firstFragment: 3, firstTimestamp: 5360, duration: 2920 },
        { firstFragment: 4, firstTimestamp: 8280, duration: 1760 },
      ],
    },
  ],
};

/** One table of values and bytes serves both directions; the first line is what ffmpeg's HDS muxer wrote. */
const table: readonly [string, Bootstrap, string][] = [
  [
    'a recording in four fragments',
    plain,
    '0000009a61627374000000000000000400000003e8000000000000273800000000000000000000000000010000001961' +
      '737274000000000000000001000000010000000401000000556166727400000000000003e80000000004000000010000' +
      '00000000000000000c08000000020000000000000c08000008e80000000300000000000014f000000b68000000040000' +
      '000000002058000006e0',
  ],
  [
    'a live window with a jump of time and an end, servers, qualities and strings',
    {
      ...plain,
      version: 258,
      profile: 1,
      live: true,
      update: true,
      currentMediaTime: 2 ** 33,
      movieIdentifier: 'é',
      servers: ['s1'],
      qualities: ['q', ''],
      drmData: 'd',
      metadata: 'm',
      segmentRunTables: [
        {
          update: true,
          qualityUrlModifiers: ['hi'],
          runs: [{ firstSegment: 1, fragmentsPerSegment: HDS_ENDLESS_SEGMENT }],
        },
      ],
      fragmentRunTables: [
        {
          update: true,
          timescale: 90_000,
          qualityUrlModifiers: ['lo'],
          runs: [
            { firstFragment: 7, firstTimestamp: 2 ** 32, duration: 10 },
            { firstFragment: 8, firstTimestamp: 0, duration: 0, discontinuity: HdsDiscontinuity.timestamps },
            { firstFragment: 8, firstTimestamp: 0, duration: 20 },
            {
              firstFragment: 0,
              firstTimestamp: 0,
              duration: 0,
              discontinuity: HdsDiscontinuity.endOfPresentation,
            },
          ],
        },
      ],
    },
    '000000ac61627374000000000000010270000003e8' +
      '00000002000000000000000000000000c3a900017331000271000064006d00' +
      '01' +
      '0000001c6173727400000001016869000000000100000001ffffffff' +
      '01' +
      '0000005a616672740000000100015f90016c6f0000000004' +
      '0000000700000001000000000000000a' +
      '0000000800000000000000000000000002' +
      '00000008000000000000000000000014' +
      '00000000000000000000000000000000' +
      '00',
  ],
];

describe('bootstrap info', () => {
  it.each(table)('D002 %s', (_name, info, hex) => {
    expect(bytesToHex(buildBootstrap(info))).toBe(hex);
    expect(parseBootstrap(hexToBytes(hex))).toEqual(info);
  });

  it.each(table)('D002 cut anywhere: %s', (_name, _info, hex) => {
    const bytes = hexToBytes(hex);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => parseBootstrap(bytes.subarray(0, length))).toThrow(MediaError);
    }
  });

  it('D002 whatever is built is read back', () => {
    const text = fc.string({ maxLength: 20, unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''));
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    const u64 = fc.maxSafeNat();
    const run: fc.Arbitrary<HdsFragmentRun> = fc.oneof(
      fc.record({
        firstFragment: u32,
        firstTimestamp: u64,
        duration: fc.integer({ min: 1, max: 0xffffffff }),
      }),
      fc.record({
        firstFragment: u32,
        firstTimestamp: u64,
        duration: fc.constant(0),
        discontinuity: fc.nat(255),
      }),
    );
    const texts = fc.array(text, { maxLength: 4 });
    const info: fc.Arbitrary<Bootstrap> = fc.record({
      version: u32,
      profile: fc.nat(3),
      live: fc.boolean(),
      update: fc.boolean(),
      timescale: u32,
      currentMediaTime: u64,
      smpteTimeCodeOffset: u64,
      movieIdentifier: text,
      servers: texts,
      qualities: texts,
      drmData: text,
      metadata: text,
      segmentRunTables: fc.array(
        fc.record({
          update: fc.boolean(),
          qualityUrlModifiers: texts,
          runs: fc.array(fc.record({ firstSegment: u32, fragmentsPerSegment: u32 }), { maxLength: 5 }),
        }),
        { maxLength: 3 },
      ),
      fragmentRunTables: fc.array(
        fc.record({
          update: fc.boolean(),
          timescale: u32,
          qualityUrlModifiers: texts,
          runs: fc.array(run, { maxLength: 5 }),
        }),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(info, (given) => {
        expect(parseBootstrap(buildBootstrap(given))).toEqual(given);
      }),
    );
  });

  it('mutated: MediaError and nothing else, and no memory for entries that are not there', () => {
    const seeds = table.map(([, , hex]) => hexToBytes(hex));
    fc.assert(
      fc.property(
        fc.nat(seeds.length - 1),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (seed, changes) => {
          const bytes = Uint8Array.from(seeds[seed] ?? []);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            const { fragmentRunTables } = parseBootstrap(bytes);
            for (const { runs } of fragmentRunTables) expect(runs.length).toBeLessThan(bytes.length);
          } catch (error) {
            expect(error).toBeInstanceOf(MediaError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each<[string, Partial<Bootstrap>, string]>([
    ['a time that is no whole number', { currentMediaTime: 1.5 }, 'bad-value'],
    ['a negative time', { smpteTimeCodeOffset: -1 }, 'bad-value'],
    ['a zero byte in a string', { metadata: 'a\0b' }, 'bad-value'],
    ['too many servers', { servers: Array.from({ length: 256 }, () => '') }, 'limit-exceeded'],
    [
      'a run without a duration',
      {
        fragmentRunTables: [
          {
            update: false,
            timescale: 1,
            qualityUrlModifiers: [],
            runs: [{ firstFragment: 1, firstTimestamp: 0, duration: 0 }],
          },
        ],
      },
      'bad-value',
    ],
  ])('refuses to build %s', (_name, change, code) => {
    expect(() => buildBootstrap({ ...plain, ...change })).toThrow(
      expect.objectContaining({ code }) as MediaError,
    );
  });

  it.each([
    [
      'a string without an end',
      '0000002e61627374000000000000000400000003e800000000000027380000000000000000' + '61'.repeat(9),
    ],
    ['another box', '0000000866726565'],
    ['a box that is smaller than its header', '0000000461627374'],
    [
      'more runs than bytes',
      table[0]?.[2].replace('0000000100000001000000040100', '00ffffff00000001000000040100') ?? '',
    ],
  ])('refuses to read %s', (_name, hex) => {
    expect(() => parseBootstrap(hexToBytes(hex))).toThrow(MediaError);
  });

  it('limits the strings', () => {
    const long = buildBootstrap({ ...plain, metadata: 'x'.repeat(70_000) });
    expect(() => parseBootstrap(long)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }) as MediaError,
    );
  });
});

describe('fragment', () => {
  it('D001 an mdat box around the tags, found among others', () => {
    const bytes = new Uint8Array(HDS_FRAGMENT_HEADER_BYTES + 3);
    bytes.set([7, 8, 9], HDS_FRAGMENT_HEADER_BYTES);
    writeHdsFragmentHeader(bytes, 0, 3);
    expect(bytesToHex(bytes)).toBe('0000000b6d646174070809');
    expect([...hdsFragmentTags(bytes)]).toEqual([7, 8, 9]);
    const more = hexToBytes('0000000966726565aa' + '000000016d64617400000000000000120708');
    expect([...hdsFragmentTags(more)]).toEqual([7, 8]);
  });

  it.each(['', '0000000966726565aa', '0000000c6d646174aa', '00', '000000006d646174'])('refuses %s', (hex) => {
    expect(() => hdsFragmentTags(hexToBytes(hex))).toThrow(MediaError);
  });

  it('refuses a header that does not fit', () => {
    expect(() => {
      writeHdsFragmentHeader(new Uint8Array(7), 0, 1);
    }).toThrow(MediaError);
    expect(() => {
      writeHdsFragmentHeader(new Uint8Array(8), 0, 0xffffffff);
    }).toThrow(MediaError);
  });
});

describe('manifest', () => {
  it('D002 names the bootstrap and the fragments', () => {
    const text = buildHdsManifest({
      id: 'a & "b" <\u0001>',
      streamType: 'live',
      bootstrapUrl: "it's.abst",
      mediaUrl: 'a%20b',
      bitrate: 0,
    });
    expect(text).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>
<manifest xmlns="http://ns.adobe.com/f4m/1.0">
  <id>a &amp; &quot;b&quot; &lt;\uFFFD&gt;</id>
  <streamType>live</streamType>
  <deliveryType>streaming</deliveryType>
  <bootstrapInfo profile="named" id="bootstrap0" url="it&apos;s.abst"/>
  <media bitrate="0" url="a%20b" bootstrapInfoId="bootstrap0"/>
</manifest>
`,
    );
    expect(hdsFragmentName(1, 12)).toBe('Seg1-Frag12');
  });
});
