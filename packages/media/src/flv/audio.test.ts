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

  it('multitrack: the first track is read', () => {
    expect(parseAudioTagHeader(hexToBytes('95 00 6d703461 01 1210'))).toMatchObject({
      codec: 'aac',
      packetType: 'multitrack',
      dataOffset: 7,
      track: { multitrackType: 0, packetType: 'sequence-header', trackId: 1, size: undefined },
    });
    expect(parseAudioTagHeader(hexToBytes('95 11 4f707573 03 000002 aabb'))).toMatchObject({
      codec: 'opus',
      dataOffset: 10,
      track: { multitrackType: 1, packetType: 'raw', trackId: 3, size: 2 },
    });
    expect(parseAudioTagHeader(hexToBytes('95 11 4f707573 03 0000'))).toBeUndefined();
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
