import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BitWriter, bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  addEmulationPrevention,
  annexBUnits,
  avcCodecString,
  avcConfigurationFromParameterSets,
  AvcNalType,
  avcNalType,
  buildAnnexB,
  buildAvcDecoderConfiguration,
  buildLengthPrefixed,
  lengthPrefixedUnits,
  type NalLengthSize,
  parseAvcDecoderConfiguration,
  parseAvcPps,
  parseAvcSps,
  removeEmulationPrevention,
  startsWithStartCode,
} from './index.ts';

/** SPS that x264 (build 164) wrote for test pictures made with ffmpeg, and what ffprobe says of each. */
const REAL_SPS = {
  high: '6764000cacd941419f9f011000000300100000030320f1429960',
  baseline: '6742c01ed900a42fe224c04400000fa40003a9803c58b920',
  fullHd: '6764002aacd940780227e5c044000003000400000301e03c60c658',
  interlaced: '67640015acd941410fcb808800000300080000030190f8a14cb0',
  high422: '677a000cb6cd941419f8dc0440000003004000000c83c50a6580',
} as const;

const PPS = '68ebe3cb22c0';

/** avcC that ffmpeg wrote into MP4 files. */
const REAL_CONFIGURATIONS = {
  high: `0164000cffe1001a${REAL_SPS.high}010006${PPS}fdf8f800`,
  high422: `017a000cffe1001a${REAL_SPS.high422}010006${PPS}fefafa00`,
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
  readonly profileIdc?: number;
  readonly spsId?: number;
  readonly chroma?: (writer: BitWriter) => void;
  readonly picOrderCount?: (writer: BitWriter) => void;
  readonly refFrames?: number;
  readonly widthInMbs?: number;
  readonly heightInMbs?: number;
  readonly crop?: readonly [number, number, number, number];
  readonly vui?: (writer: BitWriter) => void;
}

/** An SPS with the given fields, of 640 x 480 otherwise. */
function spsOf(fields: SpsFields): Uint8Array {
  const writer = new BitWriter();
  writer
    .bits(fields.profileIdc ?? 66, 8)
    .bits(0, 8)
    .bits(30, 8);
  writer.ue(fields.spsId ?? 0);
  fields.chroma?.(writer);
  writer.ue(0); // log2_max_frame_num_minus4
  if (fields.picOrderCount === undefined) writer.ue(2);
  else fields.picOrderCount(writer);
  writer.ue(fields.refFrames ?? 1).flag(false);
  writer.ue((fields.widthInMbs ?? 40) - 1).ue((fields.heightInMbs ?? 30) - 1);
  writer.flag(true).flag(true); // frame_mbs_only_flag, direct_8x8_inference_flag
  writer.flag(fields.crop !== undefined);
  for (const offset of fields.crop ?? []) writer.ue(offset);
  writer.flag(fields.vui !== undefined);
  fields.vui?.(writer);
  writer.flag(true); // rbsp_stop_one_bit
  return concatBytes([Uint8Array.of(0x67), addEmulationPrevention(writer.finish())]);
}

