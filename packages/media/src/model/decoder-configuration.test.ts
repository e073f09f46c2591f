import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { avcConfigurationFromParameterSets, buildAvcDecoderConfiguration } from '../avc/index.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { buildHevcDecoderConfiguration, hevcConfigurationFromParameterSets } from '../hevc/index.ts';
import {
  type AudioCodec,
  type DecoderConfiguration,
  parseDecoderConfiguration,
  recordWithLongLengths,
  unreadConfiguration,
  type VideoCodec,
} from './index.ts';

/** What ffmpeg wrote: x264, x265, libaom, its own AAC encoder, libopus. */
const SPS = '6764000cacd941419f9f011000000300100000030320f1429960';
const PPS = '68ebe3cb22c0';
const VPS_HEVC = '40010c01ffff016000000300900000030000030078959409';
const SPS_HEVC = '420101016000000300900000030000030078a003c0801107536595952930bc05a02000000300200000030321';
const PPS_HEVC = '4401c073c189';
const RECORDS = {
  h264: `0164000cffe1001a${SPS}010006${PPS}fdf8f800`,
  hevc: `01016000000090000000000078f000fcfdf8f800000f03a000010018${VPS_HEVC}a10001002c${SPS_HEVC}a200010006${PPS_HEVC}`,
  av1: '81000c000a0b000000043d06d4daf90040',
  aac: '1210',
  opus: '4f707573486561640102380180bb0000000000',
} as const;

/** All that a configuration can say, when it says nothing. */
const SILENT = {
  codecString: undefined,
  profile: undefined,
  level: undefined,
  width: undefined,
  height: undefined,
  sampleRate: undefined,
  channels: undefined,
  frameSamples: undefined,
  nalLengthSize: undefined,
  parameterSets: undefined,
  problem: undefined,
};

function read(codec: VideoCodec | AudioCodec, hex: string, parseSps?: boolean): DecoderConfiguration {
  return parseDecoderConfiguration(codec, hexToBytes(hex), parseSps === undefined ? {} : { parseSps });
}

function hexOf(units: readonly Uint8Array[] | undefined): string[] {
  return (units ?? []).map(bytesToHex);
}

