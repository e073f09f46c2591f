import { configurationPacket, mediaPacket } from '@sluice/media/flv';
import {
  createAudioTrack,
  createVideoTrack,
  type KeptPacket,
  type Packet,
  parseDecoderConfiguration,
} from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { aacHeader, avcHeader, liveStream, publishTo } from '../remux/test-kit.ts';
import { adtsPayloads, readTs } from '../remux/ts-test-kit.ts';
import { tagsOf } from './dvr/test-kit.ts';
import {
  ALL,
  cutHds,
  cutHls,
  hex,
  KEY_EACH,
  packetsIn,
  type Publish,
  type Published,
  record,
  samplesIn,
  slice,
  sound,
} from './tracks-test-kit.ts';

/** 90 kHz, 25 pictures a second; each is shown one picture later than it is decoded. */
const PICTURE_TICKS = 3600;
/** 1024 samples at 44.1 kHz. Times of 90 kHz are whole numbers. */
function soundTicks(number: number): number {
  return Math.round((number * 1024 * 90_000) / 44_100);
}
const SOUNDS = Array.from({ length: Math.ceil((9 * 44_100) / 1024) }, (_, number) => number);

function told(packet: KeptPacket | undefined): KeptPacket {
  if (packet === undefined) throw new Error('the track has no configuration');
  return packet;
}

function published(publish: Publish): Published {
  const stream = liveStream();
  return { stream, publisher: publishTo(stream), publish };
}

describe('a publisher that does not speak FLV, with a clock of 90 kHz', () => {
  const configuration = {
    video: parseDecoderConfiguration('h264', avcHeader().subarray(5)),
    audio: parseDecoderConfiguration('aac', aacHeader().subarray(2)),
  };
  const video = createVideoTrack('h264', { timescale: 90_000, configuration: configuration.video });
  const audio = createAudioTrack('aac', { timescale: 90_000, configuration: configuration.audio });

  /** A picture, and the sounds that begin with or after it. */
  const publish: Publish = (publisher, from, to) => {
    if (from === 0) {
      publisher.writePacket(told(configurationPacket(video, 0)));
      publisher.writePacket(told(configurationPacket(audio, 0)));
    }
    const write = (packet: Packet, payload: Uint8Array): void => {
      publisher.writePacket(packet);
      payload.fill(0xee);
    };
    let next = SOUNDS.findIndex((number) => soundTicks(number) >= from * 90);
    for (let number = from / 40; number < to / 40; number += 1) {
      const payload = slice(0, number);
      const keyframe = number % KEY_EACH === 0;
      const decodeTime = number * PICTURE_TICKS;
      const options = { track: video, decodeTime, compositionOffset: PICTURE_TICKS, keyframe, payload };
      write(mediaPacket(options, true), payload);
      for (; next < SOUNDS.length && soundTicks(next) < decodeTime + PICTURE_TICKS; next += 1) {
        const frame = sound(0, next);
        write(mediaPacket({ track: audio, decodeTime: soundTicks(next), payload: frame }, true), frame);
      }
    }
  };

  it('FLV records it with times in ms', async () => {
    const { bytes, warnings } = await record('./rec/live/test.flv', published(publish));
    const packets = packetsIn(tagsOf(bytes));
    const videos = packets.filter(({ track }) => track.kind === 'video');
    const audios = packets.filter(({ track }) => track.kind === 'audio');
    expect(videos.map(({ payload }) => hex(payload))).toEqual(ALL.map((number) => hex(slice(0, number))));
    expect(videos.map(({ timestamp }) => timestamp)).toEqual(ALL.map((number) => number * 40));
    expect(videos.every(({ compositionOffset }) => compositionOffset === 40)).toBe(true);
    expect(videos.map(({ keyframe }) => keyframe)).toEqual(ALL.map((number) => number % KEY_EACH === 0));
    expect(audios.map(({ payload }) => hex(payload))).toEqual(SOUNDS.map((number) => hex(sound(0, number))));
    expect(audios.map(({ timestamp }) => timestamp)).toEqual(
      SOUNDS.map((number) => Math.round(soundTicks(number) / 90)),
    );
    expect(videos[0]?.track.configuration?.record).toEqual(configuration.video.record);
    expect(audios[0]?.track.configuration?.record).toEqual(configuration.audio.record);
    expect(warnings).toEqual([]);
  });

  it('MP4 records it', async () => {
    const { bytes, warnings } = await record('./rec/live/test.mp4', published(publish));
    const samples = samplesIn(bytes);
    const videos = samples.filter(({ sample }) => sample.track.codec === 'h264');
    const audios = samples.filter(({ sample }) => sample.track.codec === 'aac');
    expect(videos.map(({ data }) => hex(data))).toEqual(ALL.map((number) => hex(slice(0, number))));
    expect(videos.map(({ sample }) => sample.dts)).toEqual(ALL.map((number) => number * 40));
    expect(videos.map(({ sample }) => sample.pts)).toEqual(ALL.map((number) => (number + 1) * 40));
    expect(audios.map(({ data }) => hex(data))).toEqual(SOUNDS.map((number) => hex(sound(0, number))));
    for (const [number, { sample }] of audios.entries()) {
      expect(Math.abs(sample.dts - soundTicks(number) / 90)).toBeLessThanOrEqual(1);
    }
    expect(warnings).toEqual([]);
  });

  it('HLS cuts it, with the ticks of its own clock', async () => {
    const { bytes, durations, warnings } = await cutHls(published(publish));
    const ts = readTs(bytes);
    expect(durations.slice(0, 2)).toEqual([4, 4]);
    expect(ts.gaps).toEqual([]);
    const pictures = ts.pes.filter(({ pid }) => pid === 0x100);
    expect(pictures.map(({ dts }) => Math.round(dts * 90))).toEqual(
      ALL.map((number) => number * PICTURE_TICKS),
    );
    expect(pictures.every(({ dts, pts }) => Math.round((pts - dts) * 90) === PICTURE_TICKS)).toBe(true);
    const keys = pictures.filter(({ randomAccess }) => randomAccess).map(({ dts }) => dts);
    expect(keys).toEqual(Array.from({ length: 9 }, (_, second) => second * 1000));
    const sounds = ts.pes.filter(({ pid }) => pid === 0x101);
    let number = 0;
    for (const { pts, payload } of sounds) {
      expect(Math.abs(pts - soundTicks(number) / 90)).toBeLessThanOrEqual(1);
      for (const { body } of adtsPayloads(payload)) {
        expect(hex(body)).toBe(hex(sound(0, number)));
        number += 1;
      }
    }
    expect(number).toBe(SOUNDS.length);
    expect(warnings).toEqual([]);
  });

  it('HDS cuts it with times in ms', async () => {
    const { tags, fragments, warnings } = await cutHds(published(publish));
    expect(fragments).toBe(9);
    const packets = packetsIn(tags);
    const videos = packets.filter(({ track }) => track.kind === 'video');
    expect(videos.map(({ payload }) => hex(payload))).toEqual(ALL.map((number) => hex(slice(0, number))));
    expect(videos.map(({ timestamp }) => timestamp)).toEqual(ALL.map((number) => number * 40));
    const audios = packets.filter(({ track }) => track.kind === 'audio');
    expect(audios.map(({ timestamp }) => timestamp)).toEqual(
      SOUNDS.map((number) => Math.round(soundTicks(number) / 90)),
    );
    expect(warnings).toEqual([]);
  });
});
