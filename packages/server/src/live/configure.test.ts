import { FlvTagType } from '@sluice/media/flv';
import { describe, expect, it, vi } from 'vitest';

import type { PlayConfig } from '../config/index.ts';
import { flvFamily, plainFraming, rtmpFamily } from '../remux/index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  drain,
  liveStream,
  media,
  publishTo,
  readFlv,
  readRtmp,
  settings,
  type TestPublisher,
  video,
  watch,
  type Watcher,
} from '../remux/test-kit.ts';

const CHUNK_SIZE = 60_000;
const rtmp = rtmpFamily(CHUNK_SIZE, { audio: true, video: true });
const flv = flvFamily(plainFraming);

const STEP_MS = 40;

/** Publishes frames, the first of each ten a keyframe, from a number on; times count from `start`. */
function send(publisher: TestPublisher, from: number, to: number, start = 0): void {
  for (let number = from; number < to; number += 1) {
    const timestamp = start + number * STEP_MS;
    publisher.write(FlvTagType.video, timestamp, video(number, { key: number % 10 === 0 }));
    publisher.flush();
  }
}

function begin(play: Partial<PlayConfig> = {}) {
  const stream = liveStream(settings(play));
  const publisher = publishTo(stream);
  publisher.write(FlvTagType.video, 0, avcHeader());
  publisher.write(FlvTagType.audio, 0, aacHeader());
  return { stream, publisher };
}

function rtmpFrames({ sink }: Watcher) {
  return media(readRtmp(sink.bytes, CHUNK_SIZE));
}

function flvFrames({ sink }: Watcher) {
  return media(readFlv(sink.bytes).tags);
}

