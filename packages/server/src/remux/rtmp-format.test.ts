import { FlvTagType } from '@sluice/media/flv';
import { encodeAmf0 } from '@sluice/media/amf';
import { describe, expect, it } from 'vitest';

import { rtmpFamily } from './index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  brief,
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
} from './test-kit.ts';

const both = { audio: true, video: true };
const CHUNK_SIZE = 60_000;
const family = rtmpFamily(CHUNK_SIZE, both);

function read({ sink }: Watcher, chunkSize = CHUNK_SIZE): Received[] {
  const whole = readRtmp(sink.bytes, chunkSize);
  const cut = readRtmp(sink.bytes, chunkSize, true);
  expect(brief(cut)).toEqual(brief(whole));
  return whole;
}

function seen(watcher: Watcher, chunkSize = CHUNK_SIZE): string[] {
  return brief(read(watcher, chunkSize));
}

/** Publishes a keyframe each second, 25 frames a second, audio each 20 ms, in the order of time. */
function publishSeconds(publisher: TestPublisher, fromMs: number, toMs: number): void {
  for (let time = fromMs; time < toMs; time += 20) {
    if (time % 40 === 0) publisher.write(FlvTagType.video, time, video(time, { key: time % 1000 === 0 }));
    publisher.write(FlvTagType.audio, time, audio(time));
    publisher.flush();
  }
}

describe('RTMP fan-out', () => {
  it('O003 a player before its publisher gets everything, from 0', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family });
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 7000, avcHeader());
    publisher.write(FlvTagType.audio, 7000, aacHeader());
    publisher.flush();
    expect(watcher.sink.writes).toEqual([]);
    publisher.write(FlvTagType.video, 7000, video(1, { key: true }));
    publisher.write(FlvTagType.audio, 7010, audio(2));
    publisher.flush();
    publisher.write(FlvTagType.video, 7040, video(3));
    publisher.flush();
    expect(seen(watcher)).toEqual(['ah@0', 'vh@0', 'v@0#1', 'a@10#2', 'v@40#3']);
  });

  it('O004 a late player starts at 0 at the keyframe, both tracks in step', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publishSeconds(publisher, 0, 2500);
    const watcher = watch(stream, { family });
    publishSeconds(publisher, 2500, 3500);
    const received = media(read(watcher));
    expect(received[0]).toMatchObject({ kind: FlvTagType.video, number: 2000, timestamp: 0 });
    for (const { number, timestamp } of received) expect(timestamp).toBe(number - 2000);
    expect(received.filter(({ kind }) => kind === FlvTagType.audio).map(({ number }) => number)).toEqual(
      Array.from({ length: 75 }, (_, at) => 2000 + at * 20),
    );
  });

  it('payloads are those of the publisher, byte for byte, at any chunk size', () => {
    const sizes = [10, 127, 128, 129, 255, 256, 257, 5000, 60_000, 60_001, 65_536, 65_537, 200_000];
    for (const chunkSize of [128, 60_000, 65_536]) {
      const stream = liveStream();
      const publisher = publishTo(stream);
      const watcher = watch(stream, { family: rtmpFamily(chunkSize, both) });
      const bodies = sizes.map((size, at) => video(at, { size, key: at === 0 }));
      bodies.forEach((body, at) => {
        publisher.write(FlvTagType.video, at * 40, body);
      });
      publisher.flush();
      const late = watch(stream, { family: rtmpFamily(chunkSize, both) });
      for (const { sink } of [watcher, late]) {
        const messages = readRtmp(sink.bytes, chunkSize);
        expect(messages.map(({ timestamp }) => timestamp)).toEqual(sizes.map((_, at) => at * 40));
        messages.forEach(({ body }, at) => {
          expect(Buffer.compare(body, bodies[at] ?? new Uint8Array(0))).toBe(0);
        });
      }
    }
  });

  it('a player that joins between flushes gets the GOP up to the last flush, then the rest, nothing twice', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const first = watch(stream, { family });
    for (let time = 0; time < 1000; time += 40) {
      publisher.write(FlvTagType.video, time, video(time, { key: time === 0 }));
      publisher.write(FlvTagType.audio, time + 12, audio(time + 12));
      publisher.flush();
    }
    // Not flushed yet: the next keyframe.
    publisher.write(FlvTagType.video, 1000, video(1000, { key: true }));
    publisher.write(FlvTagType.audio, 1012, audio(1012));
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 1040, video(1040));
    publisher.flush();
    const received = media(read(watcher));
    expect(received[0]).toMatchObject({ number: 0, timestamp: 0 });
    for (const { number, timestamp } of received) expect(timestamp).toBe(number);
    expect(brief(received)).toEqual(brief(media(read(first))));
  });

  it('O011 players share the very same buffers', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watchers = [watch(stream, { family }), watch(stream, { family })];
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    watchers.push(watch(stream, { family }));
    for (let at = 2; at < 6; at += 1) {
      publisher.write(FlvTagType.video, at * 40, video(at));
      publisher.flush();
    }
    const [one, two, three] = watchers.map(({ sink }) => sink.writes.slice(-4));
    expect(one).toHaveLength(4);
    one?.forEach((bytes, at) => {
      expect(two?.[at]).toBe(bytes);
      expect(three?.[at]).toBe(bytes);
    });
  });

  it('metadata, then data messages, at the times of the stream', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.script, 0, encodeAmf0('onMetaData', null));
    publishSeconds(publisher, 0, 2500);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.script, 2500, encodeAmf0('onTextData', 'x'));
    publishSeconds(publisher, 2500, 2600);
    const data = read(watcher).filter(({ kind }) => kind === FlvTagType.script);
    expect(data.map(({ timestamp }) => timestamp)).toEqual([0, 480]);
  });

  it('a track that begins later is in step', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    for (let time = 0; time < 400; time += 20) publisher.write(FlvTagType.audio, time, audio(time));
    publisher.flush();
    publisher.write(FlvTagType.video, 400, avcHeader());
    publisher.write(FlvTagType.video, 400, video(400, { key: true }));
    publisher.write(FlvTagType.audio, 400, audio(401));
    publisher.flush();
    expect(seen(watcher).slice(-3)).toEqual(['vh@380', 'v@400#400', 'a@400#401']);
  });

  it('a stream without headers (MP3, H.263) starts each track with a message of its own', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 500, video(1, { key: true, codec: 'h263' }));
    publisher.write(FlvTagType.audio, 490, audio(2, { codec: 'mp3' }));
    publisher.write(FlvTagType.audio, 516, audio(3, { codec: 'mp3' }));
    publisher.flush();
    expect(seen(watch(stream, { family }))).toEqual(['v@0#1', 'a@0#2', 'a@16#3']);
  });
});

