import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, concatBytes, crc32Mpeg, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildPat,
  buildPmt,
  parsePat,
  parsePesHeader,
  parsePmt,
  pesHeaderSize,
  readPcr,
  readTimestamp,
  TS_CLOCK_WRAP,
  TS_MAX_SECTION_BYTES,
  TsClock,
  ticksOfMs,
  type TsPat,
  type TsPesHeader,
  type TsPmt,
  writePcr,
  writePesHeader,
  writeTimestamp,
} from './index.ts';

const NO_BYTES = new Uint8Array(0);
const ONLY = { current: true, sectionNumber: 0, lastSectionNumber: 0 } as const;

/** PAT sections and their exact bytes; the first one is FFmpeg's. */
const PATS: readonly (readonly [string, TsPat])[] = [
  [
    '00b00d 0001 c1 00 00 0001f000 2ab104b2',
    { transportStreamId: 1, version: 0, ...ONLY, programs: [{ programNumber: 1, pid: 0x1000 }] },
  ],
  [
    '00b011 abcd fe 01 02 0000e010 ffffffff 5d573a72',
    {
      transportStreamId: 0xabcd,
      version: 31,
      current: false,
      sectionNumber: 1,
      lastSectionNumber: 2,
      programs: [
        { programNumber: 0, pid: 0x10 },
        { programNumber: 0xffff, pid: 0x1fff },
      ],
    },
  ],
];

/** PMT sections and their exact bytes; the first one is FFmpeg's. */
const PMTS: readonly (readonly [string, TsPmt])[] = [
  [
    '02b017 0001 c1 00 00 e100 f000 1be100f000 0fe101f000 2f44b99b',
    {
      programNumber: 1,
      version: 0,
      ...ONLY,
      pcrPid: 0x100,
      descriptors: NO_BYTES,
      streams: [
        { streamType: 0x1b, pid: 0x100, descriptors: NO_BYTES },
        { streamType: 0x0f, pid: 0x101, descriptors: NO_BYTES },
      ],
    },
  ],
  [
    '02b01b 0002 cb 00 00 ffff f003 050148 24fffef006 050448455643 5e3f1b94',
    {
      programNumber: 2,
      version: 5,
      ...ONLY,
      pcrPid: 0x1fff,
      descriptors: hexToBytes('050148'),
      streams: [{ streamType: 0x24, pid: 0x1ffe, descriptors: hexToBytes('050448455643') }],
    },
  ],
];

/** PES headers and their exact bytes; the first one is FFmpeg's. */
const PES_HEADERS: readonly (readonly [string, TsPesHeader])[] = [
  [
    '000001 e0 0000 84 c0 0a 31000910a1 110007d861',
    { streamId: 0xe0, payloadLength: undefined, dataAlignment: true, pts: 133_200, dts: 126_000 },
  ],
  [
    '000001 c0 0012 84 80 05 2fffffffff',
    { streamId: 0xc0, payloadLength: 10, dataAlignment: true, pts: TS_CLOCK_WRAP - 1, dts: undefined },
  ],
  [
    '000001 e0 fffa 80 c0 0a 3100010003 1b5555aaab',
    { streamId: 0xe0, payloadLength: 65_517, dataAlignment: false, pts: 1, dts: 0x155555555 },
  ],
  [
    '000001 bd 000d 80 00 00',
    { streamId: 0xbd, payloadLength: 10, dataAlignment: false, pts: undefined, dts: undefined },
  ],
];

/** Ticks, as a PTS alone and as a PCR. */
const TIMES: readonly (readonly [number, string, string])[] = [
  [0, '2100010001', '000000007e00'],
  [1, '2100010003', '00000000fe00'],
  [0x155555555, '2b5555aaab', 'aaaaaaaafe00'],
  [0xaaaaaaaa, '25aaab5555', '555555557e00'],
  [TS_CLOCK_WRAP - 1, '2fffffffff', 'fffffffffe00'],
];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'no error';
}

