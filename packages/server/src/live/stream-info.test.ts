import { FlvPacketReader, FlvTagType } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';

import { packetOf } from './packet-test-kit.ts';
import { aacHeader, avcHeader } from '../remux/test-kit.ts';
import { audioInfo, videoInfo } from './stream-info.ts';

interface Facts {
  readonly codec?: string;
  readonly keyframe?: boolean;
  readonly type?: string;
}

const { audio, video } = FlvTagType;

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

describe('messages become packets', () => {
  it.each([
    ['O004 H.264 keyframe', video, '17 01 000000 aa', { codec: 'h264', keyframe: true }],
    ['O004 H.264 inter frame', video, '27 01 000000 aa', { codec: 'h264', keyframe: false }],
    ['H.264 sequence header', video, '17 00 000000 aa', { keyframe: false, type: 'configuration' }],
    ['H.264 end of sequence', video, '17 02 000000', { keyframe: false }],
    ['O004 HEVC keyframe, old codec id', video, '1c 01 000000 aa', { codec: 'hevc', keyframe: true }],
    ['O004 HEVC keyframe, Enhanced RTMP', video, '91 68766331 000000 aa', { codec: 'hevc', keyframe: true }],
    [
      'HEVC sequence header, Enhanced RTMP',
      video,
      '90 68766331 aa',
      { keyframe: false, type: 'configuration' },
    ],
    ['O004 AV1 keyframe, Enhanced RTMP', video, '91 61763031 aa', { codec: 'av1', keyframe: true }],
    ['P010 VP6 keyframe', video, '14 00 aa', { codec: 'vp6', keyframe: true }],
    ['P010 H.263 inter frame', video, '22 aa', { codec: 'h263', keyframe: false }],
    ['P015 command frame', video, '57 00', { codec: 'h264', keyframe: false }],
    ['P015 Enhanced RTMP command', video, 'd0 00', { codec: 'unknown', keyframe: false }],
    ['AAC sequence header', audio, 'af 00 1210', { codec: 'aac', type: 'configuration' }],
    ['AAC frame', audio, 'af 01 aa', { codec: 'aac' }],
    ['P010 MP3', audio, '2f aa', { codec: 'mp3' }],
    ['P010 Speex', audio, 'b2 aa', { codec: 'speex' }],
    ['P010 Nellymoser', audio, '6a aa', { codec: 'nellymoser' }],
    ['P010 an audio format that nobody knows', audio, 'c0 aa', { codec: 'unknown' }],
  ] as const)('%s', (_, type, hex, { codec, ...facts }: Facts) => {
    const body = bytes(hex);
    const [packet] = new FlvPacketReader().read(type, 77, body);
    expect(packet).toMatchObject({ timestamp: 77, ...facts });
    if (codec !== undefined) expect(packet?.track.codec).toBe(codec);
    expect(packet?.track.kind).toBe(type === video ? 'video' : 'audio');
    expect(packet?.body).toBe(body);
  });

  it.each([
    ['an empty video body', video, ''],
    ['an empty audio body', audio, ''],
    ['a cut H.264 header', video, '17 01 00'],
    ['a cut FourCC', video, '91 6876'],
    ['codec id 0', video, '10 aa'],
    ['codec id 15', video, '1f aa'],
    ['an unknown FourCC', video, '91 00000000 aa'],
    ['frame type 0', video, '07 01 000000 aa'],
    ['frame type 6', video, '67 01 000000 aa'],
    ['frame type 7, Enhanced RTMP', video, 'f1 68766331 000000 aa'],
  ] as const)('P011 %s makes no packet', (_, type, hex) => {
    expect(new FlvPacketReader().read(type, 0, bytes(hex))).toEqual([]);
  });
});

function infoOf(kind: 'audio' | 'video', body: Uint8Array, parseSps = true) {
  const [packet] = new FlvPacketReader({ parseSps }).read(FlvTagType[kind], 0, body);
  if (packet === undefined || packet.track.kind === 'data') throw new Error('the body makes no packet');
  return packet.track.kind === 'video' ? videoInfo(packet.track) : audioInfo(packet.track);
}

describe('what a track says of itself', () => {
  it('P012 H.264: codec, profile, level and size from the sequence header', () => {
    const size = { width: 1280, height: 720 };
    expect(infoOf('video', avcHeader())).toEqual({ codec: 'h264', profile: 100, level: 31, ...size });
  });

  it('P012 parse_sps off leaves the size out', () => {
    expect(infoOf('video', avcHeader(), false)).toEqual({ codec: 'h264', profile: 100, level: 31 });
  });

  it('P013 AAC: rate, channels and object type from the sequence header', () => {
    expect(infoOf('audio', aacHeader())).toEqual({
      codec: 'aac',
      sampleRate: 44100,
      channels: 2,
      profile: 2,
    });
  });

  it('P010 other codecs: what the header of a tag says', () => {
    expect(infoOf('audio', bytes('2faa'))).toEqual({ codec: 'mp3', sampleRate: 44100, channels: 2 });
    expect(infoOf('audio', bytes('b2aa'))).toMatchObject({ codec: 'speex', channels: 1 });
    expect(infoOf('audio', bytes('af01aa'))).toEqual({ codec: 'aac' });
    expect(infoOf('video', bytes('1400aa'))).toEqual({ codec: 'vp6' });
    expect(infoOf('video', bytes('2701000000'))).toEqual({ codec: 'h264' });
  });

  it('an SPS that lies has its problem said, and nothing is thrown', () => {
    const { track } = packetOf('video', 0, avcHeader().subarray(0, 12));
    expect(track.configuration).toMatchObject({ readable: false });
    expect(track.configuration?.problem).toBeTypeOf('string');
  });
});