describe('parseDecoderConfiguration', () => {
  it('H.264', () => {
    const record = hexToBytes(RECORDS.h264);
    const { parameterSets, ...rest } = parseDecoderConfiguration('h264', record);
    expect(rest).toEqual({
      codec: 'h264',
      record,
      codecString: 'avc1.64000c',
      profile: 100,
      level: 12,
      width: 320,
      height: 180,
      sampleRate: undefined,
      channels: undefined,
      frameSamples: undefined,
      nalLengthSize: 4,
      readable: true,
      problem: undefined,
    });
    expect(hexOf(parameterSets?.vps)).toEqual([]);
    expect(hexOf(parameterSets?.sps)).toEqual([SPS]);
    expect(hexOf(parameterSets?.pps)).toEqual([PPS]);
    expect(parameterSets?.sps[0]?.buffer).toBe(record.buffer);
    expect(rest.record).toBe(record);
  });

  it('HEVC', () => {
    const { parameterSets, ...rest } = read('hevc', RECORDS.hevc);
    expect(rest).toMatchObject({
      codecString: 'hvc1.1.6.L120.90',
      profile: 1,
      level: 120,
      width: 1918,
      height: 1078,
      nalLengthSize: 4,
      readable: true,
      problem: undefined,
    });
    expect(hexOf(parameterSets?.vps)).toEqual([VPS_HEVC]);
    expect(hexOf(parameterSets?.sps)).toEqual([SPS_HEVC]);
    expect(hexOf(parameterSets?.pps)).toEqual([PPS_HEVC]);
  });

  it('AV1', () => {
    const record = hexToBytes(RECORDS.av1);
    expect(parseDecoderConfiguration('av1', record)).toEqual({
      ...SILENT,
      codec: 'av1',
      record,
      codecString: 'av01.0.00M.08',
      profile: 0,
      level: 0,
      width: 322,
      height: 182,
      readable: true,
    });
  });

  it('AV1 without a sequence header: its size is not known', () => {
    expect(read('av1', '81000c00')).toMatchObject({ codecString: 'av01.0.00M.08', readable: true });
    expect(read('av1', '81000c00').width).toBeUndefined();
  });

  it('AAC', () => {
    const record = hexToBytes(RECORDS.aac);
    expect(parseDecoderConfiguration('aac', record)).toEqual({
      ...SILENT,
      codec: 'aac',
      record,
      codecString: 'mp4a.40.2',
      profile: 2,
      sampleRate: 44_100,
      channels: 2,
      frameSamples: 1024,
      readable: true,
    });
  });

  it('HE-AAC: the rate is that of what is heard', () => {
    // AAC-LC of 24 kHz, SBR of 48 kHz, signalled explicitly.
    expect(read('aac', '2b118800')).toMatchObject({
      codecString: 'mp4a.40.5',
      sampleRate: 48_000,
      channels: 2,
      readable: true,
    });
  });

  it('Opus: 48 kHz whatever its input had', () => {
    const record = hexToBytes(RECORDS.opus);
    expect(parseDecoderConfiguration('opus', record)).toEqual({
      ...SILENT,
      codec: 'opus',
      record,
      codecString: 'opus',
      sampleRate: 48_000,
      channels: 2,
      readable: true,
    });
    expect(read('opus', '4f70757348656164 01 06 3801 44ac0000 0000 01 04 02 000401020305')).toMatchObject({
      sampleRate: 48_000,
      channels: 6,
    });
  });

  it.each<VideoCodec | AudioCodec>(['vp8', 'vp9', 'vvc', 'flac', 'ac3', 'eac3', 'mp3', 'unknown'])(
    '%s: the record is passed on unread',
    (codec) => {
      const record = hexToBytes('0102030405');
      expect(parseDecoderConfiguration(codec, record)).toEqual({ ...SILENT, codec, record, readable: true });
    },
  );

  it('without a look at the SPS', () => {
    for (const codec of ['h264', 'hevc'] as const) {
      const configuration = read(codec, RECORDS[codec], false);
      expect(configuration).toMatchObject({ nalLengthSize: 4, readable: true, problem: undefined });
      expect(configuration).toMatchObject({ width: undefined, height: undefined });
      expect(configuration.codecString).toBeDefined();
      expect(configuration.parameterSets?.sps).toHaveLength(1);
    }
  });

  it.each<readonly [string, VideoCodec | AudioCodec, string]>([
    ['H.264 of no bytes', 'h264', ''],
    ['H.264 that is cut', 'h264', RECORDS.h264.slice(0, 40)],
    ['H.264 of another version', 'h264', `00${RECORDS.h264.slice(2)}`],
    ['H.264 of 3-byte lengths', 'h264', RECORDS.h264.replace('0164000cff', '0164000cfe')],
    ['HEVC of no bytes', 'hevc', ''],
    ['HEVC that is cut', 'hevc', RECORDS.hevc.slice(0, 80)],
    ['AV1 of no bytes', 'av1', ''],
    ['AV1 of another version', 'av1', '82000c00'],
    ['AAC of no bytes', 'aac', ''],
    ['AAC that is cut', 'aac', '12'],
    ['Opus of no bytes', 'opus', ''],
    ['Opus that is cut', 'opus', RECORDS.opus.slice(0, 36)],
    ['Opus without its magic', 'opus', `00${RECORDS.opus.slice(2)}`],
    ['Opus of no channels', 'opus', RECORDS.opus.replace('010238', '010038')],
  ])('%s can not be read, and says why', (_, codec, hex) => {
    const configuration = read(codec, hex);
    const record = hexToBytes(hex);
    expect(configuration).toEqual({
      ...SILENT,
      codec,
      record,
      readable: false,
      problem: configuration.problem,
    });
    expect(configuration.problem).toMatch(/\w/);
  });

  it.each<readonly [string, VideoCodec, string]>([
    ['H.264', 'h264', '0164000cffe10004 67640000 010006 68ebe3cb22c0'],
    ['HEVC', 'hevc', RECORDS.hevc.replace(SPS_HEVC, SPS_HEVC.replace('420101016000', '4201fffffff0'))],
    ['AV1', 'av1', '81000c000a0b ff0000043d06d4daf90040'],
  ])('%s whose sequence parameters are broken is known but for its size', (_, codec, hex) => {
    const configuration = read(codec, hex);
    expect(configuration).toMatchObject({ readable: true, width: undefined, height: undefined });
    expect(configuration.codecString).toBeDefined();
    expect(configuration.problem).toMatch(/\w/);
  });

  it('what stands behind the PPS of H.264 is of no interest', () => {
    const { codecString, width, height, parameterSets } = read('h264', RECORDS.h264.slice(0, -8));
    for (const tail of ['fd', 'fdf8f8', 'fdf8f8ff', '68ebe3cb22c0', 'ffffffffffffffff']) {
      const padded = read('h264', RECORDS.h264.slice(0, -8) + tail);
      expect(padded.record).toHaveLength(RECORDS.h264.length / 2 - 4 + tail.length / 2);
      expect(padded).toMatchObject({ codecString, width, height, parameterSets });
      expect(padded).toMatchObject({ readable: true, problem: undefined });
    }
  });

  it('H.264 without parameter sets', () => {
    expect(read('h264', '0142c01effe000')).toMatchObject({
      readable: true,
      codecString: 'avc1.42c01e',
      width: undefined,
      parameterSets: { vps: [], sps: [], pps: [] },
    });
  });

  it('any bytes, and damaged records: nothing is thrown, and what is said is of the record', () => {
    const codecs: readonly (VideoCodec | AudioCodec)[] = ['h264', 'hevc', 'av1', 'aac', 'opus', 'vp9'];
    const seeds = Object.values(RECORDS).map((hex) => hexToBytes(hex));
    const edits = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 });
    const damaged = fc.tuple(fc.constantFrom(...seeds), edits, fc.nat(140)).map(([seed, changes, length]) => {
      const bytes = seed.slice(0, length);
      for (const [offset, value] of changes) bytes[offset] = value;
      return bytes;
    });
    const bytes = fc.oneof(damaged, fc.uint8Array({ maxLength: 64 }));
    fc.assert(
      fc.property(fc.constantFrom(...codecs), bytes, fc.boolean(), (codec, record, parseSps) => {
        const configuration = parseDecoderConfiguration(codec, record, { parseSps });
        expect(configuration.record).toBe(record);
        expect(configuration.readable || configuration.problem !== undefined).toBe(true);
        const { vps = [], sps = [], pps = [] } = configuration.parameterSets ?? {};
        let held = 0;
        for (const unit of [...vps, ...sps, ...pps]) {
          expect(unit.buffer).toBe(record.buffer);
          held += unit.length;
        }
        expect(held).toBeLessThanOrEqual(record.length);
        expect(recordWithLongLengths(configuration)).toHaveLength(record.length);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('recordWithLongLengths', () => {
  const avc = (lengthSize: 1 | 2 | 4): Uint8Array =>
    buildAvcDecoderConfiguration(
      avcConfigurationFromParameterSets([hexToBytes(SPS)], [hexToBytes(PPS)], lengthSize),
    );
  const hevc = (lengthSize: 1 | 2 | 4): Uint8Array =>
    buildHevcDecoderConfiguration(
      hevcConfigurationFromParameterSets(
        [hexToBytes(VPS_HEVC)],
        [hexToBytes(SPS_HEVC)],
        [hexToBytes(PPS_HEVC)],
        lengthSize,
      ),
    );

  it.each([
    ['h264', 1, avc],
    ['h264', 2, avc],
    ['hevc', 1, hevc],
    ['hevc', 2, hevc],
  ] as const)('%s of %i-byte lengths: a copy that says 4', (codec, lengthSize, build) => {
    const configuration = parseDecoderConfiguration(codec, build(lengthSize));
    expect(configuration.nalLengthSize).toBe(lengthSize);
    const record = recordWithLongLengths(configuration);
    expect(bytesToHex(record)).toBe(bytesToHex(build(4)));
    expect(bytesToHex(configuration.record)).toBe(bytesToHex(build(lengthSize)));
    expect(parseDecoderConfiguration(codec, record).nalLengthSize).toBe(4);
  });

  it('a record that says so, or that has no lengths, is the record itself', () => {
    for (const codec of ['h264', 'hevc', 'av1', 'aac', 'opus'] as const) {
      const configuration = read(codec, RECORDS[codec]);
      expect(recordWithLongLengths(configuration)).toBe(configuration.record);
    }
    const broken = read('h264', '01');
    expect(recordWithLongLengths(broken)).toBe(broken.record);
  });
});

describe('unreadConfiguration', () => {
  it('says nothing, and that nothing is wrong', () => {
    const record = concatBytes([hexToBytes(RECORDS.av1)]);
    expect(unreadConfiguration('av1', record)).toEqual({ ...SILENT, codec: 'av1', record, readable: false });
  });
});
