import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { addEmulationPrevention } from '../avc/index.ts';
import { BitWriter, bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildHevcDecoderConfiguration,
  hevcCodecString,
  hevcConfigurationFromParameterSets,
  hevcConfigurationUnits,
  HevcNalType,
  hevcNalType,
  isHevcRandomAccess,
  parseHevcDecoderConfiguration,
  parseHevcPps,
  parseHevcSps,
  parseHevcVps,
} from './index.ts';

/** Parameter sets that x265 (build 199) wrote for test pictures made with ffmpeg. */
const MAIN = {
  vps: '40010c01ffff016000000300900000030000030078959409',
  sps: '420101016000000300900000030000030078a003c0801107536595952930bc05a02000000300200000030321',
  pps: '4401c073c189',
} as const;
const MAIN10 = {
  vps: '40010c01ffff02200000030090000003000003003c959809',
  sps: '42010102200000030090000003000003003ca00a080b9f6d96566924caf01680800001f480003a9804',
  pps: '4401c172b46240',
} as const;

/** hvcC that ffmpeg wrote into MP4 files, without x265's SEI. */
const CONFIGURATIONS = {
  main: `01016000000090000000000078f000fcfdf8f800000f03a000010018${MAIN.vps}a10001002c${MAIN.sps}a200010006${MAIN.pps}`,
  main10: `0102200000009000000000003cf000fcfdfafa00000f03a000010018${MAIN10.vps}a100010029${MAIN10.sps}a200010007${MAIN10.pps}`,
} as const;

/** The error code that `action` fails with, or what it gives. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
}

interface SpsFields {
  readonly maxSubLayersMinus1?: number;
  readonly subLayers?: (writer: BitWriter) => unknown;
  readonly spsId?: number;
  readonly chromaFormat?: number;
  readonly width?: number;
  readonly height?: number;
  readonly window?: readonly [number, number, number, number];
  readonly bitDepthMinus8?: number;
  readonly reorder?: number;
  readonly scalingLists?: (writer: BitWriter) => unknown;
  readonly pcm?: boolean;
  readonly refPicSets?: (writer: BitWriter) => unknown;
  readonly longTerm?: (writer: BitWriter) => unknown;
}

/** An SPS with the given fields, of 640 x 480 otherwise, that says 50 pictures a second at its very end. */
function spsOf(fields: SpsFields): Uint8Array {
  const writer = new BitWriter();
  const subLayers = fields.maxSubLayersMinus1 ?? 0;
  writer.bits(0, 4).bits(subLayers, 3).flag(true);
  writer.bits(1, 8).bits(0x60000000, 32).bits(0x90000000, 32).bits(0, 16).bits(93, 8);
  fields.subLayers?.(writer);
  writer.ue(fields.spsId ?? 0);
  writer.ue(fields.chromaFormat ?? 1);
  if (fields.chromaFormat === 3) writer.flag(false);
  writer.ue(fields.width ?? 640).ue(fields.height ?? 480);
  writer.flag(fields.window !== undefined);
  for (const offset of fields.window ?? []) writer.ue(offset);
  writer.ue(fields.bitDepthMinus8 ?? 0).ue(0);
  writer.ue(4); // log2_max_pic_order_cnt_lsb_minus4
  writer.flag(true);
  for (let i = 0; i <= subLayers; i++)
    writer
      .ue(4)
      .ue(fields.reorder ?? 2)
      .ue(0);
  writer.ue(0).ue(3).ue(0).ue(3).ue(0).ue(0);
  writer.flag(fields.scalingLists !== undefined);
  fields.scalingLists?.(writer);
  writer.flag(true).flag(true);
  writer.flag(fields.pcm === true);
  if (fields.pcm === true) writer.bits(7, 4).bits(7, 4).ue(0).ue(2).flag(false);
  if (fields.refPicSets === undefined) writer.ue(0);
  else fields.refPicSets(writer);
  writer.flag(fields.longTerm !== undefined);
  fields.longTerm?.(writer);
  writer.flag(true).flag(true);
  writer.flag(true); // vui_parameters_present_flag
  writer.flag(false).flag(false).flag(false).flag(false); // aspect ratio, overscan, signal type, chroma location
  writer.flag(false).flag(true).flag(true); // neutral chroma, field_seq_flag, frame_field_info
  writer.flag(true).ue(0).ue(0).ue(0).ue(0); // default display window
  writer.flag(true).bits(1, 32).bits(50, 32).flag(false).flag(false); // timing
  writer.flag(false).flag(false).flag(true);
  return concatBytes([hexToBytes('4201'), addEmulationPrevention(writer.finish())]);
}

