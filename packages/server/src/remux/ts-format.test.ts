import { FlvTagType } from '@sluice/media/flv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type LiveStream } from '../live/index.ts';
import { framings } from './framing-test-kit.ts';
import { type Framing, plainFraming, tsFamily } from './index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  drain,
  liveStream,
  publishTo,
  settings,
  type TestPublisher,
  video,
  watch,
  type Watcher,
} from './test-kit.ts';
import { avcBody, briefTs, readTs } from './ts-test-kit.ts';

function ts(stream: LiveStream, framing: Framing = plainFraming, blocked = false): Watcher {
  return watch(stream, { family: tsFamily(framing, () => stream.configurations) }, blocked);
}

function headers(publisher: TestPublisher): void {
  publisher.write(FlvTagType.video, 0, avcHeader());
  publisher.write(FlvTagType.audio, 0, aacHeader());
}

/** 25 frames and 50 audios a second, a GOP of one second; numbers are times. */
function publish(publisher: TestPublisher, fromMs: number, toMs: number, size = 100): void {
  for (let time = fromMs; time < toMs; time += 20) {
    if (time % 40 === 0)
      publisher.write(FlvTagType.video, time, avcBody(time, { key: time % 1000 === 0, size }));
    publisher.write(FlvTagType.audio, time, audio(time));
    publisher.flush();
  }
}

function pictures(bytes: Uint8Array): number[] {
  return briefTs(bytes)
    .filter((name) => /^v/i.test(name))
    .map((name) => Number(name.slice(1)));
}

function every40(fromMs: number, toMs: number): number[] {
  return Array.from({ length: (toMs - fromMs) / 40 }, (_, at) => fromMs + at * 40);
}

describe.each(framings)('TS fan-out, %s', (_, framing, unwrap) => {
  it('H010 tables first and before each keyframe; the GOP, then what comes', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    headers(publisher);
    publish(publisher, 1000, 1500);
    const watcher = ts(stream, framing);
    publish(publisher, 1500, 2200);
    const { body, ended } = unwrap(watcher.sink.bytes);
    expect(ended).toBe(false);
    const read = readTs(body);
    expect(read.gaps).toEqual([]);
    expect(read.order.slice(0, 3)).toEqual(['pat', 'pmt', 0x100]);
    expect(read.pats).toBe(2);
    expect(read.pmts[0]).toMatchObject({ pcrPid: 0x100, streams: { 0x100: 0x1b, 0x101: 0x0f } });
    const seen = briefTs(body);
    expect(seen[0]).toBe('V1000');
    expect(pictures(body)).toEqual(every40(1000, 2200));
    expect(seen.filter((name) => name.startsWith('a'))).toHaveLength(60);
    const times = read.pes.filter(({ pid }) => pid === 0x100).map(({ dts }) => dts);
    expect(times.map((time) => time - (times[0] ?? 0) + 1000)).toEqual(every40(1000, 2200));
  });

  it('H010 players that join at any time share every byte', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    headers(publisher);
    publish(publisher, 0, 1300);
    const first = ts(stream, framing);
    publish(publisher, 1300, 2700);
    const second = ts(stream, framing);
    publish(publisher, 2700, 3000);
    expect(pictures(unwrap(first.sink.bytes).body)).toEqual(every40(1000, 3000));
    expect(pictures(unwrap(second.sink.bytes).body)).toEqual(every40(2000, 3000));
    const last = second.sink.writes.at(-1);
    expect(first.sink.writes.at(-1)).toBe(last);
  });

  it('ends in order with its publisher', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    headers(publisher);
    publish(publisher, 0, 100);
    const family = tsFamily(framing, () => stream.configurations);
    const watcher = watch(stream, { family, endsWithPublisher: 'always' });
    publisher.end();
    expect(watcher.ends).toEqual(['publisher-gone']);
    const { body, ended } = unwrap(watcher.sink.bytes);
    expect(ended).toBe(framing.trailer !== undefined);
    expect(pictures(body)).toEqual([0, 40, 80]);
  });
});

