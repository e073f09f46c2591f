import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BitReader, BitWriter, bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildAudioSpecificConfig,
  isLoasSync,
  LatmReader,
  LOAS_MAX_FRAME_BYTES,
  loasFrames,
  parseAudioSpecificConfig,
} from './index.ts';

/** What an element of the tests says, besides its frames. */
interface ElementOptions {
  /** undefined: useSameStreamMux is 1. */
  readonly config?: Uint8Array | undefined;
  /** Bits of the configuration. Default: all of its bytes. */
  readonly configBits?: number;
  readonly version?: 0 | 1;
  readonly subFrames?: number;
  readonly otherBits?: number;
  readonly crc?: boolean;
  readonly sameFraming?: boolean;
  readonly programs?: number;
  readonly layers?: number;
  readonly frameLengthType?: number;
  readonly versionA?: boolean;
}

/** AudioMuxElement(1), written along ISO/IEC 14496-3 Tables 1.41 to 1.45. */
function element(frames: readonly Uint8Array[], options: ElementOptions = {}): Uint8Array {
  const { config, version = 0, otherBits = 0, subFrames = frames.length } = options;
  const writer = new BitWriter();
  writer.flag(config === undefined); // useSameStreamMux
  if (config !== undefined) {
    writer.bits(version, 1); // audioMuxVersion
    if (version === 1) {
      writer.flag(options.versionA ?? false); // audioMuxVersionA
      writer.bits(1, 2).bits(0xffff, 16); // taraBufferFullness
    }
    writer.flag(options.sameFraming ?? true); // allStreamsSameTimeFraming
    writer.bits(subFrames - 1, 6).bits((options.programs ?? 1) - 1, 4); // numSubFrames, numProgram
    writer.bits((options.layers ?? 1) - 1, 3); // numLayer
    const bits = options.configBits ?? 8 * config.length;
    if (version === 1) writer.bits(0, 2).bits(bits, 8); // ascLen
    const configReader = new BitReader(config);
    for (let bit = 0; bit < bits; bit++) writer.bits(configReader.bit(), 1); // AudioSpecificConfig
    writer.bits(options.frameLengthType ?? 0, 3).bits(0xff, 8); // frameLengthType, latmBufferFullness
    writer.flag(otherBits > 0); // otherDataPresent
    if (otherBits > 0 && version === 1) writer.bits(1, 2).bits(otherBits, 16); // otherDataLenBits
    if (otherBits > 0 && version === 0) {
      if (otherBits > 255) writer.flag(true).bits(otherBits >> 8, 8); // otherDataLenEsc, otherDataLenTmp
      writer.flag(false).bits(otherBits & 0xff, 8);
    }
    writer.flag(options.crc ?? false); // crcCheckPresent
    if (options.crc === true) writer.bits(0xa5, 8); // crcCheckSum
  }
  for (const frame of frames) {
    let left = frame.length;
    for (; left >= 255; left -= 255) writer.bits(255, 8); // tmp
    writer.bits(left, 8);
    for (const byte of frame) writer.bits(byte, 8);
  }
  for (let bit = 0; bit < otherBits; bit++) writer.flag(true);
  return writer.finish().slice();
}

/** AudioSyncStream() with this element. */
function loas(payload: Uint8Array): Uint8Array {
  const length = payload.length;
  return concatBytes([Uint8Array.of(0x56, 0xe0 | (length >> 8), length), payload]);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'no error';
}

const LC = buildAudioSpecificConfig({ sampleRate: 44_100, channelConfiguration: 2 });
const HE = buildAudioSpecificConfig({ sampleRate: 24_000, channelConfiguration: 1, ps: true });
/** Version 0 ends the configuration within a byte. */
const HE_BITS = { configBits: 25 };
const BACKWARD = buildAudioSpecificConfig({
  ...{ sampleRate: 22_050, channelConfiguration: 2 },
  ...{ sbr: true, sbrSignalling: 'backward-compatible' },
});
const FRAMES = [
  hexToBytes('2100 0340 68'),
  new Uint8Array(600).fill(0xa7),
  new Uint8Array(0),
  hexToBytes('01'),
];

describe('LOAS', () => {
  it('walks frames, passes over what is none, and stops at one that is cut', () => {
    const first = loas(hexToBytes('aabbcc'));
    const second = loas(new Uint8Array(0x1fff).fill(0x56));
    expect(second.length).toBe(LOAS_MAX_FRAME_BYTES);
    const bytes = concatBytes([hexToBytes('5600'), first, hexToBytes('56'), second, first.subarray(0, 5)]);
    expect([...loasFrames(bytes)]).toEqual([
      { start: 2, payloadStart: 5, end: 8 },
      { start: 9, payloadStart: 12, end: 9 + LOAS_MAX_FRAME_BYTES },
    ]);
    for (let length = 0; length < 8; length++) expect([...loasFrames(bytes.subarray(0, length))]).toEqual([]);
    expect(isLoasSync(bytes, 2)).toBe(true);
    expect(isLoasSync(bytes)).toBe(false);
    expect([...loasFrames(new Uint8Array(10))]).toEqual([]);
  });
});

