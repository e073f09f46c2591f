import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BitWriter, bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  AAC_SAMPLE_RATES,
  aacCodecString,
  aacOutputChannels,
  aacOutputSampleRate,
  ADTS_HEADER_BYTES,
  adtsFrames,
  type AudioSpecificConfig,
  audioSpecificConfigFromAdts,
  type AudioSpecificConfigOptions,
  buildAdtsHeader,
  buildAudioSpecificConfig,
  isAdtsSync,
  parseAdtsHeader,
  parseAudioSpecificConfig,
} from './index.ts';

/** Configurations, what they say, and what builds them; the first four are real ones that ffmpeg wrote into MP4. */
const CONFIGS: readonly (readonly [string, Partial<AudioSpecificConfig>, AudioSpecificConfigOptions])[] = [
  [
    '121056e500',
    { objectType: 2, sampleRate: 44100, channels: 2, sbr: false, sbrSignalling: 'backward-compatible' },
    { sampleRate: 44100, channelConfiguration: 2, sbrSignalling: 'backward-compatible' },
  ],
  [
    '118856e500',
    { sampleRate: 48000, channels: 1 },
    { sampleRate: 48000, channelConfiguration: 1, sbrSignalling: 'backward-compatible' },
  ],
  [
    '13b056e500',
    { sampleRate: 22050, channels: 6 },
    { sampleRate: 22050, channelConfiguration: 6, sbrSignalling: 'backward-compatible' },
  ],
  [
    '138856e500',
    { sampleRate: 22050, channels: 1 },
    { sampleRate: 22050, channelConfiguration: 1, sbrSignalling: 'backward-compatible' },
  ],
  [
    '1210',
    {
      objectType: 2,
      sampleRate: 44100,
      channels: 2,
      frameLength: 1024,
      sbrSignalling: 'none',
      sbr: false,
      ps: false,
    },
    { sampleRate: 44100, channelConfiguration: 2 },
  ],
  ['1214', { frameLength: 960 }, { sampleRate: 44100, channelConfiguration: 2, frameLength: 960 }],
  [
    '0a10',
    { objectType: 1, sampleRate: 44100, channels: 2 },
    { objectType: 1, sampleRate: 44100, channelConfiguration: 2 },
  ],
  [
    '2b920800',
    {
      objectType: 2,
      sampleRate: 22050,
      channels: 2,
      sbrSignalling: 'hierarchical',
      sbr: true,
      ps: false,
      extensionSampleRate: 44100,
    },
    { sampleRate: 22050, channelConfiguration: 2, sbr: true },
  ],
  [
    'eb8a0800',
    { objectType: 2, sampleRate: 22050, channels: 1, sbr: true, ps: true, extensionSampleRate: 44100 },
    { sampleRate: 22050, channelConfiguration: 1, ps: true },
  ],
  [
    '139056e5a0',
    {
      objectType: 2,
      sampleRate: 22050,
      sbrSignalling: 'backward-compatible',
      sbr: true,
      ps: false,
      extensionSampleRate: 44100,
    },
    { sampleRate: 22050, channelConfiguration: 2, sbr: true, sbrSignalling: 'backward-compatible' },
  ],
  [
    '138856e5a54880',
    { sbr: true, ps: true, channels: 1, extensionSampleRate: 44100 },
    { sampleRate: 22050, channelConfiguration: 1, ps: true, sbrSignalling: 'backward-compatible' },
  ],
  [
    '178055f010',
    { objectType: 2, sampleRate: 44000, channels: 2 },
    { sampleRate: 44000, channelConfiguration: 2 },
  ],
];