describe('HEVC SPS', () => {
  it('real: main', () => {
    const sps = parseHevcSps(hexToBytes(MAIN.sps));
    expect(sps).toMatchObject({
      width: 1918,
      height: 1078,
      codedWidth: 1920,
      codedHeight: 1088,
      chromaFormatIdc: 1,
      bitDepthLuma: 8,
      maxSubLayers: 1,
      maxNumReorderPics: 2,
      profileTierLevel: { profileIdc: 1, levelIdc: 120, highTier: false },
      vui: { frameRate: 25, fullRange: false, sampleAspectRatio: { width: 1, height: 1 } },
    });
    expect(hevcCodecString(sps.profileTierLevel)).toBe('hvc1.1.6.L120.90');
  });

  it('real: main 10', () => {
    const sps = parseHevcSps(hexToBytes(MAIN10.sps));
    expect(sps).toMatchObject({
      width: 320,
      height: 180,
      codedHeight: 184,
      bitDepthLuma: 10,
      bitDepthChroma: 10,
      profileTierLevel: { profileIdc: 2, levelIdc: 60 },
    });
    expect(sps.vui?.frameRate).toBeCloseTo(30000 / 1001, 9);
    expect(hevcCodecString(sps.profileTierLevel, 'hev1')).toBe('hev1.2.4.L60.90');
  });

  // Each ends with the same rate, which is read only when every bit before it was understood.
  it.each<readonly [string, SpsFields, object]>([
    ['nothing special', {}, {}],
    ['a conformance window', { window: [1, 2, 3, 4] }, { width: 634, height: 466 }],
    ['a 4:2:2 conformance window', { chromaFormat: 2, window: [1, 2, 3, 4] }, { width: 634, height: 473 }],
    ['a 4:4:4 conformance window', { chromaFormat: 3, window: [1, 2, 3, 4] }, { width: 637, height: 473 }],
    ['PCM', { pcm: true }, {}],
    ['default scaling lists', { scalingLists: (writer) => writer.flag(false) }, {}],
    [
      'scaling lists of its own',
      {
        scalingLists: (writer) => {
          writer.flag(true);
          for (let sizeId = 0; sizeId < 4; sizeId++) {
            for (let matrix = 0; matrix < (sizeId === 3 ? 2 : 6); matrix++) {
              writer.flag(matrix !== 0);
              if (matrix === 0) {
                writer.ue(0);
                continue;
              }
              if (sizeId > 1) writer.se(-3);
              for (let i = 0; i < (sizeId === 0 ? 16 : 64); i++) writer.se(i % 3);
            }
          }
        },
      },
      {},
    ],
    [
      'three temporal sub-layers',
      {
        maxSubLayersMinus1: 2,
        // The first has a profile and a level, the second a level only.
        subLayers: (writer) =>
          writer.bits(0b1101, 4).bits(0, 12).bits(0, 32).bits(0, 32).bits(0, 24).bits(90, 8).bits(93, 8),
      },
      { maxSubLayers: 3 },
    ],
    [
      'long-term pictures',
      { longTerm: (writer) => writer.ue(2).bits(17, 8).flag(true).bits(33, 8).flag(false) },
      {},
    ],
    [
      'reference picture sets, each but the first by its difference',
      {
        refPicSets: (writer) => {
          writer.ue(4);
          // {-1, -3}, {+2}
          writer.ue(2).ue(1).ue(0).flag(true).ue(1).flag(true).ue(1).flag(true);
          // All of them and the reference itself, 1 earlier: {-1, -2, -4}, {+1}
          writer.flag(true).flag(true).ue(0).bits(0b1111, 4);
          // 1 later: -1 becomes the picture itself and goes; -4 is left out: {-1}, {+1, +2}
          writer.flag(true).flag(false).ue(0).bits(0b11, 2).bits(0b00, 2).bits(0b11, 2);
          // Three entries and the reference; the first flag 0, the second 1: used later only.
          writer.flag(true).flag(true).ue(4).bits(0b01010101, 8);
        },
      },
      {},
    ],
  ])('%s', (_name, fields, facts) => {
    expect(parseHevcSps(spsOf(fields))).toMatchObject({
      width: 640,
      height: 480,
      ...facts,
      vui: { frameRate: 50, fieldSequence: true },
    });
  });

  it.each<readonly [string, string, SpsFields]>([
    ['a width of 2^32', 'limit-exceeded', { width: 0xfffffffe }],
    ['a picture over the limit', 'limit-exceeded', { width: 16000, height: 16000 }],
    ['a height of 0', 'bad-value', { height: 0 }],
    ['a window that leaves nothing', 'bad-value', { window: [160, 160, 0, 0] }],
    ['a window of 2^32', 'bad-value', { window: [0, 0xfffffffe, 0, 0xfffffffe] }],
    ['an id of 16', 'bad-value', { spsId: 16 }],
    ['a chroma format of 4', 'bad-value', { chromaFormat: 4 }],
    ['samples of 17 bits', 'bad-value', { bitDepthMinus8: 9 }],
    ['eight sub-layers', 'bad-value', { maxSubLayersMinus1: 7 }],
    ['reordering of 4 thousand million pictures', 'limit-exceeded', { reorder: 0xfffffffe }],
    ['65 reference picture sets', 'limit-exceeded', { refPicSets: (writer) => writer.ue(65) }],
    ['17 pictures in a set', 'limit-exceeded', { refPicSets: (writer) => writer.ue(1).ue(17).ue(0) }],
    [
      '18 pictures in a set, 9 and 9',
      'limit-exceeded',
      {
        refPicSets: (writer) => {
          writer.ue(1).ue(9).ue(9);
          for (let i = 0; i < 18; i++) writer.ue(0).flag(true);
        },
      },
    ],
    ['33 long-term pictures', 'limit-exceeded', { longTerm: (writer) => writer.ue(33) }],
  ])('that lies, %s: %s', (_name, code, fields) => {
    expect(outcome(() => parseHevcSps(spsOf(fields)))).toBe(code);
  });

  it('of another type, empty or of 20 KB is refused', () => {
    expect(outcome(() => parseHevcSps(hexToBytes(MAIN.vps)))).toBe('bad-value');
    expect(outcome(() => parseHevcSps(new Uint8Array(0)))).toBe('short-read');
    expect(outcome(() => parseHevcSps(hexToBytes('42')))).toBe('short-read');
    expect(outcome(() => parseHevcSps(hexToBytes(`4201${'ab'.repeat(20_000)}`)))).toBe('limit-exceeded');
  });

  it('cut before its timing it is a short read', () => {
    const bytes = hexToBytes(MAIN.sps);
    for (let length = 0; length < bytes.length - 5; length++) {
      expect(outcome(() => parseHevcSps(bytes.subarray(0, length)))).toBe('short-read');
    }
  });
});