/** Nothing but a MediaError comes out of a parser, whatever the bytes. */
function survives(seeds: readonly string[], parse: (bytes: Uint8Array) => unknown): void {
  const edit = fc.record({ seed: fc.nat(), at: fc.nat(), value: fc.nat(255), length: fc.nat() });
  fc.assert(
    fc.property(edit, ({ seed, at, value, length }) => {
      const bytes = hexToBytes(seeds[seed % seeds.length] ?? '');
      bytes[at % bytes.length] = value;
      codeOf(() => parse(bytes.subarray(0, length % (bytes.length + 1))));
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void codeOf(() => parse(bytes))));
}

describe('PAT', () => {
  it.each(PATS)('%s', (hex, pat) => {
    expect(bytesToHex(buildPat(pat))).toBe(hex.replaceAll(' ', ''));
    expect(parsePat(hexToBytes(hex))).toEqual(pat);
  });

  it.each([
    ['another table', '02b00d0001c100000001f0002ab104b2', 'bad-value'],
    ['a wrong CRC', '00b00d0001c100000001f0002ab104b3', 'bad-value'],
    ['a wrong bit', '00b00d0001c100000001f0012ab104b2', 'bad-value'],
    ['section_syntax_indicator 0', '00300d0001c100000001f0002ab104b2', 'bad-value'],
    ['a section_length that is too small', '00b0080001c1000000000000', 'bad-value'],
    ['a section_length over 1021', '00b3fe0001c1000000000000', 'bad-value'],
    ['a cut section', '00b00d0001c100000001f0002ab104', 'short-read'],
    ['nothing', '', 'short-read'],
  ])('%s is refused', (_, hex, code) => {
    expect(codeOf(() => parsePat(hexToBytes(hex)))).toBe(code);
  });

  it('holds as many programs as fit a section', () => {
    const programs = Array.from({ length: 253 }, (_, index) => ({ programNumber: index, pid: index + 32 }));
    const pat: TsPat = { transportStreamId: 1, version: 0, ...ONLY, programs };
    expect(buildPat(pat).length).toBe(TS_MAX_SECTION_BYTES);
    expect(parsePat(buildPat(pat))).toEqual(pat);
    const more = [...programs, { programNumber: 300, pid: 300 }];
    expect(codeOf(() => buildPat({ ...pat, programs: more }))).toBe('limit-exceeded');
  });

  it('survives what is wrong', () => {
    survives(
      PATS.map(([hex]) => hex),
      parsePat,
    );
  });
});

describe('PMT', () => {
  it.each(PMTS)('%s', (hex, pmt) => {
    expect(bytesToHex(buildPmt(pmt))).toBe(hex.replaceAll(' ', ''));
    expect(parsePmt(hexToBytes(hex))).toEqual(pmt);
  });

  /** A PMT with a right CRC around this body. */
  function pmtAround(body: string): Uint8Array {
    const bytes = hexToBytes(body);
    const head = hexToBytes(`02b0${(bytes.length + 9).toString(16).padStart(2, '0')}0001c10000`);
    const section = concatBytes([head, bytes, new Uint8Array(4)]);
    const crc = crc32Mpeg(section, 0, section.length - 4);
    for (let index = 0; index < 4; index++) section[section.length - 4 + index] = crc >>> (24 - 8 * index);
    return section;
  }

  it.each([
    ['no head', 'e100', 'short-read'],
    ['program descriptors that lead out of it', 'e100f001', 'short-read'],
    ['half a stream', 'e100f000 1be100f0', 'short-read'],
    ["a stream's descriptors that lead out of it", 'e100f000 1be100f002 05', 'short-read'],
    ['no stream', 'e100f000', 'no error'],
  ])('%s', (_, body, code) => {
    expect(codeOf(() => parsePmt(pmtAround(body)))).toBe(code);
  });

  it('is no larger than a section', () => {
    const [, pmt] = PMTS[0] ?? [];
    const descriptors = new Uint8Array(1000);
    expect(codeOf(() => buildPmt({ ...pmt, descriptors } as TsPmt))).toBe('limit-exceeded');
  });

  it('survives what is wrong, with a right CRC too', () => {
    survives(
      PMTS.map(([hex]) => hex),
      parsePmt,
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        codeOf(() => parsePmt(pmtAround(bytesToHex(body))));
      }),
    );
  });
});