/** The error code that `action` fails with, or what it gives. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
}

describe('P013 AudioSpecificConfig', () => {
  it.each(CONFIGS)('%s is read', (hex, facts) => {
    expect(parseAudioSpecificConfig(hexToBytes(hex))).toMatchObject(facts);
  });

  it.each(CONFIGS)('%s is built', (hex, _facts, options) => {
    expect(bytesToHex(buildAudioSpecificConfig(options))).toBe(hex);
  });

  it('every sample rate index, and a rate without one', () => {
    for (const sampleRate of [...AAC_SAMPLE_RATES, 44000, 1, 0xffffff]) {
      const bytes = buildAudioSpecificConfig({ sampleRate, channelConfiguration: 2 });
      expect(parseAudioSpecificConfig(bytes).sampleRate).toBe(sampleRate);
    }
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 6],
    [7, 8],
    [11, 7],
    [12, 8],
    [13, 24],
    [14, 8],
  ])('channel configuration %i is %i channels', (channelConfiguration, channels) => {
    const bytes = buildAudioSpecificConfig({ sampleRate: 48000, channelConfiguration });
    expect(parseAudioSpecificConfig(bytes)).toMatchObject({ channelConfiguration, channels });
  });

  it('channels told by a program config element', () => {
    const writer = new BitWriter();
    writer.bits(2, 5).bits(3, 4).bits(0, 4).bits(0, 3);
    writer.bits(0, 4).bits(1, 2).bits(3, 4); // tag, object type, rate
    writer.bits(2, 4).bits(1, 4).bits(1, 4).bits(1, 2).bits(1, 3).bits(1, 4);
    writer.flag(true).bits(0, 4).flag(true).bits(0, 4).flag(true).bits(0, 3); // mixdowns
    writer.flag(false).bits(0, 4).flag(true).bits(0, 4); // front: 1 + 2
    writer.flag(true).bits(1, 4); // side: 2
    writer.flag(true).bits(2, 4); // back: 2
    writer.bits(0, 4).bits(0, 4).bits(0, 5).alignToByte(); // low-frequency, associated data, coupling
    writer.bits(2, 8).bits(0x6162, 16); // comment
    writer.bits(0x2b7, 11).bits(5, 5).flag(true).bits(3, 4);
    expect(parseAudioSpecificConfig(writer.finish())).toMatchObject({
      channelConfiguration: 0,
      channels: 8,
      sbr: true,
      extensionSampleRate: 48000,
    });
  });

  it('object types over 31, and those that are not general audio', () => {
    const usac = new BitWriter().bits(31, 5).bits(10, 6).bits(3, 4).bits(2, 4).finish();
    expect(parseAudioSpecificConfig(usac)).toMatchObject({ objectType: 42, sampleRate: 48000, channels: 2 });
    const lowDelay = new BitWriter()
      .bits(23, 5)
      .bits(3, 4)
      .bits(2, 4)
      .bits(0b101, 3)
      .bits(0, 3)
      .flag(false)
      .finish();
    expect(parseAudioSpecificConfig(lowDelay)).toMatchObject({
      objectType: 23,
      frameLength: 960,
      sbr: false,
    });
    const coreCoder = new BitWriter()
      .bits(2, 5)
      .bits(3, 4)
      .bits(2, 4)
      .bits(0b010, 2)
      .bits(99, 14)
      .flag(false)
      .finish();
    expect(parseAudioSpecificConfig(coreCoder)).toMatchObject({ objectType: 2 });
  });

  it('what a decoder puts out, and the codec string', () => {
    const facts = (hex: string): unknown[] => {
      const config = parseAudioSpecificConfig(hexToBytes(hex));
      return [aacCodecString(config), aacOutputSampleRate(config), aacOutputChannels(config)];
    };
    expect(facts('1210')).toEqual(['mp4a.40.2', 44100, 2]);
    expect(facts('2b920800')).toEqual(['mp4a.40.5', 44100, 2]);
    expect(facts('eb8a0800')).toEqual(['mp4a.40.29', 44100, 2]);
    expect(facts('121056e500')).toEqual(['mp4a.40.2', 44100, 2]);
  });

  it.each([
    ['nothing', '', 'short-read'],
    ['one byte', '12', 'short-read'],
    ['a cut explicit rate', '1780', 'short-read'],
    ['a reserved rate index', '1690', 'bad-value'],
    ['an explicit rate of 0', '1780000010', 'bad-value'],
    ['object type 0', '0210', 'bad-value'],
    ['a cut program config element', '1180', 'short-read'],
    ['hierarchical SBR without its object type', '2b92', 'short-read'],
  ])('%s is refused', (_name, hex, code) => {
    expect(outcome(() => parseAudioSpecificConfig(hexToBytes(hex)))).toBe(code);
  });

  it('what cannot be said is not built', () => {
    const build = (change: Partial<AudioSpecificConfigOptions>) =>
      outcome(() => buildAudioSpecificConfig({ sampleRate: 44100, channelConfiguration: 2, ...change }));
    expect(build({ objectType: 23 })).toBe('unsupported');
    expect(build({ channelConfiguration: 0 })).toBe('unsupported');
    expect(build({ sampleRate: 2 ** 24 })).toBe('bad-value');
    expect(build({ frameLength: 512 })).toBe('bad-value');
    expect(build({ ps: true, sbr: false })).toBe('bad-value');
    expect(build({ sbr: true, sbrSignalling: 'none' })).toBe('bad-value');
    expect(build({ sbr: false, sbrSignalling: 'hierarchical' })).toBe('bad-value');
  });

  it('what is read can be built again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 4),
        fc.oneof(fc.constantFrom(...AAC_SAMPLE_RATES), fc.integer({ min: 1, max: 0xffffff })),
        fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 11, 12, 14),
        fc.constantFrom('none', 'hierarchical', 'backward-compatible'),
        fc.boolean(),
        fc.boolean(),
        (objectType, sampleRate, channelConfiguration, sbrSignalling, on, ps) => {
          const sbr = sbrSignalling === 'hierarchical' || (sbrSignalling === 'backward-compatible' && on);
          const bytes = buildAudioSpecificConfig({
            objectType,
            sampleRate,
            channelConfiguration,
            sbrSignalling,
            sbr,
            ps: sbr && ps,
            extensionSampleRate: 48000,
          });
          const config = parseAudioSpecificConfig(bytes);
          expect(config).toMatchObject({
            objectType,
            sampleRate,
            channelConfiguration,
            sbrSignalling,
            sbr,
            ps: sbr && ps,
          });
          expect(bytesToHex(buildAudioSpecificConfig(config))).toBe(bytesToHex(bytes));
        },
      ),
    );
  });

  it('any bytes give facts or a MediaError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        outcome(() => parseAudioSpecificConfig(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

/** A whole real frame, silence at the end of the file. */
const REAL_FRAME = hexToBytes('fff1508001dffc2140da4608c1c0');

