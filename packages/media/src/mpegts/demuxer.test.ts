import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { buildAdtsHeader } from '../aac/index.ts';
import { buildLengthPrefixed } from '../avc/index.ts';
import { bytesToHex } from '../bytes/index.ts';
import { TS_CLOCK_WRAP, TsDemuxer, type TsEvent, TsMuxer } from './index.ts';
import { demux, numbersOf, picture, PPS, sample, SPS, Stream } from './test-kit.ts';

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./testdata/${name}.mpegts`, import.meta.url)));
}

describe('streams of FFmpeg', () => {
  it.each([
    [
      'h264-aac',
      [
        [0x100, 0x1b, 'h264'],
        [0x101, 0x0f, 'aac'],
      ],
      {
        pictures: 10,
        keys: [0, 5],
        dts: 126_000,
        pts: 133_200,
        frames: 19,
        audioPts: 131_110,
        config: '1210',
      },
    ],
    [
      'hevc-mp3',
      [
        [0x100, 0x24, 'hevc'],
        [0x101, 0x03, 'mp3'],
      ],
      {
        pictures: 10,
        keys: [0, 5],
        dts: 128_255,
        pts: 128_255,
        frames: 17,
        audioPts: 126_000,
        config: undefined,
      },
    ],
    [
      'latm',
      [[0x100, 0x11, 'aac']],
      {
        pictures: 0,
        keys: [],
        dts: undefined,
        pts: undefined,
        frames: 19,
        audioPts: 126_000,
        config: '1210',
      },
    ],
  ])('%s', (name, streams, wanted) => {
    const bytes = read(name);
    const whole = demux(bytes);
    const { events, video, audio, losses, packets } = whole;
    expect(losses).toEqual({});
    expect(packets).toBe(bytes.length / 188);
    expect(events[0]).toMatchObject({ kind: 'program', programNumber: 1, pcrPid: 0x100 });
    const [program] = events.filter((event) => event.kind === 'program');
    expect(program?.streams.map((stream) => [stream.pid, stream.streamType, stream.codec])).toEqual(streams);
    const keys = video.flatMap((event, index) => (event.keyframe ? [index] : []));
    const config = audio[0]?.config;
    expect({
      pictures: video.length,
      keys,
      dts: video[0]?.dts,
      pts: video[0]?.pts,
      frames: audio.length,
      audioPts: audio[0]?.pts,
      config: config === undefined ? undefined : bytesToHex(config),
    }).toEqual(wanted);
    video.slice(1).forEach((event, index) => {
      expect(event.dts - (video[index]?.dts ?? 0)).toBe(3600);
    });
    audio.slice(1).forEach((event, index) => {
      const step = event.pts - (audio[index]?.pts ?? 0);
      // 1024 or 1152 samples of 44100 Hz, told to the tick by a header now and then.
      expect(Math.abs(step - (name === 'hevc-mp3' ? 2351 : 2090))).toBeLessThanOrEqual(5);
    });
    for (const size of [1, 7, 187, 188, 189, 1000]) expect(demux(bytes, size)).toEqual(whole);
  });

  it('parameter sets and pictures are told apart', () => {
    const first = demux(read('h264-aac')).video[0];
    expect(first?.parameterSets.map((unit) => (unit[0] ?? 0) & 0x1f)).toEqual([7, 8]);
    expect(first?.nalUnits.map((unit) => (unit[0] ?? 0) & 0x1f)).toEqual([6, 5]);
    const hevc = demux(read('hevc-mp3')).video[0];
    expect(hevc?.parameterSets.map((unit) => ((unit[0] ?? 0) >> 1) & 0x3f)).toEqual([32, 33, 34]);
  });

  it.each(['h264-aac', 'hevc-mp3', 'latm'])('%s goes through our muxer and comes out the same', (name) => {
    const before = demux(read(name));
    const videoCodec = before.video[0]?.codec;
    const muxer = new TsMuxer({ video: videoCodec, audio: before.audio[0]?.codec });
    const stream = new Stream(muxer).tables();
    for (const event of before.events) {
      if (event.kind === 'video') {
        stream.video(0, 0, {
          ...{ dts: event.dts / 90, pts: event.pts / 90, keyframe: event.keyframe },
          data: buildLengthPrefixed(event.nalUnits),
          parameterSets: event.parameterSets,
        });
      } else if (event.kind === 'audio') {
        const header = buildAdtsHeader({
          ...{ sampleRate: 44_100, channelConfiguration: 2, payloadLength: event.data.length },
        });
        const pieces = event.codec === 'aac' ? [header, event.data] : [event.data];
        const unit = { pts: event.pts / 90, pcr: videoCodec === undefined, pieces };
        stream.add(muxer.audioSize(unit), (target) => muxer.writeAudio(target, 0, unit));
      }
    }
    const after = demux(stream.bytes());
    expect(after.losses).toEqual({});
    expect(after.video.map((event) => ({ ...event, stream: undefined }))).toEqual(
      before.video.map((event) => ({ ...event, stream: undefined })),
    );
    expect(after.audio.map((event) => ({ ...event, stream: undefined }))).toEqual(
      before.audio.map((event) => ({ ...event, stream: undefined })),
    );
  });
});

describe('what our muxer wrote', () => {
  it('comes out as it went in, however it is cut', () => {
    const bytes = sample().bytes();
    const whole = demux(bytes);
    expect(whole.losses).toEqual({});
    expect(numbersOf(whole.video)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    whole.video.forEach((event, number) => {
      expect(event.nalUnits.map(bytesToHex)).toEqual([bytesToHex(picture(number, 300))]);
      expect(event.parameterSets.map(bytesToHex)).toEqual(number % 5 === 0 ? [SPS, PPS].map(bytesToHex) : []);
      expect([event.keyframe, event.discontinuity]).toEqual([number % 5 === 0, false]);
    });
    whole.audio.forEach((event, number) => {
      expect(bytesToHex(event.data)).toBe(bytesToHex(new Uint8Array(100).fill(number)));
      expect(event.pts).toBe(90_000 + 3600 * number);
      expect(event.config).toBe(whole.audio[0]?.config);
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (size) => {
        expect(demux(bytes, size)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('pictures of any size, in any times', () => {
    const picture = fc.record({
      size: fc.integer({ min: 2, max: 3000 }),
      step: fc.integer({ min: 0, max: 5000 }),
      shown: fc.integer({ min: 0, max: 1000 }),
    });
    const start = fc.nat(2 ** 40);
    fc.assert(
      fc.property(start, fc.array(picture, { minLength: 1, maxLength: 10 }), (first, pictures) => {
        const stream = new Stream().tables();
        let dts = first;
        const wanted = pictures.map(({ size, step, shown }, number) => {
          dts += step;
          stream.video(number, size, { dts, pts: dts + shown });
          return [size, (dts - first) * 90, shown * 90];
        });
        const { video, losses } = demux(stream.bytes());
        expect(losses).toEqual({});
        const zero = (video[0]?.dts ?? 0) - (wanted[0]?.[1] ?? 0);
        expect(video.map(({ nalUnits, dts, pts }) => [nalUnits[0]?.length, dts - zero, pts - dts])).toEqual(
          wanted,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('memory of the caller may be used again, and events are nobody else’s', () => {
    const bytes = sample().bytes();
    const wanted = demux(bytes);
    const demuxer = new TsDemuxer();
    const memory = new Uint8Array(1000);
    const events: TsEvent[] = [];
    for (let offset = 0; offset < bytes.length; offset += 1000) {
      const piece = bytes.subarray(offset, offset + 1000);
      memory.set(piece);
      events.push(...demuxer.write(memory.subarray(0, piece.length)));
      memory.fill(0xff);
    }
    events.push(...demuxer.end());
    expect(events).toEqual(wanted.events);
  });

  it('33 bits wrap and the times go on', () => {
    const wrapMs = TS_CLOCK_WRAP / 90;
    const stream = new Stream().tables();
    for (let number = 0; number < 10; number++) {
      const dts = Math.floor(wrapMs) - 200 + 40 * number;
      stream.video(number, 50, { dts, pts: dts + 80 });
    }
    const { video } = demux(stream.bytes());
    const first = video[0]?.dts ?? 0;
    expect(video.map((event) => event.dts - first)).toEqual(video.map((_, index) => 3600 * index));
    expect(video.map((event) => event.pts - event.dts)).toEqual(video.map(() => 7200));
    expect(video.at(-1)?.dts).toBeGreaterThan(TS_CLOCK_WRAP);
  });
});
