import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  type AudioTagHeader,
  type AudioTagHeaderOptions,
  buildAudioTagHeader,
  parseAudioTagHeader,
} from './index.ts';

/** Header bytes, what they say, and what builds them. */
const HEADERS: readonly (readonly [string, Partial<AudioTagHeader>, AudioTagHeaderOptions])[] = [
  [
    'af00',
    {
      codec: 'aac',
      packetType: 'sequence-header',
      sampleRate: 44100,
      sampleBits: 16,
      channels: 2,
      dataOffset: 2,
      enhanced: false,
    },
    { codec: 'aac', packetType: 'sequence-header' },
  ],
  ['af01', { codec: 'aac', packetType: 'raw' }, { codec: 'aac' }],
  [
    '2f',
    { codec: 'mp3', packetType: 'raw', sampleRate: 44100, channels: 2, dataOffset: 1 },
    { codec: 'mp3', sampleRate: 44100 },
  ],
  ['2a', { codec: 'mp3', sampleRate: 22050, channels: 1 }, { codec: 'mp3', sampleRate: 22050, channels: 1 }],
  ['e2', { codec: 'mp3', sampleRate: 8000, channels: 1 }, { codec: 'mp3', sampleRate: 8000, channels: 1 }],
  [
    '00',
    { codec: 'pcm', sampleRate: 5512, sampleBits: 8, channels: 1 },
    { codec: 'pcm', sampleRate: 5512, sampleBits: 8, channels: 1 },
  ],
  ['17', { codec: 'adpcm', sampleRate: 11025, channels: 2 }, { codec: 'adpcm', sampleRate: 11025 }],
  ['3f', { codec: 'pcm-le', sampleRate: 44100 }, { codec: 'pcm-le' }],
  [
    '42',
    { codec: 'nellymoser', sampleRate: 16000, channels: 1 },
    { codec: 'nellymoser', sampleRate: 16000, channels: 1 },
  ],
  [
    '52',
    { codec: 'nellymoser', sampleRate: 8000, channels: 1 },
    { codec: 'nellymoser', sampleRate: 8000, channels: 1 },
  ],
  ['6b', { codec: 'nellymoser', sampleRate: 22050, channels: 2 }, { codec: 'nellymoser', sampleRate: 22050 }],
  ['72', { codec: 'g711a', sampleRate: 8000 }, { codec: 'g711a', sampleRate: 8000, channels: 1 }],
  ['82', { codec: 'g711u', sampleRate: 8000 }, { codec: 'g711u', sampleRate: 8000, channels: 1 }],
  [
    'b2',
    { codec: 'speex', sampleRate: 16000, channels: 1 },
    { codec: 'speex', sampleRate: 16000, channels: 1 },
  ],
  ['ff', { codec: 'device' }, { codec: 'device' }],
  [
    '904f707573',
    {
      codec: 'opus',
      packetType: 'sequence-header',
      fourCC: 'Opus',
      enhanced: true,
      dataOffset: 5,
      sampleRate: undefined,
      channels: undefined,
    },
    { codec: 'opus', packetType: 'sequence-header' },
  ],
  ['914f707573', { codec: 'opus', packetType: 'raw' }, { codec: 'opus' }],
  ['91664c6143', { codec: 'flac' }, { codec: 'flac' }],
  ['9161632d33', { codec: 'ac3' }, { codec: 'ac3' }],
  ['9165632d33', { codec: 'eac3' }, { codec: 'eac3' }],
  [
    '906d703461',
    { codec: 'aac', packetType: 'sequence-header', enhanced: true },
    { codec: 'aac', packetType: 'sequence-header', enhanced: true },
  ],
  ['912e6d7033', { codec: 'mp3', fourCC: '.mp3', enhanced: true }, { codec: 'mp3', enhanced: true }],
  [
    '944f707573',
    { codec: 'opus', packetType: 'multichannel-config' },
    { codec: 'opus', packetType: 'multichannel-config' },
  ],
  [
    '924f707573',
    { codec: 'opus', packetType: 'end-of-sequence' },
    { codec: 'opus', packetType: 'end-of-sequence' },
  ],
];