describe('ADTS', () => {
  it('P013 a real header: profile is the object type minus 1', () => {
    expect(parseAdtsHeader(REAL_FRAME)).toEqual({
      mpegVersion: 4,
      objectType: 2,
      sampleRate: 44100,
      channelConfiguration: 2,
      crc: false,
      headerLength: 7,
      frameLength: 14,
      bufferFullness: 2047,
      rawDataBlocks: 1,
    });
  });

  it.each([
    ['fff150800000fc', 'short of its own header', 'bad-value'],
    ['fff350801fdffc', 'of layer 1', 'bad-value'],
    ['ffe150801fdffc', 'without the syncword', 'bad-value'],
    ['fff174801fdffc', 'of a reserved rate', 'bad-value'],
  ])('%s, %s, is refused', (hex, _name, code) => {
    expect(outcome(() => parseAdtsHeader(hexToBytes(hex)))).toBe(code);
  });

  it.each([
    ['fff150801fdffc', { crc: false, rawDataBlocks: 1, headerLength: 7 }],
    ['fff050801fdffc', { crc: true, rawDataBlocks: 1, headerLength: 9 }],
    ['fff850801fdfff', { crc: true, rawDataBlocks: 4, headerLength: 15, mpegVersion: 2 }],
    ['fff98d801fc000', { mpegVersion: 2, objectType: 3, channelConfiguration: 6, bufferFullness: 0 }],
  ])('%s', (hex, facts) => {
    expect(parseAdtsHeader(hexToBytes(hex))).toMatchObject(facts);
  });

  it('too few bytes are no header and no exception', () => {
    for (let length = 0; length < 7; length++) {
      expect(parseAdtsHeader(REAL_FRAME.subarray(0, length))).toBeUndefined();
    }
    expect(isAdtsSync(REAL_FRAME)).toBe(true);
    expect(isAdtsSync(hexToBytes('fffb'))).toBe(false);
    expect(isAdtsSync(new Uint8Array(0))).toBe(false);
  });

  it('P013 what is built is read again, for every profile, rate and channel configuration', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 4),
        fc.constantFrom(...AAC_SAMPLE_RATES),
        fc.nat(7),
        fc.nat(8184),
        fc.constantFrom<2 | 4>(2, 4),
        (objectType, sampleRate, channelConfiguration, payloadLength, mpegVersion) => {
          const facts = { objectType, sampleRate, channelConfiguration, mpegVersion };
          const bytes = buildAdtsHeader({ ...facts, payloadLength });
          expect(parseAdtsHeader(bytes)).toMatchObject({
            ...facts,
            frameLength: payloadLength + ADTS_HEADER_BYTES,
            bufferFullness: 2047,
          });
        },
      ),
    );
  });

  it('P013 HE-AAC gets the header of its core codec', () => {
    const config = parseAudioSpecificConfig(hexToBytes('eb8a0800'));
    const header = buildAdtsHeader({ ...config, payloadLength: 100 });
    expect(parseAdtsHeader(header)).toMatchObject({
      objectType: 2,
      sampleRate: 22050,
      channelConfiguration: 1,
    });
  });

  it('X003 a header makes a sequence header', () => {
    const header = parseAdtsHeader(REAL_FRAME);
    expect(header).toBeDefined();
    if (header === undefined) return;
    expect(bytesToHex(buildAudioSpecificConfig(audioSpecificConfigFromAdts(header)))).toBe('1210');
  });

  it('what ADTS cannot say is refused', () => {
    const build = (change: object) =>
      outcome(() =>
        buildAdtsHeader({ sampleRate: 44100, channelConfiguration: 2, payloadLength: 1, ...change }),
      );
    expect(build({ sampleRate: 44000 })).toBe('unsupported');
    expect(build({ objectType: 5 })).toBe('unsupported');
    expect(build({ channelConfiguration: 11 })).toBe('unsupported');
    expect(build({ payloadLength: 8185 })).toBe('limit-exceeded');
  });

  it('the frames of a real file', () => {
    const file = readFileSync(new URL('./testdata/sine-44100-stereo.aac', import.meta.url));
    const frames = [...adtsFrames(file)];
    expect(frames.map((frame) => frame.end - frame.start)).toEqual([97, 133, 80, 87, 85, 95, 14]);
    expect(frames.at(-1)?.end).toBe(file.length);
    expect([...adtsFrames(file.subarray(0, file.length - 1))]).toHaveLength(6);
  });

  it('byte by byte: the frames are the same', () => {
    const file = new Uint8Array(readFileSync(new URL('./testdata/sine-44100-stereo.aac', import.meta.url)));
    let pending = new Uint8Array(0);
    const sizes: number[] = [];
    for (let offset = 0; offset < file.length; offset++) {
      pending = concatBytes([pending, file.subarray(offset, offset + 1)]) as Uint8Array<ArrayBuffer>;
      for (const frame of adtsFrames(pending)) {
        sizes.push(frame.end - frame.start);
        pending = pending.slice(frame.end);
      }
    }
    expect(sizes).toEqual([97, 133, 80, 87, 85, 95, 14]);
  });

  it('bytes between frames are passed over', () => {
    const bytes = concatBytes([hexToBytes('494433 ff fff0'), REAL_FRAME, hexToBytes('00fff3'), REAL_FRAME]);
    expect([...adtsFrames(bytes)].map((frame) => [frame.start, frame.payloadStart, frame.end])).toEqual([
      [6, 13, 20],
      [23, 30, 37],
    ]);
  });

  it('any bytes end the walk', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0xff, 0xf1, 0xf0, 0x50, 0x80, 0x00, 0x01)), (values) => {
        let end = 0;
        for (const frame of adtsFrames(Uint8Array.from(values))) {
          expect(frame.start).toBeGreaterThanOrEqual(end);
          expect(frame.end).toBeLessThanOrEqual(values.length);
          end = frame.end;
        }
      }),
      { numRuns: 1000 },
    );
  });
});