function numbers(frames: readonly { readonly number: number }[]): number[] {
  return frames.map(({ number }) => number);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

describe('LiveStream.configure: settings of a stream that runs', () => {
  it.each([
    ['gop_cache', { gopCache: false }],
    ['queue_length', { queueLengthMs: 1000 }],
    ['mix_correct', { mixCorrect: true }],
    ['atc', { atc: true }],
    ['time_jitter zero', { timeJitter: 'zero' }],
    ['time_jitter off', { timeJitter: 'off' }],
    ['mw_latency', { mergedWriteLatencyMs: 10 }],
    ['send_min_interval', { sendMinIntervalMs: 0 }],
    ['reduce_sequence_header', { reduceSequenceHeader: true }],
  ] as const satisfies readonly (readonly [string, Partial<PlayConfig>])[])(
    'C005 %s: no player loses a frame, there and back',
    (_name, play) => {
      const { stream, publisher } = begin();
      send(publisher, 0, 15, 7000);
      const watchers = [watch(stream, { family: rtmp }), watch(stream, { family: flv })];
      stream.configure(settings(play));
      send(publisher, 15, 35, 7000);
      stream.configure(settings());
      send(publisher, 35, 50, 7000);
      publisher.end();
      const [ofRtmp, ofFlv] = [rtmpFrames, flvFrames].map((frames, index) => {
        const watcher = watchers[index];
        return watcher === undefined ? [] : frames(watcher);
      });
      expect(numbers(ofRtmp ?? [])).toEqual(range(10, 50));
      expect(numbers(ofFlv ?? [])).toEqual(range(10, 50));
      for (const { drops, ends } of watchers) expect([drops, ends]).toEqual([[], []]);
    },
  );

  it('C005 gop_cache off: who joins waits for nothing that was kept; on: from the next keyframe on', () => {
    const { stream, publisher } = begin();
    send(publisher, 0, 15);
    stream.configure(settings({ gopCache: false }));
    const without = watch(stream, { family: rtmp });
    send(publisher, 15, 18);
    expect(numbers(rtmpFrames(without))).toEqual([15, 16, 17]);
    stream.configure(settings({ gopCache: true }));
    send(publisher, 18, 25);
    expect(numbers(rtmpFrames(watch(stream, { family: rtmp })))).toEqual(range(20, 25));
  });

  it('C005 gop_cache_max_bytes: a GOP beyond it is let go', () => {
    const { stream, publisher } = begin();
    send(publisher, 0, 9);
    expect(stream.heldBytes).toBeGreaterThan(200);
    stream.configure(settings({ gopCacheMaxBytes: 100 }));
    expect(stream.heldBytes).toBeLessThanOrEqual(100);
  });

  it('C005 queue_length holds for players that are behind already', () => {
    const { stream, publisher } = begin();
    send(publisher, 0, 5);
    const watcher = watch(stream, { family: rtmp }, true);
    send(publisher, 5, 35);
    expect(watcher.drops).toEqual([]);
    stream.configure(settings({ queueLengthMs: 400 }));
    send(publisher, 35, 37);
    expect(watcher.drops).toHaveLength(1);
    drain(watcher);
    expect(numbers(rtmpFrames(watcher)).slice(-7)).toEqual(range(30, 37));
  });

  it('O006 C005 mw_latency applies to players that are on, to the flush that is due as well', () => {
    vi.useFakeTimers();
    // Where in their interval a stream's flushes lie is up to chance.
    const chance = vi.spyOn(Math, 'random').mockReturnValue(0);
    try {
      const slow = settings({ mergedWriteLatencyMs: 8000 }, { minLatency: false });
      const stream = liveStream(slow);
      const publisher = publishTo(stream);
      send(publisher, 0, 1);
      const watcher = watch(stream, { family: rtmp });
      send(publisher, 1, 2);
      vi.advanceTimersByTime(8000);
      expect(numbers(rtmpFrames(watcher))).toEqual([0, 1]);
      send(publisher, 2, 4);
      vi.advanceTimersByTime(1000);
      expect(numbers(rtmpFrames(watcher))).toEqual([0, 1]);
      stream.configure(settings({ mergedWriteLatencyMs: 2000 }, { minLatency: false }));
      vi.advanceTimersByTime(1000);
      expect(numbers(rtmpFrames(watcher))).toEqual([0, 1, 2, 3]);
      send(publisher, 4, 5);
      stream.configure(settings({}, { minLatency: true }));
      expect(numbers(rtmpFrames(watcher))).toEqual([0, 1, 2, 3, 4]);
    } finally {
      chance.mockRestore();
      vi.useRealTimers();
    }
  });

  it('P017 C005 mix_correct off: what waited for its order goes out', () => {
    const { stream, publisher } = begin({ mixCorrect: true });
    const watcher = watch(stream, { family: rtmp });
    send(publisher, 0, 4);
    publisher.write(FlvTagType.audio, 30, audio(100));
    publisher.flush();
    expect(rtmpFrames(watcher).length).toBeLessThan(5);
    stream.configure(settings({ mixCorrect: false }));
    publisher.flush();
    expect(numbers(rtmpFrames(watcher)).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 100]);
  });

  it('P016 a player that joins while sound is 1.5 s behind on the wire has room for it before its picture', () => {
    const { stream, publisher } = begin({ timeJitter: 'full' });
    const frames = (from: number, to: number): void => {
      for (let time = from; time < to; time += STEP_MS) {
        publisher.write(FlvTagType.video, time, video(time / STEP_MS, { key: time % 1000 === 0 }));
        if (time >= 1500) publisher.write(FlvTagType.audio, time - 1500, audio(time / STEP_MS));
      }
      publisher.flush();
    };
    frames(0, 5000);
    publisher.write(FlvTagType.video, 5000, video(5000 / STEP_MS, { key: true }));
    const watchers = [watch(stream, { family: rtmp }), watch(stream, { family: flv })];
    frames(5040, 8000);
    const [first, second] = watchers;
    for (const got of [
      first === undefined ? [] : rtmpFrames(first),
      second === undefined ? [] : flvFrames(second),
    ]) {
      const of = (kind: number): number[] =>
        got.filter(({ kind: one }) => one === kind).map(({ timestamp }) => timestamp);
      const [pictures, sounds] = [of(FlvTagType.video), of(FlvTagType.audio)];
      expect((pictures[0] ?? 0) - (sounds[0] ?? 0)).toBeGreaterThan(1400);
      expect(new Set(sounds).size).toBe(sounds.length);
      expect(sounds.length).toBeGreaterThan(70);
    }
  });

  it('P016 C005 time_jitter full to zero: players see no step', () => {
    const { stream, publisher } = begin({ timeJitter: 'full' });
    // A jump of the publisher makes its times and the stream's differ.
    send(publisher, 0, 5, 100_000);
    send(publisher, 5, 12, 500_000);
    const watchers = [watch(stream, { family: rtmp }), watch(stream, { family: flv })];
    stream.configure(settings({ timeJitter: 'zero' }));
    send(publisher, 12, 30, 500_000);
    const [first, second] = watchers;
    for (const frames of [
      first === undefined ? [] : rtmpFrames(first),
      second === undefined ? [] : flvFrames(second),
    ]) {
      expect(frames.map(({ timestamp }) => timestamp)).toEqual(range(0, 20).map((at) => at * STEP_MS));
    }
    // Who joins now begins at zero, too.
    expect(rtmpFrames(watch(stream, { family: rtmp }))[0]?.timestamp).toBe(0);
  });

  it("P016 C005 time_jitter full to off: players go on with the publisher's times, and back without a step", () => {
    const { stream, publisher } = begin();
    send(publisher, 0, 12, 100_000);
    const watchers = [watch(stream, { family: rtmp }), watch(stream, { family: flv })];
    stream.configure(settings({ timeJitter: 'off' }));
    send(publisher, 12, 14, 100_000);
    stream.configure(settings());
    send(publisher, 14, 16, 100_000);
    const [first, second] = watchers;
    const wanted = [0, 40, 100_480, 100_520, 100_560, 100_600];
    expect((first === undefined ? [] : rtmpFrames(first)).map(({ timestamp }) => timestamp)).toEqual(wanted);
    expect((second === undefined ? [] : flvFrames(second)).map(({ timestamp }) => timestamp)).toEqual(wanted);
  });

  it('C005 a player that is behind while the times change gets everything, too', () => {
    const { stream, publisher } = begin();
    send(publisher, 0, 5, 100_000);
    const watchers = [watch(stream, { family: rtmp }, true), watch(stream, { family: flv }, true)];
    send(publisher, 5, 12, 100_000);
    stream.configure(settings({ timeJitter: 'off' }));
    send(publisher, 12, 30, 100_000);
    for (const watcher of watchers) drain(watcher);
    const [first, second] = watchers;
    expect(numbers(first === undefined ? [] : rtmpFrames(first))).toEqual(range(0, 30));
    expect(numbers(second === undefined ? [] : flvFrames(second))).toEqual(range(0, 30));
  });

  it('P010 C005 conflict takes effect for the next publisher', () => {
    const { stream, publisher } = begin();
    expect(() => publishTo(stream, 'second')).toThrow();
    stream.configure(settings({}, { publish: { conflict: 'takeover' } }));
    publishTo(stream, 'second');
    expect(publisher.takeovers).toBe(1);
  });

  it('H011 C005 fast_cache off lets the sound go', () => {
    const stream = liveStream({ ...settings({ gopCache: false }), fastCacheMs: 5000 });
    const publisher = publishTo(stream);
    for (let at = 0; at < 20; at += 1) publisher.write(FlvTagType.audio, at * 23, audio(at));
    expect(stream.heldBytes).toBeGreaterThan(0);
    stream.configure({ ...settings({ gopCache: false }), fastCacheMs: 0 });
    expect(stream.heldBytes).toBe(0);
  });
});