describe('audio tag header', () => {
  it.each(HEADERS)('P010 %s is read', (hex, facts) => {
    expect(parseAudioTagHeader(hexToBytes(`${hex}aa`))).toMatchObject(facts);
  });

  it.each(HEADERS)('%s is built', (hex, _facts, options) => {
    expect(bytesToHex(buildAudioTagHeader(options))).toBe(hex);
  });

  it.each(HEADERS)('%s cut anywhere is no header and no exception', (hex) => {
    const bytes = hexToBytes(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(parseAudioTagHeader(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it('reserved formats, packet types and FourCCs are reported as unknown', () => {
    expect(parseAudioTagHeader(hexToBytes('cf'))).toMatchObject({ codec: 'unknown' });
    expect(parseAudioTagHeader(hexToBytes('af02'))).toMatchObject({ codec: 'aac', packetType: 'unknown' });
    expect(parseAudioTagHeader(hexToBytes('9368656c6f'))).toMatchObject({
      codec: 'unknown',
      packetType: 'unknown',
      fourCC: 'helo',
    });
  });

  it('modifiers in front of the packet type are passed over', () => {
    expect(parseAudioTagHeader(hexToBytes('97 02 0f4240 01 4f707573 aa'))).toMatchObject({
      codec: 'opus',
      packetType: 'raw',
      dataOffset: 10,
    });
    expect(parseAudioTagHeader(hexToBytes('97 02 0f42'))).toBeUndefined();
  });

  it('nanoseconds of modifiers', () => {
    const nanosecondsOf = (hex: string): number | undefined =>
      parseAudioTagHeader(hexToBytes(hex))?.nanoseconds;
    expect(nanosecondsOf('97 02 0003e8 01 4f707573')).toBe(1000);
    // 999999 is the most there can be.
    expect(nanosecondsOf('97 02 ffffff 01 4f707573')).toBe(999_999);
    expect(nanosecondsOf('91 4f707573')).toBe(0);
    expect(nanosecondsOf('af01')).toBe(0);
  });

  it('multitrack: one track', () => {
    expect(parseAudioTagHeader(hexToBytes('95 00 6d703461 01 1210'))).toEqual({
      codec: 'aac',
      sampleRate: undefined,
      sampleBits: undefined,
      channels: undefined,
      packetType: 'multitrack',
      dataOffset: 7,
      enhanced: true,
      fourCC: 'mp4a',
      nanoseconds: 0,
      multitrack: {
        multitrackType: 0,
        packetType: 'sequence-header',
        tracks: [
          { trackId: 1, codec: 'aac', fourCC: 0x6d703461, compositionTime: 0, dataOffset: 7, dataEnd: 9 },
        ],
        complete: true,
      },
    });
  });

  it('multitrack: several tracks of one codec', () => {
    const header = parseAudioTagHeader(hexToBytes('95 11 4f707573 03 000002 aabb 04 000000 05 000001 cc'));
    expect(header).toMatchObject({ codec: 'opus', dataOffset: 10 });
    expect(header?.multitrack).toMatchObject({ multitrackType: 1, packetType: 'raw', complete: true });
    expect(header?.multitrack?.tracks).toMatchObject([
      { trackId: 3, codec: 'opus', dataOffset: 10, dataEnd: 12 },
      { trackId: 4, codec: 'opus', dataOffset: 16, dataEnd: 16 },
      { trackId: 5, codec: 'opus', dataOffset: 20, dataEnd: 21 },
    ]);
  });

  it('multitrack: several codecs', () => {
    const hex = '97 02 0003e8 05 21 4f707573 00 000002 aabb 6d703461 01 000001 cc 68656c6f 02 000000';
    const header = parseAudioTagHeader(hexToBytes(hex));
    expect(header).toMatchObject({ codec: 'opus', fourCC: 'Opus', nanoseconds: 1000 });
    expect(header?.multitrack?.tracks).toMatchObject([
      { trackId: 0, codec: 'opus', dataOffset: 15, dataEnd: 17 },
      { trackId: 1, codec: 'aac', dataOffset: 25, dataEnd: 26 },
      { trackId: 2, codec: 'unknown', fourCC: 0x68656c6f, dataOffset: 34, dataEnd: 34 },
    ]);
    expect(header?.multitrack?.complete).toBe(true);
  });

  it('multitrack: nothing is read of a header that is cut', () => {
    for (const hex of ['95', '95 11', '95 11 4f707573', '95 11 4f707573 03 0000']) {
      expect(parseAudioTagHeader(hexToBytes(hex))).toBeUndefined();
    }
  });

  it('what a header cannot say is refused', () => {
    const refused = (options: AudioTagHeaderOptions): unknown => {
      try {
        return buildAudioTagHeader(options);
      } catch (error) {
        return error instanceof MediaError ? error.code : error;
      }
    };
    expect(refused({ codec: 'mp3', sampleRate: 48000 })).toBe('bad-value');
    expect(refused({ codec: 'mp3', sampleBits: 24 })).toBe('bad-value');
    expect(refused({ codec: 'mp3', channels: 6 })).toBe('bad-value');
    expect(refused({ codec: 'mp3', packetType: 'sequence-header' })).toBe('unsupported');
    expect(refused({ codec: 'aac', packetType: 'end-of-sequence' })).toBe('unsupported');
    expect(refused({ codec: 'opus', enhanced: false })).toBe('unsupported');
    expect(refused({ codec: 'speex', enhanced: true })).toBe('unsupported');
  });

  it('any bytes give a header within the body, or none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (body) => {
        const header = parseAudioTagHeader(body);
        if (header !== undefined) expect(header.dataOffset).toBeLessThanOrEqual(body.length);
      }),
    );
  });
});