describe('HEVC VPS and PPS', () => {
  it('real', () => {
    expect(parseHevcVps(hexToBytes(MAIN.vps))).toMatchObject({
      vpsId: 0,
      maxSubLayers: 1,
      temporalIdNesting: true,
      profileTierLevel: { profileIdc: 1, levelIdc: 120 },
    });
    expect(parseHevcPps(hexToBytes(MAIN.pps))).toEqual({ ppsId: 0, spsId: 0 });
    expect(outcome(() => parseHevcVps(hexToBytes(MAIN.pps)))).toBe('bad-value');
    expect(outcome(() => parseHevcPps(hexToBytes('4401')))).toBe('short-read');
  });
});

describe('HEVCDecoderConfigurationRecord', () => {
  it.each(Object.entries(CONFIGURATIONS))('real: %s, read and built again', (name, hex) => {
    const bytes = hexToBytes(hex);
    const configuration = parseHevcDecoderConfiguration(bytes);
    const sets = name === 'main' ? MAIN : MAIN10;
    const vps = hevcConfigurationUnits(configuration, HevcNalType.vps);
    const sps = hevcConfigurationUnits(configuration, HevcNalType.sps);
    const pps = hevcConfigurationUnits(configuration, HevcNalType.pps);
    expect([vps, sps, pps].map((units) => units.map(bytesToHex))).toEqual([
      [sets.vps],
      [sets.sps],
      [sets.pps],
    ]);
    expect(sps[0]?.buffer).toBe(bytes.buffer);
    expect(configuration).toMatchObject({
      lengthSize: 4,
      chromaFormat: 1,
      temporalLayers: 1,
      temporalIdNested: true,
    });
    expect(bytesToHex(buildHevcDecoderConfiguration(configuration))).toBe(hex);
    expect(bytesToHex(buildHevcDecoderConfiguration(hevcConfigurationFromParameterSets(vps, sps, pps)))).toBe(
      hex,
    );
    expect(hevcCodecString(configuration)).toBe(name === 'main' ? 'hvc1.1.6.L120.90' : 'hvc1.2.4.L60.90');
  });

  it('cut anywhere it is a short read', () => {
    const bytes = hexToBytes(CONFIGURATIONS.main);
    for (let length = 0; length < bytes.length; length++) {
      expect(outcome(() => parseHevcDecoderConfiguration(bytes.subarray(0, length)))).toBe('short-read');
    }
  });

  it('versions, length sizes and counts out of range are refused', () => {
    const head = '016000000090000000000078f000fcfdf8f80000';
    expect(outcome(() => parseHevcDecoderConfiguration(hexToBytes(`02${head}0f00`)))).toBe('unsupported');
    expect(outcome(() => parseHevcDecoderConfiguration(hexToBytes(`01${head}0e00`)))).toBe('bad-value');
    expect(outcome(() => parseHevcDecoderConfiguration(hexToBytes(`01${head}0f01a0ffff`)))).toBe(
      'limit-exceeded',
    );
    expect(parseHevcDecoderConfiguration(hexToBytes(`00${head}0f00`)).arrays).toEqual([]);
    const base = parseHevcDecoderConfiguration(hexToBytes(CONFIGURATIONS.main));
    const build = (change: object) => outcome(() => buildHevcDecoderConfiguration({ ...base, ...change }));
    expect(build({ constraintIndicatorFlags: new Uint8Array(5) })).toBe('bad-value');
    expect(build({ arrays: [{ nalType: 33, complete: true, units: [new Uint8Array(65536)] }] })).toBe(
      'limit-exceeded',
    );
    expect(outcome(() => hevcConfigurationFromParameterSets([], [], []))).toBe('bad-value');
  });

  it('codec string with profile space, high tier and several constraint bytes', () => {
    expect(
      hevcCodecString({
        profileSpace: 1,
        highTier: true,
        profileIdc: 4,
        profileCompatibilityFlags: 0x08000000,
        constraintIndicatorFlags: hexToBytes('bd8800000000'),
        levelIdc: 93,
      }),
    ).toBe('hvc1.A4.10.H93.BD.88');
  });

  it('mutated records and parameter sets give facts or a MediaError', () => {
    const seeds = [...Object.values(CONFIGURATIONS), ...Object.values(MAIN), ...Object.values(MAIN10)].map(
      hexToBytes,
    );
    const edits = fc.array(fc.tuple(fc.nat(110), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), edits, fc.nat(110), (seed, changes, length) => {
        const bytes = seed.slice(0, length);
        for (const [offset, value] of changes) bytes[offset] = value;
        outcome(() => parseHevcDecoderConfiguration(bytes));
        outcome(() => parseHevcVps(bytes));
        outcome(() => parseHevcSps(bytes));
        outcome(() => parseHevcPps(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('HEVC NAL types', () => {
  it('the header and random access', () => {
    expect([0x40, 0x42, 0x44, 0x26, 0x02].map(hevcNalType)).toEqual([
      HevcNalType.vps,
      HevcNalType.sps,
      HevcNalType.pps,
      HevcNalType.idrWRadl,
      HevcNalType.trailR,
    ]);
    expect([15, 16, HevcNalType.idrNLp, HevcNalType.cra, 23, 24].map(isHevcRandomAccess)).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});