describe('TS fan-out', () => {
  it('H012 one that waits for the publisher begins with tables', () => {
    const stream = liveStream();
    const watcher = ts(stream);
    expect(watcher.sink.writes).toEqual([]);
    const publisher = publishTo(stream);
    headers(publisher);
    publisher.flush();
    publish(publisher, 0, 200);
    const read = readTs(watcher.sink.bytes);
    expect(read.order[0]).toBe('pat');
    expect(read.pmts[0]?.streams).toEqual({ 0x100: 0x1b, 0x101: 0x0f });
    expect(pictures(watcher.sink.bytes)).toEqual(every40(0, 200));
  });

  it('H010 H.264 with MP3, which no header announces', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    for (let time = 0; time < 200; time += 40) {
      publisher.write(FlvTagType.video, time, avcBody(time, { key: time === 0 }));
      publisher.write(FlvTagType.audio, time, audio(time, { codec: 'mp3', size: 60 }));
      publisher.flush();
    }
    const watcher = ts(stream);
    const read = readTs(watcher.sink.bytes);
    expect(read.pmts).toEqual([
      { version: expect.any(Number) as number, pcrPid: 0x100, streams: { 0x100: 0x1b, 0x102: 3 } },
    ]);
    expect(briefTs(watcher.sink.bytes)).toHaveLength(5 + 3);
  });

  it('L017 pure audio: a player that joins gets tables of its own, and the clock in the audio', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publisher.flush();
    const sounds = (from: number, to: number): void => {
      for (let number = from; number < to; number += 1) {
        publisher.write(FlvTagType.audio, number * 23, audio(number));
        publisher.flush();
      }
    };
    sounds(0, 10);
    const first = ts(stream);
    sounds(10, 20);
    const second = ts(stream);
    sounds(20, 30);
    for (const { sink } of [first, second]) {
      const read = readTs(sink.bytes);
      expect(read.order.slice(0, 2)).toEqual(['pat', 'pmt']);
      expect(read.pmts[0]).toMatchObject({ pcrPid: 0x101, streams: { 0x101: 0x0f } });
      expect(read.pes.every(({ pcr }) => pcr)).toBe(true);
    }
    const numbers = (from: number) => Array.from({ length: 30 - from }, (_, at) => `a${from + at}`);
    expect(briefTs(first.sink.bytes)).toEqual(numbers(10));
    expect(briefTs(second.sink.bytes)).toEqual(numbers(20));
  });

  it('L017 a next publisher without video: soon the audio carries the clock', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    headers(publisher);
    publish(publisher, 0, 200);
    const watcher = ts(stream);
    publisher.end();
    const next = publishTo(stream);
    next.write(FlvTagType.audio, 0, aacHeader());
    for (let number = 0; number < 300; number += 1) {
      next.write(FlvTagType.audio, number * 23, audio(number));
      next.flush();
    }
    const read = readTs(watcher.sink.bytes);
    expect(read.pmts.at(-1)).toMatchObject({ pcrPid: 0x101, streams: { 0x101: 0x0f } });
    expect(read.pes.at(-1)?.pcr).toBe(true);
    // And with the video again.
    next.write(FlvTagType.video, 7000, avcHeader());
    next.write(FlvTagType.video, 7000, avcBody(7000, { key: true }));
    next.flush();
    const again = readTs(watcher.sink.bytes);
    expect(again.pmts.at(-1)?.streams).toEqual({ 0x100: 0x1b, 0x101: 0x0f });
    expect(again.gaps).toEqual([]);
  });

  it('L010 another codec from the next publisher: a PMT of a new version', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    headers(publisher);
    publish(publisher, 0, 200);
    const watcher = ts(stream);
    publisher.end();
    const next = publishTo(stream);
    next.write(FlvTagType.video, 0, avcHeader(1));
    next.write(FlvTagType.video, 0, avcBody(9, { key: true }));
    next.write(FlvTagType.audio, 5, audio(9, { codec: 'mp3', size: 50 }));
    next.flush();
    const read = readTs(watcher.sink.bytes);
    expect(read.pmts.at(-1)?.streams).toEqual({ 0x100: 0x1b, 0x102: 3 });
    expect(read.pmts.at(-1)?.version).not.toBe(read.pmts[0]?.version);
    expect(briefTs(watcher.sink.bytes).slice(-2).sort()).toEqual(['V9', 'a9']);
  });

  it('P010 video that MPEG-TS has no place for: the audio plays', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.audio, 0, aacHeader());
    const watcher = ts(stream);
    for (let time = 0; time < 400; time += 40) {
      publisher.write(FlvTagType.video, time, video(time, { codec: 'av1', key: time % 200 === 0 }));
      publisher.write(FlvTagType.audio, time, audio(time));
      publisher.flush();
    }
    const late = ts(stream);
    publisher.write(FlvTagType.audio, 400, audio(400));
    publisher.flush();
    const read = readTs(watcher.sink.bytes);
    expect(read.pmts[0]).toMatchObject({ pcrPid: 0x101, streams: { 0x101: 0x0f } });
    expect(briefTs(watcher.sink.bytes)).toEqual([...every40(0, 400), 400].map((time) => `a${time}`));
    expect(briefTs(late.sink.bytes)).toEqual([...every40(200, 400), 400].map((time) => `a${time}`));
  });

  it('a slow player that is moved forward begins with the tables of a keyframe', () => {
    const stream = liveStream(settings({ queueLengthMs: 2000 }));
    const publisher = publishTo(stream);
    headers(publisher);
    publish(publisher, 0, 1000);
    const slow = ts(stream);
    const before = slow.sink.bytes.length;
    slow.sink.blocked = true;
    publish(publisher, 1000, 6500);
    drain(slow);
    publish(publisher, 6500, 7000);
    expect(slow.drops.length).toBeGreaterThan(0);
    const after = slow.sink.bytes.subarray(before);
    const read = readTs(after.subarray(after.indexOf(0x47)));
    expect(read.order).toContain('pat');
    const seen = pictures(slow.sink.bytes);
    expect(seen.at(-1)).toBe(6960);
    const firstAfter = seen.find((time) => time > 1100) ?? 0;
    expect(firstAfter % 1000).toBe(0);
    expect(seen.filter((time) => time >= firstAfter)).toEqual(every40(firstAfter, 7000));
  });

  it('audio that has stopped is not announced any longer, and is when it comes back', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    headers(publisher);
    const watcher = ts(stream);
    publish(publisher, 0, 1000);
    for (let time = 1000; time <= 23_000; time += 40) {
      publisher.write(FlvTagType.video, time, avcBody(time, { key: time % 1000 === 0 }));
    }
    publisher.flush();
    const { pmts } = readTs(watcher.sink.bytes);
    expect(pmts[0]?.streams).toEqual({ 0x100: 0x1b, 0x101: 0x0f });
    expect(pmts.at(-1)?.streams).toEqual({ 0x100: 0x1b });
    publish(publisher, 23_040, 24_000);
    expect(readTs(watcher.sink.bytes).pmts.at(-1)?.streams).toEqual({ 0x100: 0x1b, 0x101: 0x0f });
  });

  it.each([
    ['that never comes', true],
    ['without its header', false],
  ])('audio %s is not announced', (_name, hasHeader) => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    if (hasHeader) publisher.write(FlvTagType.audio, 0, aacHeader());
    const watcher = ts(stream);
    for (let time = 0; time <= 6_000; time += 40) {
      publisher.write(FlvTagType.video, time, avcBody(time, { key: time % 1000 === 0 }));
      if (!hasHeader) publisher.write(FlvTagType.audio, time, audio(time));
      publisher.flush();
    }
    const late = ts(stream);
    publisher.write(FlvTagType.video, 6_040, avcBody(6_040, { key: false }));
    publisher.flush();
    for (const { sink } of [watcher, late]) {
      expect(readTs(sink.bytes).pmts.at(-1)?.streams).toEqual({ 0x100: 0x1b });
    }
  });

  it('whatever is published and whoever joins: whole packets, tables first, no gap', () => {
    const event = fc.oneof(
      fc.record({
        what: fc.constant('video' as const),
        key: fc.boolean(),
        size: fc.integer({ min: 6, max: 3000 }),
      }),
      fc.record({
        what: fc.constant('audio' as const),
        mp3: fc.boolean(),
        size: fc.integer({ min: 8, max: 500 }),
      }),
      fc.record({
        what: fc.constantFrom('flush' as const, 'join' as const, 'headers' as const, 'again' as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const stream = liveStream();
        let publisher = publishTo(stream);
        const watchers: Watcher[] = [];
        let time = 0;
        for (const given of events) {
          time += 17;
          if (given.what === 'video') publisher.write(9, time, avcBody(time, given));
          else if (given.what === 'audio') {
            publisher.write(8, time, audio(time, { size: given.size, codec: given.mp3 ? 'mp3' : 'aac' }));
          } else if (given.what === 'headers') headers(publisher);
          else if (given.what === 'flush') publisher.flush();
          else if (given.what === 'join') watchers.push(ts(stream));
          else {
            publisher.end();
            publisher = publishTo(stream);
          }
        }
        publisher.flush();
        for (const { sink } of watchers) {
          const { gaps, order } = readTs(sink.bytes);
          expect(gaps).toEqual([]);
          if (order.length > 0) expect(order[0]).toBe('pat');
        }
      }),
      { numRuns: 200 },
    );
  });
});
