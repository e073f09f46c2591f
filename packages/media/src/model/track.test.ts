import { describe, expect, it } from 'vitest';

import { hexToBytes } from '../bytes/index.ts';
import {
  type AudioCodec,
  codecString,
  createAudioTrack,
  createDataTrack,
  createVideoTrack,
  isNalCodec,
  isSameTrack,
  parseDecoderConfiguration,
  type VideoCodec,
  withConfiguration,
} from './index.ts';

const AVC = parseDecoderConfiguration(
  'h264',
  hexToBytes(
    '0164000cffe1001a 6764000cacd941419f9f011000000300100000030320f1429960 010006 68ebe3cb22c0 fdf8f800',
  ),
);
const AAC = parseDecoderConfiguration('aac', hexToBytes('1190'));

describe('tracks', () => {
  it('of video: what nobody says is not known', () => {
    expect(createVideoTrack('vp9')).toEqual({
      kind: 'video',
      codec: 'vp9',
      id: 0,
      timescale: 1000,
      primary: true,
      language: undefined,
      title: undefined,
      configuration: undefined,
      width: undefined,
      height: undefined,
    });
  });

  it('of audio, with all that can be said', () => {
    const options = { id: 3, timescale: 48_000, primary: false, language: 'en-GB', title: 'Commentary' };
    expect(createAudioTrack('opus', { ...options, sampleRate: 48_000, channels: 2 })).toEqual({
      kind: 'audio',
      codec: 'opus',
      ...options,
      configuration: undefined,
      sampleRate: 48_000,
      channels: 2,
    });
  });

  it('of data have no configuration', () => {
    expect(createDataTrack()).toMatchObject({ kind: 'data', codec: 'amf0', configuration: undefined });
    expect(createDataTrack('amf0', { configuration: AAC, id: 2 })).toMatchObject({
      id: 2,
      configuration: undefined,
    });
  });

  it('the configuration says size and sound, unless the options do', () => {
    expect(createVideoTrack('h264', { configuration: AVC })).toMatchObject({ width: 320, height: 180 });
    expect(createVideoTrack('h264', { configuration: AVC, width: 640 })).toMatchObject({
      width: 640,
      height: 180,
    });
    expect(createAudioTrack('aac', { configuration: AAC })).toMatchObject({
      sampleRate: 48_000,
      channels: 2,
    });
    expect(createAudioTrack('aac', { configuration: AAC, sampleRate: 44_100 }).sampleRate).toBe(44_100);
  });

  it('another configuration makes another object, and replaces what was known', () => {
    const track = createVideoTrack('h264', { id: 1, title: 'Main', width: 1, height: 2 });
    const next = withConfiguration(track, AVC);
    expect(next).toEqual({ ...track, configuration: AVC, width: 320, height: 180 });
    expect(track).toMatchObject({ width: 1, height: 2, configuration: undefined });
    expect(withConfiguration(next, undefined)).toMatchObject({ width: undefined, height: undefined });
    const sound = createAudioTrack('aac', { sampleRate: 1, channels: 1 });
    expect(withConfiguration(sound, AAC)).toMatchObject({ sampleRate: 48_000, channels: 2 });
  });

  it('a configuration that says nothing of size or sound leaves what was known', () => {
    const vp9 = parseDecoderConfiguration('vp9', hexToBytes('000a8201 01010000'));
    const video = createVideoTrack('vp9', { width: 640, height: 360 });
    expect(withConfiguration(video, vp9)).toEqual({ ...video, configuration: vp9 });
    const flac = parseDecoderConfiguration('flac', hexToBytes('664c6143'));
    const audio = createAudioTrack('flac', { sampleRate: 96_000, channels: 6 });
    expect(withConfiguration(audio, flac)).toEqual({ ...audio, configuration: flac });
  });

  it('are the same by kind and id, whatever their codec', () => {
    const video = createVideoTrack('h264', { id: 1 });
    expect(isSameTrack(video, createVideoTrack('hevc', { id: 1, configuration: AVC }))).toBe(true);
    expect(isSameTrack(video, createVideoTrack('h264', { id: 2 }))).toBe(false);
    expect(isSameTrack(video, createAudioTrack('aac', { id: 1 }))).toBe(false);
    expect(isSameTrack(createDataTrack(), createDataTrack())).toBe(true);
  });
});

describe('codec strings', () => {
  it('are those of the configuration', () => {
    expect(codecString(createVideoTrack('h264', { configuration: AVC }))).toBe('avc1.64000c');
    expect(codecString(createAudioTrack('aac', { configuration: AAC }))).toBe('mp4a.40.2');
  });

  it.each<readonly [AudioCodec, string | undefined]>([
    ['mp3', 'mp4a.40.34'],
    ['opus', 'opus'],
    ['flac', 'flac'],
    ['ac3', 'ac-3'],
    ['eac3', 'ec-3'],
    ['aac', undefined],
    ['g711a', undefined],
    ['speex', undefined],
  ])('%s without a configuration: %s', (codec, text) => {
    expect(codecString(createAudioTrack(codec))).toBe(text);
  });

  it.each<readonly [VideoCodec, string | undefined]>([
    ['vp8', 'vp8'],
    ['vp9', undefined],
    ['h264', undefined],
    ['vp6', undefined],
  ])('%s without a configuration: %s', (codec, text) => {
    expect(codecString(createVideoTrack(codec))).toBe(text);
  });

  it('data has none', () => {
    expect(codecString(createDataTrack())).toBeUndefined();
  });

  it('NAL units are read of H.264 and HEVC', () => {
    expect((['h264', 'hevc', 'vvc', 'av1', 'aac', 'amf0'] as const).map(isNalCodec)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