describe('PES header', () => {
  it.each(PES_HEADERS)('%s', (hex, header) => {
    const bytes = hexToBytes(hex);
    const target = new Uint8Array(bytes.length);
    expect(pesHeaderSize(header)).toBe(bytes.length);
    expect(writePesHeader(target, 0, header)).toBe(bytes.length);
    expect(bytesToHex(target)).toBe(bytesToHex(bytes));
    expect(parsePesHeader(bytes)).toEqual({ ...header, headerBytes: bytes.length });
    expect(parsePesHeader(concatBytes([NO_BYTES, Uint8Array.of(9, 9), bytes]), 2)).toEqual({
      ...header,
      headerBytes: bytes.length,
    });
  });

  it('a header that is cut is no error', () => {
    for (const [hex] of PES_HEADERS) {
      const bytes = hexToBytes(hex);
      for (let length = 0; length < bytes.length; length++) {
        expect(parsePesHeader(bytes.subarray(0, length))).toBeUndefined();
      }
    }
  });

  it('a length over 16 bits is written as none', () => {
    const header: TsPesHeader = {
      streamId: 0xe0,
      payloadLength: 65_528,
      dataAlignment: true,
      pts: 0,
      dts: undefined,
    };
    const target = new Uint8Array(14);
    writePesHeader(target, 0, header);
    expect(parsePesHeader(target)?.payloadLength).toBeUndefined();
    writePesHeader(target, 0, { ...header, payloadLength: 65_527 });
    expect(parsePesHeader(target)?.payloadLength).toBe(65_527);
    expect(codeOf(() => writePesHeader(target, 1, header))).toBe('short-read');
  });

  it.each([
    ['no start code', '000002e00000800000', 'bad-value'],
    ['flags of MPEG-1', '000001e00000210000', 'bad-value'],
    ['a PES_packet_length shorter than the header', '000001e0000780800500', 'bad-value'],
  ])('%s is refused', (_, hex, code) => {
    expect(codeOf(() => parsePesHeader(hexToBytes(hex)))).toBe(code);
  });

  it('padding and private_stream_2 have no header behind their length', () => {
    expect(parsePesHeader(hexToBytes('000001be0005'))).toMatchObject({ payloadLength: 5, headerBytes: 6 });
    expect(parsePesHeader(hexToBytes('000001bf0000'))).toMatchObject({ payloadLength: 0, headerBytes: 6 });
  });

  it('a time whose marker bits are wrong, or that the header has no room for, is none', () => {
    const wrong = hexToBytes('000001e000008480052100010000');
    expect(parsePesHeader(wrong)).toMatchObject({ pts: undefined, headerBytes: 14 });
    const short = hexToBytes('000001e0000084c005310001000111');
    expect(parsePesHeader(short)).toMatchObject({ pts: 0, dts: undefined, headerBytes: 14 });
    const shorter = hexToBytes('000001e0000084800400000000');
    expect(parsePesHeader(shorter)).toMatchObject({ pts: undefined, headerBytes: 13 });
  });

  it('survives what is wrong', () => {
    survives(
      PES_HEADERS.map(([hex]) => hex),
      parsePesHeader,
    );
  });
});

describe('times', () => {
  it.each(TIMES)('%i', (ticks, pts, pcr) => {
    const target = new Uint8Array(11);
    writeTimestamp(target, 0, 2, ticks);
    writePcr(target, 5, ticks);
    expect(bytesToHex(target)).toBe(pts + pcr);
    expect([readTimestamp(target, 0), readPcr(target, 5)]).toEqual([ticks, ticks]);
  });

  it('any 33 bits come back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const ticks = value % TS_CLOCK_WRAP;
        const target = new Uint8Array(11);
        writeTimestamp(target, 0, 1, ticks);
        writePcr(target, 5, ticks);
        expect([readTimestamp(target, 0), readPcr(target, 5)]).toEqual([ticks, ticks]);
      }),
    );
  });

  it('L017 milliseconds become ticks of 33 bits, never negative', () => {
    expect([-5, 0, 1, 40, 23.219].map(ticksOfMs)).toEqual([0, 0, 90, 3600, 2090]);
    expect(ticksOfMs(TS_CLOCK_WRAP / 90)).toBe(0);
    expect(ticksOfMs(100_000_000)).toBe(9_000_000_000 - TS_CLOCK_WRAP);
  });

  it('times go on growing where 33 bits wrap, and may go back a little', () => {
    const clock = new TsClock();
    const step = 90_000 * 3600 * 10;
    const times = Array.from({ length: 12 }, (_, index) => index * step);
    expect(times.map((time) => clock.unwrap(time % TS_CLOCK_WRAP))).toEqual(times);
    const other = new TsClock();
    expect(other.nearest(7)).toBe(7);
    expect(other.unwrap(TS_CLOCK_WRAP - 10)).toBe(TS_CLOCK_WRAP - 10);
    expect(other.nearest(5)).toBe(TS_CLOCK_WRAP + 5);
    expect(other.unwrap(5)).toBe(TS_CLOCK_WRAP + 5);
    expect(other.unwrap(TS_CLOCK_WRAP - 5)).toBe(TS_CLOCK_WRAP - 5);
  });
});
