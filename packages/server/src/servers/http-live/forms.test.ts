import { describe, expect, it } from 'vitest';

import type { LiveStream } from '../../live/index.ts';
import { formOf, formProblem, type LiveForm, SETTLED_MS } from './forms.ts';

type Audio = NonNullable<LiveStream['audio']>['codec'];
type Video = NonNullable<LiveStream['video']>['codec'];

function stream(audio: Audio | undefined, video: Video | undefined, ageMs = SETTLED_MS) {
  return {
    publisherId: 'someone',
    publishedAt: performance.now() - ageMs,
    audio: audio === undefined ? undefined : { codec: audio },
    video: video === undefined ? undefined : { codec: video },
  };
}

describe('formProblem', () => {
  it.each<[LiveForm, Audio | undefined, Video | undefined, string | undefined]>([
    ['flv', 'speex', 'vp6', undefined],
    ['ts', 'aac', 'h264', undefined],
    ['ts', undefined, 'hevc', undefined],
    ['ts', 'mp3', undefined, undefined],
    ['ts', 'aac', 'av1', undefined],
    [
      ...(['ts', 'opus', 'av1'] as const),
      "MPEG-TS can't carry video of codec AV1: publish H.264 or HEVC, or play it by RTMP or HTTP-FLV; " +
        "MPEG-TS can't carry audio of codec Opus: publish AAC or MP3, or play it by RTMP or HTTP-FLV",
    ],
    [
      ...(['ts', 'speex', undefined] as const),
      "MPEG-TS can't carry audio of codec Speex: publish AAC or MP3, or play it by RTMP or HTTP-FLV",
    ],
    ['ts', undefined, undefined, undefined],
    ['aac', 'aac', 'h264', undefined],
    ['aac', 'mp3', undefined, 'the audio is mp3, not aac'],
    ['aac', undefined, 'h264', 'the stream has no audio'],
    ['mp3', 'mp3', undefined, undefined],
    ['mp3', 'aac', 'h264', 'the audio is aac, not mp3'],
    ['mp3', undefined, undefined, undefined],
  ])('H010 %s of %s and %s: %s', (form, audio, video, problem) => {
    expect(formProblem(form, stream(audio, video))).toBe(problem);
  });

  it('H010 a track that has not come may come, for a while', () => {
    expect(formProblem('aac', stream(undefined, 'h264', SETTLED_MS - 1000))).toBeUndefined();
    expect(formProblem('ts', stream('speex', undefined, 0))).toBeUndefined();
  });

  it('H012 nothing is known while nobody publishes', () => {
    expect(formProblem('mp3', { ...stream('aac', 'h264'), publisherId: undefined })).toBeUndefined();
  });
});

describe('formOf', () => {
  it.each([
    ['/live/a.flv', 'flv'],
    ['/live/a.ts', 'ts'],
    ['/live/a.aac', 'aac'],
    ['/live/a.mp3', 'mp3'],
    ['/live/a.m3u8', undefined],
    ['/live/flv', undefined],
    ['', undefined],
  ])('H008 %s', (path, form) => {
    expect(formOf(path)).toBe(form);
  });
});
