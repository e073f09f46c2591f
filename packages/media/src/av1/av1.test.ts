import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BitWriter, bytesToHex, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  av1CodecString,
  av1Obus,
  Av1ObuType,
  buildAv1CodecConfiguration,
  findAv1SequenceHeader,
  parseAv1CodecConfiguration,
  parseAv1SequenceHeader,
} from './index.ts';

/** av1C that ffmpeg wrote into MP4 files: libaom, 8 bits, and SVT-AV1, 10 bits; both 322 x 182. */
const REAL = {
  libaom: '81000c000a0b00000004 3d06d4daf90040',
  svt: '81004c000a0b00000004 3d06d402f84040',
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

describe('AV1CodecConfigurationRecord', () => {
  it.each([
    ['libaom', 8],
    ['svt', 10],
  ] as const)('real: %s, read and built again', (name, bitDepth) => {
    const bytes = hexToBytes(REAL[name]);
    const configuration = parseAv1CodecConfiguration(bytes);
    expect(configuration).toMatchObject({
      profile: 0,
      levelIndex: 0,
      highTier: false,
      bitDepth,
      monochrome: false,
      subsamplingX: true,
      subsamplingY: true,
      initialPresentationDelay: undefined,
    });
    expect(findAv1SequenceHeader(configuration.configObus)).toMatchObject({
      profile: 0,
      levelIndex: 0,
      width: 322,
      height: 182,
      color: { bitDepth, subsamplingX: true, subsamplingY: true, monochrome: false },
    });
    expect(configuration.configObus.buffer).toBe(bytes.buffer);
    expect(bytesToHex(buildAv1CodecConfiguration(configuration))).toBe(bytesToHex(bytes));
    expect(av1CodecString(configuration)).toBe(bitDepth === 8 ? 'av01.0.00M.08' : 'av01.0.00M.10');
  });

  it('every field', () => {
    const hex = '8149ff1f';
    const configuration = parseAv1CodecConfiguration(hexToBytes(hex));
    expect(configuration).toEqual({
      profile: 2,
      levelIndex: 9,
      highTier: true,
      bitDepth: 12,
      monochrome: true,
      subsamplingX: true,
      subsamplingY: true,
      chromaSamplePosition: 3,
      initialPresentationDelay: 16,
      configObus: new Uint8Array(0),
    });
    expect(bytesToHex(buildAv1CodecConfiguration(configuration))).toBe(hex);
    expect(av1CodecString(configuration)).toBe('av01.2.09H.12');
  });

  it('bad records are refused', () => {
    expect(outcome(() => parseAv1CodecConfiguration(hexToBytes('01000c00')))).toBe('unsupported');
    for (const hex of ['', '81', '8100', '81000c']) {
      expect(outcome(() => parseAv1CodecConfiguration(hexToBytes(hex)))).toBe('short-read');
    }
    const base = parseAv1CodecConfiguration(hexToBytes(REAL.libaom));
    const build = (change: object) => outcome(() => buildAv1CodecConfiguration({ ...base, ...change }));
    expect(build({ bitDepth: 9 })).toBe('bad-value');
    expect(build({ levelIndex: 32 })).toBe('bad-value');
    expect(build({ initialPresentationDelay: 17 })).toBe('bad-value');
  });
});

describe('AV1 sequence header', () => {
  it('with timing, decoder model, two operating points, frame ids and a colour description', () => {
    const writer = new BitWriter();
    writer.bits(1, 3).flag(false).flag(false);
    writer.flag(true).bits(1, 32).bits(120, 32).flag(true).bits(0b010, 3); // two ticks a picture
    writer.flag(true).bits(9, 5).bits(1, 32).bits(9, 5).bits(9, 5); // decoder model
    writer.flag(true).bits(1, 5); // initial_display_delay_present_flag, two points
    writer
      .bits(0x101, 12)
      .bits(13, 5)
      .flag(true)
      .flag(true)
      .bits(5, 10)
      .bits(6, 10)
      .flag(true)
      .flag(true)
      .bits(9, 4);
    writer.bits(0x001, 12).bits(4, 5).flag(false).flag(false);
    writer.bits(11, 4).bits(10, 4).bits(3839, 12).bits(1079, 11);
    writer.flag(true).bits(3, 4).bits(2, 3); // frame ids
    writer.bits(0, 3).bits(0, 4).flag(true).bits(0, 2); // order hint
    writer.flag(false).flag(true).flag(false).flag(true).bits(6, 3);
    writer.bits(0, 3);
    writer.flag(true).flag(true).bits(9, 8).bits(16, 8).bits(9, 8).flag(true).flag(false);
    expect(parseAv1SequenceHeader(writer.finish())).toEqual({
      profile: 1,
      levelIndex: 13,
      highTier: true,
      width: 3840,
      height: 1080,
      frameRate: 60,
      color: {
        bitDepth: 10,
        monochrome: false,
        subsamplingX: false,
        subsamplingY: false,
        chromaSamplePosition: 0,
        fullRange: true,
        primaries: 9,
        transferCharacteristics: 16,
        matrixCoefficients: 9,
      },
    });
  });

  it.each([
    [
      'monochrome',
      (writer: BitWriter) => writer.flag(false).flag(true).flag(false).flag(false),
      { monochrome: true },
    ],
    [
      'sRGB',
      (writer: BitWriter) =>
        writer.flag(false).flag(false).flag(true).bits(1, 8).bits(13, 8).bits(0, 8).flag(false),
      { subsamplingX: false, fullRange: true },
    ],
    [
      '4:2:2 of 12 bits',
      (writer: BitWriter) =>
        writer.flag(true).flag(true).flag(false).flag(false).flag(false).flag(true).flag(false).flag(false),
      { bitDepth: 12, subsamplingX: true, subsamplingY: false },
    ],
  ])('a reduced header in profile 2: %s', (_name, color, facts) => {
    const writer = new BitWriter();
    writer.bits(2, 3).flag(true).flag(true).bits(31, 5);
    writer.bits(15, 4).bits(15, 4).bits(65535, 16).bits(0, 16);
    writer.bits(0, 3).bits(0, 3);
    color(writer);
    expect(parseAv1SequenceHeader(writer.finish())).toMatchObject({
      levelIndex: 31,
      width: 65536,
      height: 1,
      frameRate: undefined,
      color: facts,
    });
  });

  it('cut data and reserved profiles are refused', () => {
    const payload = hexToBytes('000000043d06d4daf90040');
    for (let length = 0; length < 9; length++) {
      expect(outcome(() => parseAv1SequenceHeader(payload.subarray(0, length)))).toBe('short-read');
    }
    expect(outcome(() => parseAv1SequenceHeader(hexToBytes('60')))).toBe('bad-value');
  });
});

describe('AV1 OBUs', () => {
  it('are walked, with and without a size, with an extension', () => {
    const bytes = hexToBytes('1200 0a02aabb 360801cc 30ddee');
    expect(
      [...av1Obus(bytes)].map((obu) => [obu.type, bytesToHex(bytes.subarray(obu.payloadStart, obu.end))]),
    ).toEqual([
      [Av1ObuType.temporalDelimiter, ''],
      [Av1ObuType.sequenceHeader, 'aabb'],
      [Av1ObuType.frame, 'cc'],
      [Av1ObuType.frame, 'ddee'],
    ]);
  });

  it.each([
    ['the forbidden bit', '8a00', 'bad-value'],
    ['a size over the end', '0a05aabb', 'short-read'],
    ['a cut size', '0a80', 'short-read'],
    ['a cut extension', '0e', 'short-read'],
    ['a size of over 32 bits', '0affffffffff7f', 'bad-value'],
    ['a size without an end', '0affffffffffffffffff', 'bad-value'],
  ])('%s is refused', (_name, hex, code) => {
    expect(outcome(() => [...av1Obus(hexToBytes(hex))])).toBe(code);
  });

  it('without a sequence header there is none', () => {
    expect(findAv1SequenceHeader(hexToBytes('1200'))).toBeUndefined();
  });

  it('mutated records give facts or a MediaError', () => {
    const seeds = Object.values(REAL).map(hexToBytes);
    const edits = fc.array(fc.tuple(fc.nat(16), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), edits, fc.nat(17), (seed, changes, length) => {
        const bytes = seed.slice(0, length);
        for (const [offset, value] of changes) bytes[offset] = value;
        outcome(() => parseAv1CodecConfiguration(bytes));
        outcome(() => findAv1SequenceHeader(bytes));
        outcome(() => findAv1SequenceHeader(bytes.subarray(4)));
      }),
      { numRuns: 2000 },
    );
  });
});