describe('RTMP fan-out: receiveAudio, receiveVideo, pause', () => {
  const audioOnly = rtmpFamily(CHUNK_SIZE, { audio: true, video: false });
  const videoOnly = rtmpFamily(CHUNK_SIZE, { audio: false, video: true });

  it.each([[true], [false]])(
    'receiveVideo off and on: audio goes on without a gap (min_latency %s)',
    (minLatency) => {
      const stream = liveStream(settings({ mergedWriteLatencyMs: 10_000 }, { minLatency }));
      const publisher = publishTo(stream);
      publisher.write(FlvTagType.video, 0, avcHeader());
      publishSeconds(publisher, 0, 500);
      const watcher = watch(stream, { family });
      publishSeconds(publisher, 500, 1100);
      watcher.player.change(audioOnly);
      publishSeconds(publisher, 1100, 1500);
      watcher.player.change(family);
      publishSeconds(publisher, 1500, 2300);
      publisher.end();
      const received = media(read(watcher));
      for (const { number, timestamp } of received) expect(timestamp).toBe(number);
      const videos = received.filter(({ kind }) => kind === FlvTagType.video).map(({ number }) => number);
      expect(videos.find((number) => number >= 1100)).toBe(2000);
      expect(videos.filter((number) => number < 1100)).toHaveLength(28);
      const audios = received.filter(({ kind }) => kind === FlvTagType.audio).map(({ number }) => number);
      // Going back, the picture decides: the player begins again at a keyframe.
      expect(audios).toEqual([
        ...Array.from({ length: 75 }, (_, at) => at * 20),
        ...Array.from({ length: 15 }, (_, at) => 2000 + at * 20),
      ]);
    },
  );

  it('a player that changes into a group that is there gets nothing twice', () => {
    const stream = liveStream(settings({ mergedWriteLatencyMs: 10_000 }, { minLatency: false }));
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 100);
    const other = watch(stream, { family: audioOnly });
    const watcher = watch(stream, { family });
    publishSeconds(publisher, 100, 500);
    watcher.player.change(audioOnly);
    publishSeconds(publisher, 500, 700);
    publisher.end();
    const audios = media(read(watcher)).filter(({ kind }) => kind === FlvTagType.audio);
    expect(audios.map(({ number }) => number)).toEqual(Array.from({ length: 35 }, (_, at) => at * 20));
    expect(media(read(other)).every(({ kind }) => kind === FlvTagType.audio)).toBe(true);
  });

  it('receiveVideo off before the first frame: audio alone, at once', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 500);
    const watcher = watch(stream, { family: audioOnly });
    publishSeconds(publisher, 500, 600);
    expect(brief(media(read(watcher)))).toEqual(['a@0#500', 'a@20#520', 'a@40#540', 'a@60#560', 'a@80#580']);
  });

  it('receiveAudio off: video alone, from the GOP', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publishSeconds(publisher, 0, 100);
    expect(seen(watch(stream, { family: videoOnly }))).toEqual(['vh@0', 'v@0#0', 'v@40#40', 'v@80#80']);
  });

  it('both off, then on again', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 100);
    const watcher = watch(stream, { family });
    watcher.player.change(rtmpFamily(CHUNK_SIZE, { audio: false, video: false }));
    const before = watcher.sink.writes.length;
    publishSeconds(publisher, 100, 500);
    expect(watcher.sink.writes).toHaveLength(before);
    watcher.player.change(family);
    publishSeconds(publisher, 500, 1100);
    const received = media(read(watcher)).filter(({ number }) => number >= 100);
    expect(received[0]).toMatchObject({ number: 1000, timestamp: 1000 });
  });

  it('O007 pause: nothing more; then live again from a keyframe, at the time of the stream', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 500);
    const watcher = watch(stream, { family });
    watcher.player.pause();
    watcher.player.pause();
    const before = watcher.sink.writes.length;
    publishSeconds(publisher, 500, 1500);
    expect(watcher.sink.writes).toHaveLength(before);
    watcher.player.resume();
    watcher.player.resume();
    publishSeconds(publisher, 1500, 2100);
    const received = media(read(watcher)).filter(({ number }) => number >= 500);
    expect(received[0]).toMatchObject({ kind: FlvTagType.video, number: 2000, timestamp: 2000 });
    for (const { number, timestamp } of received) expect(timestamp).toBe(number);
  });

  it('O007 paused before the first frame, resumed later: starts at the GOP, at 0', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family });
    watcher.player.pause();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 1500);
    expect(watcher.sink.writes).toEqual([]);
    watcher.player.resume();
    expect(media(read(watcher))[0]).toMatchObject({ number: 1000, timestamp: 0 });
  });

  it('O007 resume on a stream that has turned to pure audio does not wait for a keyframe for ever', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 100);
    const watcher = watch(stream, { family });
    watcher.player.pause();
    watcher.player.resume();
    for (let time = 100; time < 4000; time += 20) {
      publisher.write(FlvTagType.audio, time, audio(time));
      publisher.flush();
    }
    const audios = media(read(watcher)).filter(({ number }) => number >= 100);
    expect(audios.at(-1)).toMatchObject({ number: 3980, timestamp: 3980 });
  });

  it('R043 a play with a duration ends when that much stream time was sent', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 500);
    const watcher = watch(stream, { family, durationMs: 1000 });
    publishSeconds(publisher, 500, 2000);
    expect(watcher.ends).toEqual(['duration']);
    expect(media(read(watcher)).at(-1)).toMatchObject({ number: 1000 });
    expect(stream.players).toBe(0);
  });

  it('R043 a duration that the GOP fills already ends the play at once', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 900);
    const watcher = watch(stream, { family, durationMs: 100 });
    expect(watcher.ends).toEqual(['duration']);
    expect(stream.players).toBe(0);
    const before = watcher.sink.writes.length;
    publishSeconds(publisher, 900, 1000);
    expect(watcher.sink.writes).toHaveLength(before);
  });
});

