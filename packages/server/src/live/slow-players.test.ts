import { Writable } from 'node:stream';

import { FlvTagType } from '@sluice/media/flv';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { rtmpFamily } from '../remux/index.ts';
import {
  audio,
  avcHeader,
  drain,
  liveStream,
  media,
  publishTo,
  readRtmp,
  type Received,
  settings,
  type TestPublisher,
  video,
  watch,
  type Watcher,
} from '../remux/test-kit.ts';
import { PLAYERS_PER_GROUP } from './fan-out-group.ts';
import { STALL_TIMEOUT_MS } from './player-writer.ts';

const CHUNK_SIZE = 60_000;
const family = rtmpFamily(CHUNK_SIZE, { audio: true, video: true });

function read({ sink }: Watcher): Received[] {
  return media(readRtmp(sink.bytes, CHUNK_SIZE));
}

function numbers(watcher: Watcher): number[] {
  return read(watcher).map(({ number }) => number);
}

/** One video frame each 40 ms, numbered by its time; a keyframe each `gopMs`. */
function publishVideo(
  publisher: TestPublisher,
  fromMs: number,
  toMs: number,
  gopMs: number,
  size = 100,
): void {
  for (let time = fromMs; time < toMs; time += 40) {
    publisher.write(FlvTagType.video, time, video(time, { key: time % gopMs === 0, size }));
    publisher.flush();
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: (to - from) / 40 }, (_, at) => from + at * 40);
}