describe('LATM', () => {
  it.each<[string, Uint8Array, ElementOptions]>([
    ['AAC LC, version 0', LC, {}],
    ['AAC LC, version 1', LC, { version: 1 }],
    ['HE-AAC v2, version 0', HE, HE_BITS],
    ['HE-AAC, signalled behind, version 1', BACKWARD, { version: 1 }],
    ['with other data and a CRC', LC, { otherBits: 13, crc: true }],
    ['with much other data', LC, { otherBits: 1000 }],
    ['with other data, version 1', LC, { otherBits: 300, version: 1, crc: true }],
  ])('%s', (_, config, options) => {
    const reader = new LatmReader();
    const wanted = { subFrames: FRAMES.length, otherDataBits: options.otherBits ?? 0 };
    const first = reader.read(element(FRAMES, { ...options, config }));
    expect(first?.frames.map(bytesToHex)).toEqual(FRAMES.map(bytesToHex));
    expect(first?.streamMuxConfig).toMatchObject({ ...wanted, config: parseAudioSpecificConfig(config) });
    expect(bytesToHex(first?.streamMuxConfig.configBytes ?? new Uint8Array(0))).toBe(bytesToHex(config));
    // The same configuration again, said or not, is the same object.
    const again = reader.read(element(FRAMES, { ...options, config }));
    expect(again?.streamMuxConfig).toBe(first?.streamMuxConfig);
    const silent = reader.read(element(FRAMES, { otherBits: wanted.otherDataBits }));
    expect(silent).toEqual(first);
  });

  it('a configuration that changes is another object', () => {
    const reader = new LatmReader();
    const first = reader.read(element(FRAMES, { config: LC }));
    const second = reader.read(element(FRAMES, { config: HE, ...HE_BITS }));
    expect(second?.streamMuxConfig).not.toBe(first?.streamMuxConfig);
    expect(second?.streamMuxConfig.config.ps).toBe(true);
  });

  it('frames before the first configuration are no answer, and so they are after a reset', () => {
    const reader = new LatmReader();
    expect(reader.read(element(FRAMES))).toBeUndefined();
    reader.read(element(FRAMES, { config: LC }));
    reader.reset();
    expect(reader.read(element(FRAMES))).toBeUndefined();
  });

  it.each<[string, ElementOptions, string]>([
    ['audioMuxVersionA 1', { version: 1, versionA: true }, 'unsupported'],
    ['different time frames', { sameFraming: false }, 'unsupported'],
    ['two programs', { programs: 2 }, 'unsupported'],
    ['two layers', { layers: 2 }, 'unsupported'],
    ['frames of a fixed length', { frameLengthType: 1 }, 'unsupported'],
    ['more frames than there are', { subFrames: 64 }, 'short-read'],
    ['more other data than a frame holds', { otherBits: 65_535 }, 'no error'],
  ])('%s', (_, options, code) => {
    const reader = new LatmReader();
    expect(codeOf(() => reader.read(element(FRAMES, { config: LC, ...options })))).toBe(code);
  });

  it('an endless length of other data, and an ascLen over the element, are refused', () => {
    const writer = new BitWriter();
    // useSameStreamMux, audioMuxVersion, allStreamsSameTimeFraming, numSubFrames, numProgram, numLayer
    writer.bits(0, 1).bits(0, 1).bits(1, 1).bits(0, 6).bits(0, 4).bits(0, 3);
    for (const byte of LC) writer.bits(byte, 8);
    writer.bits(0, 3).bits(0, 8).flag(true); // frameLengthType, latmBufferFullness, otherDataPresent
    for (let index = 0; index < 40; index++) writer.bits(0x1ff, 9);
    expect(codeOf(() => new LatmReader().read(writer.finish()))).toBe('bad-value');
    const long = new BitWriter();
    long.bits(0, 1).bits(1, 1).bits(0, 1).bits(0, 2).bits(0, 8); // …, taraBufferFullness
    long.bits(1, 1).bits(0, 6).bits(0, 4).bits(0, 3).bits(3, 2).bits(0xffffffff, 32); // …, ascLen
    expect(codeOf(() => new LatmReader().read(long.finish()))).toBe('short-read');
  });

  it('survives what is wrong', () => {
    const seeds = [
      element(FRAMES, { config: LC }),
      element(FRAMES, { config: BACKWARD, version: 1, otherBits: 9, crc: true }),
      element(FRAMES, { config: HE, ...HE_BITS }),
    ];
    const edit = fc.record({ seed: fc.nat(2), at: fc.nat(40), value: fc.nat(255), length: fc.nat(700) });
    fc.assert(
      fc.property(edit, ({ seed, at, value, length }) => {
        const bytes = (seeds[seed] ?? LC).slice(0, length);
        if (at < bytes.length) bytes[at] = value;
        const reader = new LatmReader();
        codeOf(() => reader.read(bytes));
        codeOf(() => reader.read(element(FRAMES)));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const { payloadStart, end } of loasFrames(loas(bytes))) {
          codeOf(() => new LatmReader().read(bytes.subarray(payloadStart - 3, end - 3)));
        }
      }),
    );
  });
});