describe('RTMP fan-out: large timestamps', () => {
  const atc = settings({ atc: true });
  const small = rtmpFamily(128, both);

  it.each([
    ['just below', 0xffffff - 100],
    ['at', 0xffffff],
    ['far beyond', 0x12345678],
  ])('R011 atc %s the extended timestamp: type-3 chunks repeat it', (_, start) => {
    const stream = liveStream(atc);
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    const early = watch(stream, { family: small });
    for (let at = 0; at < 10; at += 1) {
      publisher.write(FlvTagType.video, start + at * 40, video(at, { key: at === 0, size: 500 }));
      publisher.write(FlvTagType.audio, start + at * 40 + 5, audio(at, { size: 300 }));
      publisher.flush();
    }
    const late = watch(stream, { family: small });
    const expected = Array.from({ length: 10 }, (_, at) => [
      `v@${start + at * 40}#${at}`,
      `a@${start + at * 40 + 5}#${at}`,
    ]).flat();
    for (const watcher of [early, late]) {
      expect(seen(watcher, 128)).toEqual([`vh@${start}`, ...expected]);
    }
  });

  it('R012 times beyond 2^31 go out modulo 2^31 and keep growing', () => {
    const start = 2 ** 31 - 100;
    const stream = liveStream(atc);
    const publisher = publishTo(stream);
    const early = watch(stream, { family: small });
    for (let at = 0; at < 6; at += 1) {
      publisher.write(FlvTagType.video, start + at * 40, video(at, { key: at === 0 || at === 4, size: 200 }));
      publisher.flush();
    }
    const late = watch(stream, { family: small });
    expect(seen(early, 128)).toEqual(Array.from({ length: 6 }, (_, at) => `v@${start + at * 40}#${at}`));
    expect(seen(late, 128)).toEqual(['v@60#4', 'v@100#5']);
  });

  it('R012 time_jitter full: a player that watches for more than 4.66 hours', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family: small });
    for (let time = 0; time <= 0xffffff + 2000; time += 500) {
      publisher.write(FlvTagType.audio, time, audio(time, { size: 10 }));
      publisher.flush();
    }
    const messages = readRtmp(watcher.sink.bytes, 128);
    expect(messages.every(({ number, timestamp }) => number === timestamp)).toBe(true);
    const late = watch(stream, { family: small });
    publisher.write(FlvTagType.audio, 0xffffff + 2100, audio(1));
    publisher.flush();
    expect(seen(late, 128)).toEqual(['a@0#1']);
  }, 20_000);

  it.each([
    ['a step of 0xFFFFFF', [0, 0xffffff, 0xffffff + 40]],
    ['a step of hours', [0, 50_000_000, 50_000_040]],
    ['a step back', [10_000, 4000, 4040]],
    ['steps back in one flush, again and again', [10_000, 9000, 8000, 7000, 7040]],
  ])('P016 time_jitter off: %s starts the track afresh', (_, times) => {
    for (const together of [true, false]) {
      const stream = liveStream(settings({ timeJitter: 'off' }));
      const publisher = publishTo(stream);
      const watchers = [watch(stream, { family: small }), watch(stream, { family: small })];
      times.forEach((time, at) => {
        publisher.write(FlvTagType.video, time, video(at, { key: at === 0, size: 300 }));
        publisher.write(FlvTagType.audio, time + 7, audio(at));
        if (!together) publisher.flush();
      });
      publisher.flush();
      const expected = times.flatMap((time, at) => [`v@${time}#${at}`, `a@${time + 7}#${at}`]);
      for (const watcher of watchers) expect(seen(watcher, 128)).toEqual(expected);
    }
  });
});

