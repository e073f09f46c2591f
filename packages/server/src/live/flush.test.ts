import { FlvTagType } from '@sluice/media/flv';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { rtmpFamily } from '../remux/index.ts';
import {
  audio,
  avcHeader,
  brief,
  liveStream,
  media,
  publishTo,
  readRtmp,
  settings,
  streamId,
  video,
  watch,
  type Watcher,
} from '../remux/test-kit.ts';
import { PLAYERS_PER_GROUP } from './fan-out-group.ts';
import { LiveHub } from './hub.ts';
import { MAX_PENDING_FRAMES } from './limits.ts';
import type { LiveStream } from './live-stream.ts';

const CHUNK_SIZE = 60_000;
const family = rtmpFamily(CHUNK_SIZE, { audio: true, video: true });
const INTERVAL = 350;

function numbers({ sink }: Watcher): number[] {
  return media(readRtmp(sink.bytes, CHUNK_SIZE)).map(({ number }) => number);
}

describe('flush policy', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Publishes a frame each 10 ms and notes when the player was written to. */
  function flushTimes(stream: LiveStream, watcher: Watcher, forMs: number): number[] {
    const publisher = publishTo(stream);
    const times: number[] = [];
    const write = watcher.sink.write.bind(watcher.sink);
    watcher.sink.write = (bytes) => {
      if (times.at(-1) !== performance.now()) times.push(performance.now());
      return write(bytes);
    };
    for (let time = 0; time < forMs; time += 10) {
      publisher.write(FlvTagType.video, time, video(time, { key: time === 0 }));
      publisher.flush();
      vi.advanceTimersByTime(10);
    }
    return times;
  }

  it('a flush comes before its time when many frames wait, so that none is long', () => {
    const stream = liveStream(settings({ mergedWriteLatencyMs: INTERVAL }, { minLatency: false }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    const count = 10 * MAX_PENDING_FRAMES;
    for (let at = 0; at < count; at += 1) publisher.write(FlvTagType.video, 0, video(at, { key: at === 0 }));
    publisher.flush();
    vi.advanceTimersByTime(INTERVAL);
    expect(numbers(watcher)).toEqual(Array.from({ length: count }, (_, at) => at));
  });

  it('send_min_interval: frames that come faster than they may leave do not pile up', () => {
    const stream = liveStream(settings({ sendMinIntervalMs: 1000 }, { minLatency: false }));
    const publisher = publishTo(stream);
    watch(stream, { family });
    for (let at = 0; at < 20 * MAX_PENDING_FRAMES; at += 1) {
      publisher.write(FlvTagType.video, 0, video(at, { key: at === 0 }));
      if (at % 100 === 0) publisher.flush();
    }
    expect(stream.heldBytes).toBeLessThan(2_000_000);
  });

  it('O006 mw_latency: one write per interval, whatever comes in', () => {
    const stream = liveStream(settings({ mergedWriteLatencyMs: INTERVAL }, { minLatency: false }));
    const watcher = watch(stream, { family });
    const times = flushTimes(stream, watcher, 7000);
    expect(times.length).toBeGreaterThanOrEqual(19);
    expect(times.length).toBeLessThanOrEqual(21);
    for (let at = 1; at < times.length; at += 1) {
      const gap = (times[at] ?? 0) - (times[at - 1] ?? 0);
      expect(gap).toBeGreaterThanOrEqual(INTERVAL - 1);
      expect(gap).toBeLessThanOrEqual(INTERVAL + 20);
    }
    vi.advanceTimersByTime(INTERVAL);
    expect(numbers(watcher)).toHaveLength(700);
  });

  it('O006 min_latency: in the same turn as the read', () => {
    const stream = liveStream(settings({}, { minLatency: true }));
    const watcher = watch(stream, { family });
    expect(flushTimes(stream, watcher, 500)).toHaveLength(50);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('O006 mw_latency 0 is as good as min_latency', () => {
    const stream = liveStream(settings({ mergedWriteLatencyMs: 0 }, { minLatency: false }));
    const watcher = watch(stream, { family });
    expect(flushTimes(stream, watcher, 500)).toHaveLength(50);
  });

  it.each([[false], [true]])(
    'P020 send_min_interval: one message at a time (min_latency %s)',
    (minLatency) => {
      const stream = liveStream(settings({ sendMinIntervalMs: 30 }, { minLatency }));
      const publisher = publishTo(stream);
      const watcher = watch(stream, { family });
      for (let at = 0; at < 5; at += 1)
        publisher.write(FlvTagType.video, at * 40, video(at, { key: at === 0 }));
      publisher.flush();
      const seen: number[] = [];
      for (let time = 0; time < 300; time += 10) {
        seen.push(numbers(watcher).length);
        vi.advanceTimersByTime(10);
      }
      expect(seen.every((count, at) => at === 0 || count - (seen[at - 1] ?? 0) <= 1)).toBe(true);
      expect(numbers(watcher)).toEqual([0, 1, 2, 3, 4]);
      // Five messages take four intervals of 30 ms; a look every 10 ms is one off at either end.
      const steps = seen.lastIndexOf(4) - seen.indexOf(1);
      expect(steps).toBeGreaterThanOrEqual(10);
      expect(steps).toBeLessThanOrEqual(13);
    },
  );

  it('P020 send_min_interval slower than the stream: bounded by queue_length, headers are kept', () => {
    const stream = liveStream(settings({ sendMinIntervalMs: 100, queueLengthMs: 2000 }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, avcHeader());
    for (let time = 0; time < 20_000; time += 40) {
      if (time === 10_000) publisher.write(FlvTagType.video, time, avcHeader(1));
      publisher.write(FlvTagType.video, time, video(time, { key: time % 1000 === 0 }));
      publisher.flush();
      vi.advanceTimersByTime(40);
    }
    const messages = readRtmp(watcher.sink.bytes, CHUNK_SIZE);
    const received = media(messages).map(({ number }) => number);
    expect(received.length).toBeLessThanOrEqual(201);
    expect(20_000 - (received.at(-1) ?? 0)).toBeLessThanOrEqual(2200);
    // Every gap ends at a keyframe.
    received.forEach((number, at) => {
      if (at > 0 && number - (received[at - 1] ?? 0) !== 40) expect(number % 1000).toBe(0);
    });
    const headers = brief(messages).filter((name) => name.startsWith('vh'));
    expect(headers.length).toBeGreaterThanOrEqual(2);
    const second = messages.findLastIndex(({ number }) => number < 0);
    expect(messages[second + 1]?.number).toBeGreaterThanOrEqual(8000);
  });

  it('P020 a player that joins a paced stream gets nothing twice', () => {
    const stream = liveStream(settings({ sendMinIntervalMs: 100 }));
    const publisher = publishTo(stream);
    const first = watch(stream, { family });
    for (let at = 0; at < 20; at += 1)
      publisher.write(FlvTagType.video, at * 40, video(at, { key: at === 0 }));
    publisher.flush();
    vi.advanceTimersByTime(500);
    const second = watch(stream, { family });
    const third = watch(stream, { family: rtmpFamily(128, { audio: true, video: true }) });
    vi.advanceTimersByTime(5000);
    const all = Array.from({ length: 20 }, (_, at) => at);
    expect(numbers(first)).toEqual(all);
    expect(numbers(second)).toEqual(all);
    expect(media(readRtmp(third.sink.bytes, 128)).map(({ number }) => number)).toEqual(all);
  });

  it('what is pending when the publisher goes is written at once', () => {
    const stream = liveStream(settings({ mergedWriteLatencyMs: 10_000 }, { minLatency: false }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    for (let at = 0; at < 5; at += 1) {
      publisher.write(FlvTagType.video, at * 40, video(at, { key: at === 0 }));
      publisher.write(FlvTagType.audio, at * 40, audio(100 + at));
      publisher.flush();
    }
    publisher.end();
    expect(numbers(watcher)).toEqual([0, 100, 1, 101, 2, 102, 3, 103, 4, 104]);
  });

  it('leaves no timer behind when the last player goes', () => {
    const stream = liveStream(settings({ mergedWriteLatencyMs: 1000 }, { minLatency: false }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, video(0, { key: true }));
    publisher.flush();
    const { player } = watch(stream, { family });
    for (let at = 1; at < 10; at += 1) {
      publisher.write(FlvTagType.video, at * 40, video(at));
      publisher.flush();
    }
    expect(vi.getTimerCount()).toBe(1);
    player.leave();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('spreads the flushes of streams, and of the groups of one stream, over the interval', () => {
    const hub = new LiveHub();
    const given = settings({ mergedWriteLatencyMs: INTERVAL }, { minLatency: false });
    const times = new Map<number, number>();
    const follow = (watcher: Watcher): void => {
      const write = watcher.sink.write.bind(watcher.sink);
      watcher.sink.write = (bytes) => {
        if (performance.now() > 2000) {
          const slot = Math.floor((performance.now() % INTERVAL) / (INTERVAL / 10));
          times.set(slot, (times.get(slot) ?? 0) + 1);
        }
        return write(bytes);
      };
    };
    const streams = Array.from({ length: 40 }, (_, at) => hub.open({ ...streamId, stream: `s${at}` }, given));
    const publishers = streams.map((stream) => publishTo(stream));
    const write = (time: number): void => {
      for (const publisher of publishers) {
        publisher.write(FlvTagType.video, time, video(time, { key: time === 0 }));
        publisher.flush();
      }
    };
    write(0);
    for (const stream of streams) follow(watch(stream, { family }));
    for (let time = 10; time < 3000; time += 10) {
      vi.advanceTimersByTime(10);
      write(time);
    }
    // All together would be one slot.
    expect(times.size).toBeGreaterThanOrEqual(7);
    times.clear();

    const one = streams[0];
    if (one === undefined) throw new Error('no stream');
    for (let count = 0; count < PLAYERS_PER_GROUP * 3; count += 1) {
      const watcher = watch(one, { family });
      if (count % 500 === 499) follow(watcher);
    }
    for (let time = 3000; time < 6000; time += 10) {
      vi.advanceTimersByTime(10);
      write(time);
    }
    expect(times.size).toBeGreaterThanOrEqual(3);
  });
});
