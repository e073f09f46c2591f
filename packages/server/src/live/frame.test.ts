import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FrameKind, mediaFrame } from './frame.ts';

const { audio, video } = FrameKind;

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

describe('mediaFrame', () => {
  it.each([
    ['O004 H.264 keyframe', video, '17 01 000000 aa', { codec: 'h264', keyframe: true }],
    ['O004 H.264 inter frame', video, '27 01 000000 aa', { codec: 'h264', keyframe: false }],
    ['H.264 sequence header', video, '17 00 000000 aa', { keyframe: false, sequenceHeader: true }],
    ['H.264 end of sequence', video, '17 02 000000', { keyframe: false, sequenceHeader: false }],
    ['O004 HEVC keyframe, old codec id', video, '1c 01 000000 aa', { codec: 'hevc', keyframe: true }],
    ['O004 HEVC keyframe, Enhanced RTMP', video, '91 68766331 000000 aa', { codec: 'hevc', keyframe: true }],
    [
      'HEVC sequence header, Enhanced RTMP',
      video,
      '90 68766331 aa',
      { keyframe: false, sequenceHeader: true },
    ],
    ['O004 AV1 keyframe, Enhanced RTMP', video, '91 61763031 aa', { codec: 'av1', keyframe: true }],
    ['P010 VP6 keyframe', video, '14 00 aa', { codec: 'vp6', keyframe: true }],
    ['P010 H.263 inter frame', video, '22 aa', { codec: 'h263', keyframe: false }],
    ['P015 command frame', video, '57 00', { codec: 'h264', keyframe: false, sequenceHeader: false }],
    ['P015 Enhanced RTMP command', video, 'd0 00', { codec: 'unknown', keyframe: false }],
    ['AAC sequence header', audio, 'af 00 1210', { codec: 'aac', sequenceHeader: true }],
    ['AAC frame', audio, 'af 01 aa', { codec: 'aac', sequenceHeader: false }],
    ['P010 MP3', audio, '2f aa', { codec: 'mp3', sequenceHeader: false }],
    ['P010 Speex', audio, 'b2 aa', { codec: 'speex', sequenceHeader: false }],
    ['P010 Nellymoser', audio, '6a aa', { codec: 'nellymoser' }],
    ['P010 an audio format that nobody knows', audio, 'c0 aa', { codec: 'unknown' }],
  ] as const)('%s', (_, kind, hex, facts) => {
    const body = bytes(hex);
    const frame = mediaFrame(kind, 77, body);
    expect(frame).toMatchObject({ kind, timestamp: 77, ...facts });
    expect(frame?.body).toBe(body);
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
  ] as const)('P011 %s is no frame', (_, kind, hex) => {
    expect(mediaFrame(kind, 0, bytes(hex))).toBeUndefined();
  });

  it('takes any bytes without an exception', () => {
    fc.assert(
      fc.property(fc.constantFrom(audio, video), fc.uint8Array({ maxLength: 40 }), (kind, body) => {
        mediaFrame(kind, 0, body);
      }),
      { numRuns: 2000 },
    );
  });
});
