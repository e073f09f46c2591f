import { describe, expect, it } from 'vitest';

import type { AudioInfo, VideoInfo } from '../live/index.ts';
import { audioView, videoView } from './codec-names.ts';

describe('names of codecs in the API', () => {
  it.each<[VideoInfo, ReturnType<typeof videoView>]>([
    [
      { codec: 'h264', profile: 100, level: 31, width: 1280, height: 720 },
      { codec: 'H264', profile: 'High', level: '3.1', width: 1280, height: 720 },
    ],
    [
      { codec: 'h264', profile: 66, level: 40 },
      { codec: 'H264', profile: 'Baseline', level: '4' },
    ],
    [
      { codec: 'h264', profile: 1, level: 9 },
      { codec: 'H264', profile: '1', level: '0.9' },
    ],
    [
      { codec: 'hevc', profile: 1, level: 93 },
      { codec: 'HEVC', profile: 'Main', level: '3.1' },
    ],
    [
      { codec: 'av1', profile: 0, level: 8 },
      { codec: 'AV1', profile: '0', level: '4.0' },
    ],
    [
      { codec: 'av1', profile: 0, level: 5 },
      { codec: 'AV1', profile: '0', level: '3.1' },
    ],
    [{ codec: 'vp6' }, { codec: 'VP6' }],
    [{ codec: 'unknown' }, { codec: 'unknown' }],
  ])('video %j', (facts, view) => {
    expect(videoView(facts)).toEqual(view);
  });

  it.each<[AudioInfo, ReturnType<typeof audioView>]>([
    [
      { codec: 'aac', sampleRate: 44100, channels: 2, profile: 2 },
      { codec: 'AAC', sampleRate: 44100, channels: 2, profile: 'LC' },
    ],
    [
      { codec: 'aac', sampleRate: 48000, channels: 2, profile: 29 },
      { codec: 'AAC', sampleRate: 48000, channels: 2, profile: 'HEv2' },
    ],
    [
      { codec: 'aac', profile: 42 },
      { codec: 'AAC', profile: '42' },
    ],
    [
      { codec: 'mp3', sampleRate: 22050, channels: 1 },
      { codec: 'MP3', sampleRate: 22050, channels: 1 },
    ],
    [{ codec: 'unknown' }, { codec: 'unknown' }],
  ])('audio %j', (facts, view) => {
    expect(audioView(facts)).toEqual(view);
  });
});