describe('RTMP fan-out: groups', () => {
  it('players of one form share a group, others have their own, and all go with their players', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 500);
    const cacheBytes = stream.heldBytes;
    const watchers = [128, 60_000, 60_000, 65_536].map((size) =>
      watch(stream, { family: rtmpFamily(size, both) }),
    );
    expect(stream.players).toBe(4);
    const held = stream.heldBytes;
    expect(held).toBeGreaterThan(cacheBytes * 3);
    expect(held).toBeLessThan(cacheBytes * 6);
    for (const { player } of watchers) player.leave();
    expect(stream.players).toBe(0);
    expect(stream.heldBytes).toBe(cacheBytes);
  });

  it('the log holds a GOP and no more, however long the stream is', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    watch(stream, { family });
    publishSeconds(publisher, 0, 2980);
    const held = stream.heldBytes;
    publishSeconds(publisher, 2980, 60_980);
    expect(stream.heldBytes).toBeLessThanOrEqual(held + 200);
  });

  it('O004 gop_cache off: a player starts with the next frames, and the log holds nothing', () => {
    const stream = liveStream(settings({ gopCache: false }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publishSeconds(publisher, 0, 500);
    const watcher = watch(stream, { family });
    expect(watcher.sink.writes).toEqual([]);
    publishSeconds(publisher, 500, 580);
    expect(media(read(watcher))[0]).toMatchObject({ number: 500, timestamp: 0 });
    expect(stream.heldBytes).toBe(0);
  });
});