describe('slow players', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('one that is behind gets the rest when the publisher goes, as no later flush would serve it', () => {
    const stream = liveStream(settings({ queueLengthMs: 10_000 }));
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    const slow = watch(stream, { family });
    slow.sink.blocked = true;
    publishVideo(publisher, 1000, 3000, 1000);
    publisher.end();
    expect(numbers(slow)).toEqual(range(0, 3000));
  });

  it('one whose socket was busy for a moment gets the rest when it is not, without a next frame', async () => {
    const stream = liveStream(settings());
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    const chunks: Uint8Array[] = [];
    // Takes one write at a time and later, as TLS does: far below its limit, it never emits "drain".
    const sink = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
    stream.play({ family, sink, endsWithPublisher: 'never', onEnd: () => undefined });
    publishVideo(publisher, 1000, 1200, 1000);
    await vi.waitFor(() => {
      const received = media(readRtmp(Buffer.concat(chunks), CHUNK_SIZE));
      expect(received.map(({ number }) => number)).toEqual(range(0, 1200));
    });
  });

  it('O005 one that is behind within queue_length catches up without loss', () => {
    const stream = liveStream(settings({ queueLengthMs: 10_000 }));
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    const slow = watch(stream, { family });
    const quick = watch(stream, { family });
    slow.sink.blocked = true;
    publishVideo(publisher, 1000, 10_000, 1000);
    const held = stream.heldBytes;
    expect(numbers(slow)).toEqual(range(0, 1040));
    drain(slow);
    expect(numbers(slow)).toEqual(range(0, 10_000));
    expect(read(slow)).toEqual(read(quick));
    expect(slow.drops).toEqual([]);
    expect(stream.heldBytes).toBeLessThan(held / 2);
    publishVideo(publisher, 10_000, 11_000, 1000);
    expect(slow.sink.writes.at(-1)).toBe(quick.sink.writes.at(-1));
  });

  it('O005 one beyond queue_length goes on from the next keyframe that fits, freshly started', () => {
    const stream = liveStream(settings({ queueLengthMs: 3000 }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publishVideo(publisher, 0, 1000, 1000);
    const slow = watch(stream, { family });
    slow.sink.blocked = true;
    publishVideo(publisher, 1000, 6000, 1000);
    expect(slow.drops.length).toBeGreaterThan(0);
    drain(slow);
    publishVideo(publisher, 6000, 7000, 1000);
    expect(numbers(slow)).toEqual([...range(0, 1040), ...range(3000, 7000)]);
    const all = readRtmp(slow.sink.bytes, CHUNK_SIZE);
    const header = all.findLastIndex(({ number }) => number < 0);
    expect(all[header]).toMatchObject({ timestamp: 3000 });
    expect(all[header + 1]).toMatchObject({ number: 3000, timestamp: 3000 });
    for (const { number, timestamp } of media(all)) expect(timestamp).toBe(number);
    // 1040 to 2960 are missing, and every one of them is counted once.
    expect(slow.player.droppedFrames).toBe(49);
    expect(slow.drops.reduce((sum, { frames }) => sum + frames, 0)).toBe(49);
    expect(slow.drops[0]?.behindMs).toBeGreaterThan(3000);
    expect(slow.drops[0]?.bytes).toBeGreaterThan(100 * 20);
  });

  it('O005 without a keyframe in the queue all goes, and the player waits for the next one', () => {
    const stream = liveStream(settings({ queueLengthMs: 2000 }));
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 10_000);
    const slow = watch(stream, { family });
    slow.sink.blocked = true;
    publishVideo(publisher, 1000, 6000, 10_000);
    drain(slow);
    publishVideo(publisher, 6000, 10_400, 10_000);
    expect(numbers(slow)).toEqual([...range(0, 1040), ...range(10_000, 10_400)]);
    expect(slow.player.droppedFrames).toBe(range(1040, 10_000).length);
  });

  it('O005 an audio-only player goes on with what is next', () => {
    const stream = liveStream(settings({ queueLengthMs: 2000 }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family: rtmpFamily(CHUNK_SIZE, { audio: true, video: false }) });
    const publish = (from: number, to: number): void => {
      for (let time = from; time < to; time += 40) {
        publisher.write(FlvTagType.video, time, video(time, { key: time === 0 }));
        publisher.write(FlvTagType.audio, time, audio(time));
        publisher.flush();
      }
    };
    publish(0, 400);
    watcher.sink.blocked = true;
    publish(400, 4000);
    drain(watcher);
    publish(4000, 4400);
    const received = numbers(watcher);
    expect(received.slice(0, 11)).toEqual(range(0, 440));
    expect(received.at(-1)).toBe(4360);
    expect(received.filter((number) => number >= 4000)).toEqual(range(4000, 4400));
    expect(received.length + watcher.player.droppedFrames).toBe(range(0, 4400).length);
  });

  it('O005 the byte limit holds whatever the time', () => {
    const queueMaxBytes = 200_000;
    const stream = liveStream(
      settings({ queueLengthMs: 1_000_000, queueMaxBytes, gopCacheMaxBytes: 100_000 }),
    );
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 400, 400, 10_000);
    const slow = watch(stream, { family });
    slow.sink.blocked = true;
    let most = 0;
    for (let from = 400; from < 40_000; from += 400) {
      publishVideo(publisher, from, from + 400, 400, 10_000);
      most = Math.max(most, stream.heldBytes);
    }
    expect(most).toBeLessThan(queueMaxBytes + 3 * 100_000 + 20_000);
    expect(slow.player.droppedFrames).toBeGreaterThan(900);
    slow.player.leave();
    expect(stream.heldBytes).toBeLessThanOrEqual(100_000);
  });

  it('R044 a sink that takes nothing for 30 s is given up, and the others get all', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    const stalled = watch(stream, { family });
    const quick = watch(stream, { family });
    stalled.sink.blocked = true;
    for (let from = 1000; from < 40_000; from += 1000) {
      publishVideo(publisher, from, from + 1000, 1000);
      vi.advanceTimersByTime(1000);
    }
    expect(stalled.ends).toEqual(['stalled']);
    expect(stream.players).toBe(1);
    expect(numbers(quick)).toEqual(range(0, 40_000));
    expect(quick.ends).toEqual([]);
  });

  it('R044 how long one was busy under an earlier publisher does not count', () => {
    const stream = liveStream();
    const first = publishTo(stream);
    publishVideo(first, 0, 1000, 1000);
    const slow = watch(stream, { family });
    vi.advanceTimersByTime(1000);
    slow.sink.blocked = true;
    publishVideo(first, 1000, 2000, 1000);
    vi.advanceTimersByTime(1000);
    publishVideo(first, 2000, 3000, 1000);
    first.end();
    drain(slow);
    vi.advanceTimersByTime(STALL_TIMEOUT_MS * 2);
    const second = publishTo(stream);
    slow.sink.blocked = false;
    publishVideo(second, 0, 1000, 1000);
    vi.advanceTimersByTime(1000);
    slow.sink.blocked = true;
    for (let from = 1000; from < 4000; from += 1000) {
      publishVideo(second, from, from + 1000, 1000);
      vi.advanceTimersByTime(1000);
    }
    expect(slow.ends).toEqual([]);
  });

  it('R044 one that takes its bytes now and then is not given up', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    const slow = watch(stream, { family });
    for (let from = 1000; from < 100_000; from += 1000) {
      slow.sink.blocked = true;
      publishVideo(publisher, from, from + 1000, 1000);
      vi.advanceTimersByTime(STALL_TIMEOUT_MS / 10);
      if (from % 5000 === 0) drain(slow);
    }
    drain(slow);
    expect(slow.ends).toEqual([]);
    expect(numbers(slow)).toEqual(range(0, 100_000));
  });

  it('a destroyed sink is not written to, and holds nothing back', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    const gone = watch(stream, { family });
    const before = gone.sink.writes.length;
    gone.sink.destroyed = true;
    gone.sink.writableLength = 1;
    publishVideo(publisher, 1000, 9000, 1000);
    expect(gone.sink.writes).toHaveLength(before);
    const held = stream.heldBytes;
    publishVideo(publisher, 9000, 20_000, 1000);
    expect(stream.heldBytes).toBeLessThanOrEqual(held + 200);
  });

  it('a laggard that ends while it catches up does not hold the log', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 1000, 1000);
    watch(stream, { family });
    const slow = watch(stream, { family, durationMs: 2000 });
    slow.sink.blocked = true;
    publishVideo(publisher, 1000, 8000, 1000);
    drain(slow);
    expect(slow.ends).toEqual(['duration']);
    const held = stream.heldBytes;
    publishVideo(publisher, 8000, 30_000, 1000);
    expect(stream.heldBytes).toBeLessThanOrEqual(held + 200);
  });

  it('a large GOP is handed over in pieces, as the sink takes them', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 2000, 10_000, 30_000);
    const watcher = watch(stream, { family }, true);
    const first = watcher.sink.bytes.length;
    expect(first).toBeGreaterThan(256 * 1024);
    expect(first).toBeLessThan(700 * 1024);
    for (let turn = 0; turn < 10; turn += 1) drain(watcher);
    expect(numbers(watcher)).toEqual(range(0, 2000));
  });

  it('players that leave in the middle of a flush of more than one group disturb nobody', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishVideo(publisher, 0, 200, 1000);
    const watchers: Watcher[] = [];
    for (let count = 0; count < PLAYERS_PER_GROUP + 501; count += 1) {
      const watcher = watch(stream, { family });
      watchers.push(watcher);
      if (count % 3 !== 0) continue;
      // Its write makes two others leave, one before and one behind it.
      const write = watcher.sink.write.bind(watcher.sink);
      watcher.sink.write = (bytes) => {
        watchers[count + 1]?.player.leave();
        watchers[count - 1]?.player.leave();
        return write(bytes);
      };
    }
    publishVideo(publisher, 200, 400, 1000);
    const stay = watchers.filter((_, count) => count % 3 === 0);
    expect(stream.players).toBe(stay.length);
    for (const watcher of [stay[0], stay[200], stay.at(-1)]) {
      if (watcher === undefined) throw new Error('no watcher');
      expect(numbers(watcher)).toEqual(range(0, 400));
    }
    const lengths = new Set(stay.map(({ sink }) => sink.bytes.length));
    expect(lengths.size).toBe(1);
    for (const { player } of watchers) player.leave();
    expect(stream.players).toBe(0);
  });
});
