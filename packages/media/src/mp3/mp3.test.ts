import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildMp3FrameHeader,
  findMp3Sync,
  Mp3ChannelMode,
  type Mp3FrameHeader,
  type Mp3FrameHeaderOptions,
  mp3Frames,
  parseMp3FrameHeader,
  readMp3FrameHeader,
} from './index.ts';

/** Headers, what they say, and what builds them; the first three are real ones of libmp3lame. */
const HEADERS: readonly (readonly [string, Partial<Mp3FrameHeader>, Mp3FrameHeaderOptions])[] = [
  [
    'fffb9064',
    {
      version: 1,
      layer: 3,
      bitrate: 128000,
      sampleRate: 44100,
      channels: 2,
      channelMode: Mp3ChannelMode.jointStereo,
      samples: 1152,
      frameSize: 417,
      padding: false,
      crc: false,
      original: true,
    },
    {
      bitrate: 128000,
      sampleRate: 44100,
      channelMode: Mp3ChannelMode.jointStereo,
      modeExtension: 2,
      original: true,
    },
  ],
  [
    'fff340c4',
    { version: 2, bitrate: 32000, sampleRate: 22050, channels: 1, samples: 576, frameSize: 104 },
    { version: 2, bitrate: 32000, sampleRate: 22050, channelMode: Mp3ChannelMode.mono, original: true },
  ],
  [
    'ffe328c4',
    { version: 2.5, bitrate: 16000, sampleRate: 8000, channels: 1, samples: 576, frameSize: 144 },
    { version: 2.5, bitrate: 16000, sampleRate: 8000, channelMode: Mp3ChannelMode.mono, original: true },
  ],
  [
    'fffb9264',
    { padding: true, frameSize: 418 },
    {
      bitrate: 128000,
      sampleRate: 44100,
      padding: true,
      channelMode: Mp3ChannelMode.jointStereo,
      modeExtension: 2,
      original: true,
    },
  ],
  [
    'fffe9600',
    { version: 1, layer: 1, bitrate: 288000, sampleRate: 48000, samples: 384, frameSize: 292, crc: true },
    { layer: 1, bitrate: 288000, sampleRate: 48000, padding: true, crc: true },
  ],
  [
    'fffd8880',
    { layer: 2, bitrate: 128000, sampleRate: 32000, samples: 1152, frameSize: 576, channels: 2 },
    { layer: 2, bitrate: 128000, sampleRate: 32000, channelMode: Mp3ChannelMode.dualChannel },
  ],
  [
    'fff5e900',
    {
      version: 2,
      layer: 2,
      bitrate: 160000,
      sampleRate: 16000,
      samples: 1152,
      frameSize: 1440,
      privateBit: true,
    },
    { version: 2, layer: 2, bitrate: 160000, sampleRate: 16000, privateBit: true },
  ],
  [
    'fffb040b',
    { bitrate: undefined, frameSize: undefined, sampleRate: 48000, copyright: true, emphasis: 3 },
    { bitrate: undefined, sampleRate: 48000, copyright: true, emphasis: 3 },
  ],
];

const REAL_FILE = new Uint8Array(readFileSync(new URL('./testdata/sine-22050-mono.mp3', import.meta.url)));
const REAL_SIZES = [104, 105, 104, 105, 104, 105, 104];

