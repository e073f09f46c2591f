import { FlvTagType } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';

import { rtmpFamily } from '../remux/index.ts';
import { audio, avcHeader, liveStream, publishTo, settings, video, watch } from '../remux/test-kit.ts';
import { LiveHub } from './hub.ts';
import type { LiveStream } from './live-stream.ts';

const family = rtmpFamily(60_000, { audio: true, video: true });

/** Frames at their times, a keyframe where there is a `K`. */
function publishPictures(stream: LiveStream, pictures: string, stepMs = 40): void {
  const publisher = publishTo(stream, 'pictures');
  for (let at = 0; at < pictures.length; at += 1) {
    publisher.write(FlvTagType.video, at * stepMs, video(at, { key: pictures[at] === 'K' }));
  }
  publisher.flush();
}

describe('StreamMeter', () => {
  it('A005 counts the frames of each track; headers are no frames', () => {
    const hub = new LiveHub();
    const stream = liveStream(settings(), hub);
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.audio, 5, audio(2));
    publisher.write(FlvTagType.audio, 25, audio(3));
    expect(stream.meter).toMatchObject({ videoFrames: 1, audioFrames: 2, videoHeaders: 2 });
    expect(stream.videoFrames).toBe(3);
    publisher.end();
    expect(hub.totals).toMatchObject({ videoFrames: 1, audioFrames: 2 });
  });

  it.each([
    ['before the second keyframe', 'KPP', undefined],
    ['of the latest that is whole', 'KPKPPPKPP', { frames: 4, ms: 160 }],
    ['without counting what comes before the first keyframe', 'PPKPPK', { frames: 3, ms: 120 }],
    ['of keyframes alone', 'KKK', { frames: 1, ms: 40 }],
    ['never without video', '', undefined],
  ])('A005 tells the length of a GOP: %s', (_, pictures, expected) => {
    const stream = liveStream();
    publishPictures(stream, pictures);
    expect(stream.meter.gop).toEqual(expected);
  });

  it('A005 a GOP over which time steps back has no length, where times are not corrected', () => {
    const stream = liveStream(settings({ timeJitter: 'off' }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 1000, video(1, { key: true }));
    publisher.write(FlvTagType.video, 100, video(2, { key: true }));
    expect(stream.meter.gop).toBeUndefined();
    publisher.write(FlvTagType.video, 300, video(3, { key: true }));
    expect(stream.meter.gop).toEqual({ frames: 1, ms: 200 });
  });

  it('P016 counts how often and by how much times are corrected, for each publisher anew', () => {
    const hub = new LiveHub();
    const stream = liveStream(settings(), hub);
    const first = publishTo(stream, 'first');
    for (const [number, time] of [0, 40, 100_040, 100_080, 160].entries()) {
      first.write(FlvTagType.video, time, video(number, { key: true }));
    }
    // Forward by 100 s rather than 40 ms, and back to where the clock was.
    const moved = 2 * 99_960;
    expect(stream.meter).toMatchObject({ corrections: 2, correctedMs: moved });
    first.end();
    const again = liveStream(settings(), hub);
    publishTo(again, 'second').write(FlvTagType.video, 7000, video(1, { key: true }));
    expect(again.meter).toMatchObject({ corrections: 0, correctedMs: 0, videoFrames: 1 });
    expect(hub.totals).toMatchObject({ corrections: 2, correctedMs: moved, videoFrames: 6 });
  });

  it('A004 counts the flushes to players, and none where there are no players', () => {
    const hub = new LiveHub();
    const stream = liveStream(settings(), hub);
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    expect(stream.meter.flushes).toBeUndefined();
    watch(stream, { family });
    publisher.write(FlvTagType.video, 40, video(2));
    publisher.flush();
    expect(stream.meter.flushes?.count).toBe(1);
    expect(hub.totals.flushes.count).toBe(1);
    hub.rollFlushes();
    hub.rollFlushes();
    expect(stream.meter.flushes?.quantile(0.5)).toBeUndefined();
  });
});

describe('Player.videoFrames', () => {
  it('A005 counts what each player was sent: from its keyframe on, without what it lost', () => {
    const stream = liveStream(settings({ queueLengthMs: 200 }));
    const publisher = publishTo(stream);
    const early = watch(stream, { family });
    const slow = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, avcHeader());
    for (let at = 0; at < 30; at += 1) {
      publisher.write(FlvTagType.video, at * 40, video(at, { key: at % 10 === 0 }));
      publisher.flush();
      if (at === 0) slow.sink.blocked = true;
    }
    expect(early.player.videoFrames).toBe(30);
    // From the keyframe at 800 ms.
    expect(watch(stream, { family }).player.videoFrames).toBe(10);
    publisher.end();
    expect(slow.player.droppedFrames).toBeGreaterThan(0);
    expect(slow.player.videoFrames + slow.player.droppedFrames).toBe(30);
  });
});