describe('P012 H.264 SPS', () => {
  it.each([
    ['high', { profileIdc: 100, levelIdc: 12, width: 320, height: 180, codedHeight: 192 }, 25, 2],
    ['baseline', { profileIdc: 66, constraintFlags: 0xc0, width: 642, height: 362 }, 30000 / 1001, 0],
    ['fullHd', { profileIdc: 100, levelIdc: 42, width: 1920, height: 1080, codedHeight: 1088 }, 60, 2],
    ['interlaced', { width: 320, height: 240, codedHeight: 256, frameMbsOnly: false }, 25, 2],
    ['high422', { profileIdc: 122, chromaFormatIdc: 2, bitDepthLuma: 10, width: 320, height: 180 }, 25, 2],
  ] as const)('real: %s', (name, facts, frameRate, reorder) => {
    const sps = parseAvcSps(hexToBytes(REAL_SPS[name]));
    expect(sps).toMatchObject(facts);
    expect(sps.vui?.frameRate).toBeCloseTo(frameRate, 9);
    expect(sps.vui?.maxNumReorderFrames).toBe(reorder);
  });

  it('fields that no encoder at hand writes', () => {
    expect(parseAvcSps(spsOf({ crop: [1, 2, 3, 4] }))).toMatchObject({
      width: 634,
      height: 466,
      vui: undefined,
    });
    const monochrome = (writer: BitWriter): unknown =>
      writer.ue(0).ue(0).ue(0).flag(false).flag(true).bits(0, 8);
    expect(parseAvcSps(spsOf({ profileIdc: 100, chroma: monochrome, crop: [0, 1, 0, 1] }))).toMatchObject({
      chromaFormatIdc: 0,
      width: 639,
      height: 479,
    });
    // 4:4:4 in separate planes, with twelve scaling lists that a delta of -8 ends at once.
    const separate = (writer: BitWriter): void => {
      writer.ue(3).flag(true).ue(6).ue(6).flag(false).flag(true);
      for (let list = 0; list < 12; list++) writer.flag(true).se(-8);
    };
    expect(parseAvcSps(spsOf({ profileIdc: 244, chroma: separate }))).toMatchObject({
      chromaFormatIdc: 3,
      bitDepthLuma: 14,
      width: 640,
    });
    const cycle = (writer: BitWriter): unknown => writer.ue(1).flag(true).se(-5).se(5).ue(2).se(1).se(-1);
    expect(parseAvcSps(spsOf({ picOrderCount: cycle }))).toMatchObject({ width: 640, height: 480 });
  });

  it('video usability information with everything in it', () => {
    const hrd = (writer: BitWriter): unknown =>
      writer.ue(1).bits(0x12, 8).ue(1000).ue(2000).flag(true).ue(3000).ue(4000).flag(false).bits(0, 20);
    const vui = (writer: BitWriter): void => {
      writer.flag(true).bits(255, 8).bits(4, 16).bits(3, 16); // extended sample aspect ratio
      writer.flag(true).flag(false); // overscan
      writer.flag(true).bits(5, 3).flag(true).flag(true).bits(9, 8).bits(16, 8).bits(9, 8);
      writer.flag(true).ue(1).ue(1); // chroma location
      writer.flag(true).bits(1001, 32).bits(120000, 32).flag(true);
      writer.flag(true);
      hrd(writer);
      writer.flag(true);
      hrd(writer);
      writer.flag(false).flag(true); // low_delay_hrd_flag, pic_struct_present_flag
      writer.flag(true).flag(true).ue(0).ue(0).ue(10).ue(10).ue(3).ue(4);
    };
    expect(parseAvcSps(spsOf({ vui })).vui).toEqual({
      sampleAspectRatio: { width: 4, height: 3 },
      fullRange: true,
      colour: { primaries: 9, transferCharacteristics: 16, matrixCoefficients: 9 },
      frameRate: 120000 / 2002,
      fixedFrameRate: true,
      maxNumReorderFrames: 3,
      maxDecFrameBuffering: 4,
    });
  });

  it('a rate of 0 / 0 is no rate', () => {
    const vui = (writer: BitWriter): unknown =>
      writer.bits(0, 4).flag(true).bits(0, 32).bits(0, 32).flag(false).bits(0, 4);
    expect(parseAvcSps(spsOf({ vui })).vui?.frameRate).toBeUndefined();
  });

  it.each<readonly [string, string, SpsFields]>([
    ['a width of 2^32', 'limit-exceeded', { widthInMbs: 0xffffffff }],
    ['a width over the limit', 'limit-exceeded', { widthInMbs: 1056, heightInMbs: 1 }],
    ['a picture over the limit', 'limit-exceeded', { widthInMbs: 400, heightInMbs: 400 }],
    ['4 thousand million reference frames', 'limit-exceeded', { refFrames: 0xfffffffe }],
    ['17 reference frames', 'limit-exceeded', { refFrames: 17 }],
    ['cropping that leaves nothing', 'bad-value', { crop: [100, 220, 0, 0] }],
    ['cropping of 2^32', 'bad-value', { crop: [0, 0, 0xfffffffe, 0xfffffffe] }],
    ['an id of 32', 'bad-value', { spsId: 32 }],
    ['a chroma format of 4', 'bad-value', { profileIdc: 100, chroma: (writer) => writer.ue(4) }],
    ['samples of 15 bits', 'bad-value', { profileIdc: 100, chroma: (writer) => writer.ue(1).ue(7) }],
    ['a picture order count type of 3', 'bad-value', { picOrderCount: (writer) => writer.ue(3) }],
    [
      'a picture order count cycle of 2^32',
      'limit-exceeded',
      { picOrderCount: (writer) => writer.ue(1).flag(true).se(0).se(0).ue(0xfffffffe) },
    ],
    ['33 coded picture buffers', 'limit-exceeded', { vui: (writer) => writer.bits(0, 5).flag(true).ue(32) }],
    [
      '17 reorder frames',
      'limit-exceeded',
      { vui: (writer) => writer.bits(0, 8).flag(true).flag(true).ue(0).ue(0).ue(0).ue(0).ue(17) },
    ],
    [
      'a scaling list delta of 128',
      'bad-value',
      {
        profileIdc: 100,
        chroma: (writer) => writer.ue(1).ue(0).ue(0).flag(false).flag(true).flag(true).se(128),
      },
    ],
  ])('that lies, %s: %s', (_name, code, fields) => {
    expect(outcome(() => parseAvcSps(spsOf(fields)))).toBe(code);
  });

  it.each([
    ['an Exp-Golomb code of 40 zero bits', '67 42001e 0000030000030000 ff', 'bad-value'],
    ['nothing', '', 'short-read'],
    ['only a header byte', '67', 'short-read'],
    ['a PPS', PPS, 'bad-value'],
    ['one of 20 KB', `67${'ab'.repeat(20_000)}`, 'limit-exceeded'],
  ])('that lies, %s', (_name, hex, code) => {
    expect(outcome(() => parseAvcSps(hexToBytes(hex)))).toBe(code);
  });

  it('cut anywhere it is a short read', () => {
    for (const hex of Object.values(REAL_SPS)) {
      const bytes = hexToBytes(hex);
      // The last byte has only stop bit and alignment.
      for (let length = 0; length < bytes.length - 2; length++) {
        expect(outcome(() => parseAvcSps(bytes.subarray(0, length)))).toBe('short-read');
      }
    }
  });
});