describe('MP3 frame header', () => {
  it.each(HEADERS)('%s is read', (hex, facts) => {
    expect(parseMp3FrameHeader(hexToBytes(hex))).toMatchObject(facts);
  });

  it.each(HEADERS)('%s is built', (hex, _facts, options) => {
    expect(bytesToHex(buildMp3FrameHeader(options))).toBe(hex);
  });

  it('every header that is read is built again', () => {
    let count = 0;
    const bytes = Uint8Array.of(0xff, 0, 0, 0x64);
    for (let second = 0xe0; second <= 0xff; second++) {
      for (let third = 0; third <= 0xff; third++) {
        bytes[1] = second;
        bytes[2] = third;
        const header = readMp3FrameHeader(bytes, 0);
        if (header === undefined) continue;
        count++;
        if (bytesToHex(buildMp3FrameHeader(header)) !== bytesToHex(bytes)) expect.fail(bytesToHex(bytes));
      }
    }
    // 3 versions, 3 layers, CRC or not, 15 bitrates, 3 rates, padding, private bit.
    expect(count).toBe(3 * 3 * 2 * 15 * 3 * 2 * 2);
  });

  it('too few bytes are no header and no exception', () => {
    for (let length = 0; length < 4; length++) {
      expect(parseMp3FrameHeader(hexToBytes('fffb9064').subarray(0, length))).toBeUndefined();
    }
  });

  it.each([
    ['no syncword', 'fe fb9064'],
    ['half a syncword', 'ff1b9064'],
    ['the reserved version', 'ffeb9064'],
    ['the reserved layer (ADTS has it)', 'fff15080'],
    ['bitrate index 15', 'fffbf064'],
    ['the reserved rate', 'fffb9c64'],
  ])('%s is refused', (_name, hex) => {
    expect(() => parseMp3FrameHeader(hexToBytes(hex))).toThrow(
      expect.objectContaining({ code: 'bad-value' }),
    );
  });

  it('what no header can say is not built', () => {
    expect(() => buildMp3FrameHeader({ bitrate: 123000, sampleRate: 44100 })).toThrow(MediaError);
    expect(() => buildMp3FrameHeader({ bitrate: 128000, sampleRate: 22050 })).toThrow(MediaError);
  });
});

describe('MP3 sync', () => {
  it('finds the first frame behind other bytes, past what only looks like a header', () => {
    const junk = hexToBytes('494433030000 fffb9064 0000 ff');
    expect(findMp3Sync(concatBytes([junk, REAL_FILE]))).toBe(junk.length);
    expect(findMp3Sync(REAL_FILE, 1)).toBe(104);
    expect(findMp3Sync(new Uint8Array(100))).toBe(-1);
    expect(findMp3Sync(new Uint8Array(0))).toBe(-1);
  });

  it('a single frame at the end counts', () => {
    expect(findMp3Sync(hexToBytes('0000fff340c40000'))).toBe(2);
  });

  it('the frames of a real file', () => {
    const frames = [...mp3Frames(REAL_FILE)];
    expect(frames.map((frame) => frame.end - frame.start)).toEqual(REAL_SIZES);
    expect(frames.at(-1)?.end).toBe(REAL_FILE.length);
    expect([...mp3Frames(REAL_FILE.subarray(0, REAL_FILE.length - 1))]).toHaveLength(6);
  });

  it('byte by byte: the frames are the same', () => {
    let pending = new Uint8Array(0);
    const sizes: number[] = [];
    for (const byte of REAL_FILE) {
      pending = concatBytes([pending, Uint8Array.of(byte)]) as Uint8Array<ArrayBuffer>;
      for (const frame of mp3Frames(pending)) {
        sizes.push(frame.end - frame.start);
        pending = pending.slice(frame.end);
      }
    }
    expect(sizes).toEqual(REAL_SIZES);
  });

  it('bytes between frames are passed over', () => {
    const bytes = concatBytes([REAL_FILE, hexToBytes('544147ff00'), REAL_FILE]);
    expect([...mp3Frames(bytes)]).toHaveLength(14);
  });

  it('any bytes end the walk', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0xff, 0xfb, 0xe3, 0x90, 0x28, 0x00), { maxLength: 400 }),
        (values) => {
          let end = 0;
          for (const frame of mp3Frames(Uint8Array.from(values))) {
            expect(frame.start).toBeGreaterThanOrEqual(end);
            expect(frame.end).toBeLessThanOrEqual(values.length);
            end = frame.end;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