describe('H.264 PPS', () => {
  it('ids and entropy coding', () => {
    expect(parseAvcPps(hexToBytes(PPS))).toEqual({ ppsId: 0, spsId: 0, cabac: true });
    expect(parseAvcPps(hexToBytes('68cb83cb20'))).toEqual({ ppsId: 0, spsId: 0, cabac: false });
    const writer = new BitWriter().ue(255).ue(31).flag(true);
    expect(parseAvcPps(concatBytes([Uint8Array.of(0x68), writer.finish()]))).toMatchObject({
      ppsId: 255,
      spsId: 31,
    });
  });

  it('ids out of range and cut data are refused', () => {
    const withIds = (ppsId: number, spsId: number): Uint8Array =>
      concatBytes([Uint8Array.of(0x68), new BitWriter().ue(ppsId).ue(spsId).flag(true).finish()]);
    expect(outcome(() => parseAvcPps(withIds(256, 0)))).toBe('bad-value');
    expect(outcome(() => parseAvcPps(withIds(0, 32)))).toBe('bad-value');
    expect(outcome(() => parseAvcPps(hexToBytes('68')))).toBe('short-read');
    expect(outcome(() => parseAvcPps(hexToBytes(REAL_SPS.high)))).toBe('bad-value');
  });
});

describe('AVCDecoderConfigurationRecord', () => {
  it.each(Object.entries(REAL_CONFIGURATIONS))('real: %s, read and built again', (name, hex) => {
    const bytes = hexToBytes(hex);
    const configuration = parseAvcDecoderConfiguration(bytes);
    expect(configuration.lengthSize).toBe(4);
    expect(configuration.sps.map(bytesToHex)).toEqual([REAL_SPS[name as keyof typeof REAL_CONFIGURATIONS]]);
    expect(configuration.pps.map(bytesToHex)).toEqual([PPS]);
    expect(bytesToHex(buildAvcDecoderConfiguration(configuration))).toBe(hex);
    expect(
      bytesToHex(
        buildAvcDecoderConfiguration(avcConfigurationFromParameterSets(configuration.sps, configuration.pps)),
      ),
    ).toBe(hex);
  });

  it('NAL units are views of the parsed bytes', () => {
    const bytes = hexToBytes(REAL_CONFIGURATIONS.high);
    expect(parseAvcDecoderConfiguration(bytes).sps[0]?.buffer).toBe(bytes.buffer);
  });

  it('the extension may be left out, and Baseline has none', () => {
    const without = REAL_CONFIGURATIONS.high.slice(0, -8);
    expect(parseAvcDecoderConfiguration(hexToBytes(without)).highProfile).toBeUndefined();
    expect(parseAvcDecoderConfiguration(hexToBytes(REAL_CONFIGURATIONS.high)).highProfile).toEqual({
      chromaFormat: 1,
      bitDepthLuma: 8,
      bitDepthChroma: 8,
      spsExtensions: [],
    });
    const baseline = avcConfigurationFromParameterSets(
      [hexToBytes(REAL_SPS.baseline)],
      [hexToBytes('68cb83cb20')],
      2,
    );
    expect(bytesToHex(buildAvcDecoderConfiguration(baseline))).toBe(
      `0142c01efde10018${REAL_SPS.baseline}01000568cb83cb20`,
    );
  });

  it('cut anywhere it is a short read', () => {
    const bytes = hexToBytes(REAL_CONFIGURATIONS.high);
    for (let length = 0; length < bytes.length - 4; length++) {
      expect(outcome(() => parseAvcDecoderConfiguration(bytes.subarray(0, length)))).toBe('short-read');
    }
  });

  it.each([
    ['version 0', '0064000cffe100000100', 'unsupported'],
    ['lengths of three bytes', '0164000cfee000', 'bad-value'],
    ['a NAL unit of 65535 bytes that is not there', '0164000cffe1ffff67', 'short-read'],
  ])('%s is refused', (_name, hex, code) => {
    expect(outcome(() => parseAvcDecoderConfiguration(hexToBytes(hex)))).toBe(code);
  });

  it('too many or too long NAL units cannot be built', () => {
    const base = parseAvcDecoderConfiguration(hexToBytes(REAL_CONFIGURATIONS.high));
    const unit = Uint8Array.of(0x67);
    const build = (change: object) => outcome(() => buildAvcDecoderConfiguration({ ...base, ...change }));
    expect(build({ sps: Array.from({ length: 32 }, () => unit) })).toBe('limit-exceeded');
    expect(build({ pps: Array.from({ length: 256 }, () => unit) })).toBe('limit-exceeded');
    expect(build({ sps: [new Uint8Array(65536)] })).toBe('limit-exceeded');
    expect(outcome(() => avcConfigurationFromParameterSets([], []))).toBe('bad-value');
  });

  it('codec string', () => {
    expect(avcCodecString(parseAvcDecoderConfiguration(hexToBytes(REAL_CONFIGURATIONS.high)))).toBe(
      'avc1.64000c',
    );
    expect(avcCodecString({ profileIndication: 66, profileCompatibility: 0xc0, levelIndication: 30 })).toBe(
      'avc1.42c01e',
    );
  });

  it('mutated records and parameter sets give facts or a MediaError', () => {
    const seeds = [...Object.values(REAL_CONFIGURATIONS), ...Object.values(REAL_SPS), PPS].map(hexToBytes);
    const edits = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), edits, fc.nat(60), (seed, changes, length) => {
        const bytes = seed.slice(0, length);
        for (const [offset, value] of changes) bytes[offset] = value;
        outcome(() => parseAvcDecoderConfiguration(bytes));
        outcome(() => parseAvcSps(bytes));
        outcome(() => parseAvcPps(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('NAL units', () => {
  const unitsOf = (bytes: Uint8Array, ranges: Iterable<{ start: number; end: number }>): string[] =>
    [...ranges].map(({ start, end }) => bytesToHex(bytes.subarray(start, end)));

  it.each<readonly [string, readonly string[]]>([
    ['', []],
    ['0000', []],
    ['aabbcc', []],
    ['000001', []],
    ['00000001 6742 000001 68ce 00000001 6588', ['6742', '68ce', '6588']],
    ['000001 09f0 00 000001 41 0000', ['09f0', '41']],
    ['ff 000001 000001 41', ['41']],
    ['000001 0000030001 0000 01 65', ['0000030001', '65']],
    ['000001 01 000001 010101', ['01', '010101']],
  ])('P014 Annex B %s', (hex, units) => {
    const bytes = hexToBytes(hex);
    expect(unitsOf(bytes, annexBUnits(bytes))).toEqual(units);
  });

  it('Annex B within a range', () => {
    const bytes = hexToBytes('000001 41 000001 42 000001 43');
    expect(unitsOf(bytes, annexBUnits(bytes, 4, 9))).toEqual(['42']);
  });

  it.each<readonly [NalLengthSize, string, readonly string[]]>([
    [4, '00000002 6742 00000000 00000001 65', ['6742', '65']],
    [2, '0002 6742 0001 65', ['6742', '65']],
    [1, '02 6742 01 65', ['6742', '65']],
    [4, '', []],
  ])('lengths of %i bytes: %s', (lengthSize, hex, units) => {
    const bytes = hexToBytes(hex);
    expect(unitsOf(bytes, lengthPrefixedUnits(bytes, lengthSize))).toEqual(units);
  });

  it.each([
    ['a length of 4 GB', '00000001 65 ffffffff 65'],
    ['a cut length', '00000001 65 0000'],
    ['a cut unit', '00000003 6588'],
  ])('%s is a short read', (_name, hex) => {
    expect(outcome(() => [...lengthPrefixedUnits(hexToBytes(hex), 4)])).toBe('short-read');
  });

  it('a range outside the bytes is refused', () => {
    const bytes = hexToBytes('00000141');
    expect(outcome(() => [...annexBUnits(bytes, 0, 5)])).toBe('bad-value');
    expect(outcome(() => [...lengthPrefixedUnits(bytes, 4, 5)])).toBe('bad-value');
  });

  it('X002 start codes are told from lengths', () => {
    expect(startsWithStartCode(hexToBytes('00000167'))).toBe(true);
    expect(startsWithStartCode(hexToBytes('0000000167'))).toBe(true);
    expect(startsWithStartCode(hexToBytes('ff0000000167'), 1)).toBe(true);
    expect(startsWithStartCode(hexToBytes('0000000265'))).toBe(false);
    expect(startsWithStartCode(hexToBytes('0000'))).toBe(false);
  });

  it('what is built is found again', () => {
    const unit = fc
      .uint8Array({ minLength: 1, maxLength: 60, max: 4 })
      .map((payload) => concatBytes([Uint8Array.of(0x65), addEmulationPrevention(payload)]));
    fc.assert(
      fc.property(fc.array(unit), fc.constantFrom<NalLengthSize>(1, 2, 4), (units, lengthSize) => {
        const expected = units.map(bytesToHex);
        const prefixed = buildLengthPrefixed(units, lengthSize);
        expect(unitsOf(prefixed, lengthPrefixedUnits(prefixed, lengthSize))).toEqual(expected);
        const annexB = buildAnnexB(units);
        expect(unitsOf(annexB, annexBUnits(annexB))).toEqual(expected);
      }),
    );
    expect(outcome(() => buildLengthPrefixed([new Uint8Array(256)], 1))).toBe('limit-exceeded');
  });

  it.each([
    ['000000', '00000300' + '03'],
    ['000001', '00000301'],
    ['00000000', '0000030000' + '03'],
    ['000003', '00000303'],
    ['000004', '000004'],
    ['41', '41'],
  ])('emulation prevention: %s in the stream is %s', (payload, escaped) => {
    expect(bytesToHex(addEmulationPrevention(hexToBytes(payload)))).toBe(escaped);
    expect(bytesToHex(removeEmulationPrevention(hexToBytes(escaped))).startsWith(payload)).toBe(true);
  });

  it('emulation prevention goes and comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, max: 5 }), (body) => {
        const payload = concatBytes([body, Uint8Array.of(0x80)]);
        const escaped = addEmulationPrevention(payload);
        expect(bytesToHex(escaped)).not.toMatch(/^(?:..)*00000[012]/);
        expect(bytesToHex(removeEmulationPrevention(escaped))).toBe(bytesToHex(payload));
      }),
    );
  });

  it('a payload without emulation prevention is not copied', () => {
    const bytes = hexToBytes('676742001e');
    expect(removeEmulationPrevention(bytes, 1).buffer).toBe(bytes.buffer);
  });

  it('types', () => {
    expect([0x67, 0x68, 0x65, 0x41, 0x06].map(avcNalType)).toEqual([
      AvcNalType.sps,
      AvcNalType.pps,
      AvcNalType.idrSlice,
      AvcNalType.slice,
      AvcNalType.sei,
    ]);
  });
});
