import { describe, expect, it } from 'vitest';

import { chunkedFraming, flvFamily, rtmpFamily } from '../remux/index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  publishTo,
  settings,
  streamId,
  video,
  watch,
} from '../remux/test-kit.ts';
import { StreamBusyError } from './errors.ts';
import { LiveHub } from './hub.ts';

const family = rtmpFamily(60_000, { audio: true, video: true });

describe('LiveHub', () => {
  it('has a stream while it is published or played, and no longer', () => {
    const hub = new LiveHub();
    const stream = hub.open(streamId, settings());
    expect(hub.open({ ...streamId }, settings())).toBe(stream);
    expect(hub.find(streamId)).toBe(stream);
    expect(stream.key).toBe('__defaultVhost__/live/test');
    const publication = publishTo(stream);
    const watcher = watch(stream, { family });
    publication.end();
    expect(hub.find(streamId)).toBe(stream);
    watcher.player.leave();
    expect(hub.size).toBe(0);
    // Late words of those who have gone do no harm to a stream of the same name.
    const next = hub.open(streamId, settings());
    publishTo(next);
    watcher.player.leave();
    publication.end();
    expect(hub.find(streamId)).toBe(next);
    expect(next.publisherId).toBe('publisher');
  });

  it('ends players that have waited for a publisher for longer than wait_timeout', () => {
    const hub = new LiveHub();
    const stream = hub.open(streamId, settings({ waitTimeoutMs: 1_000 }));
    const [early, paused] = [watch(stream, { family }), watch(stream, { family })];
    paused.player.pause();
    const now = performance.now();
    hub.endWaiting(now + 900);
    expect(early.ends).toEqual([]);
    const publication = publishTo(stream);
    hub.endWaiting(now + 5_000);
    expect(early.ends).toEqual([]);
    publication.end();
    // The wait begins when the publisher has gone.
    hub.endWaiting(performance.now() + 900);
    expect([early.ends, paused.ends]).toEqual([[], []]);
    hub.endWaiting(performance.now() + 1_100);
    expect([early.ends, paused.ends]).toEqual([['wait-timeout'], ['wait-timeout']]);
    expect(hub.size).toBe(0);
    const patient = watch(hub.open(streamId, settings({ waitTimeoutMs: 0 })), { family });
    hub.endWaiting(performance.now() + 1e9);
    expect(patient.ends).toEqual([]);
  });

  it('forgets a stream that was opened and not used', () => {
    const hub = new LiveHub();
    hub.release(hub.open(streamId, settings()));
    expect(hub.size).toBe(0);
  });

  it('does not forget a stream in use', () => {
    const hub = new LiveHub();
    const stream = hub.open(streamId, settings());
    publishTo(stream);
    hub.release(stream);
    expect(hub.find(streamId)).toBe(stream);
  });

  it('keeps a stream whose only player is paused when the publisher goes', () => {
    const hub = new LiveHub();
    const stream = hub.open(streamId, settings());
    const publication = publishTo(stream);
    const { player } = watch(stream, { family });
    player.pause();
    expect(stream.players).toBe(1);
    publication.end();
    expect(hub.find(streamId)).toBe(stream);
    player.resume();
    player.leave();
    expect(hub.size).toBe(0);
  });

  it('P005 keeps a stream that is taken over, also when nobody plays it', () => {
    const hub = new LiveHub();
    const stream = hub.open(streamId, settings({}, { publish: { conflict: 'takeover' } }));
    const first = publishTo(stream, 'first');
    const second = publishTo(stream, 'second');
    expect(first.takeovers).toBe(1);
    expect(hub.find(streamId)?.publisherId).toBe('second');
    first.end();
    expect(hub.find(streamId)?.publisherId).toBe('second');
    second.end();
    expect(hub.size).toBe(0);
  });

  it('P005 refuses a second publisher and leaves the first one alone', () => {
    const stream = new LiveHub().open(streamId, settings());
    const first = publishTo(stream, 'first');
    expect(() => publishTo(stream, 'second')).toThrow(StreamBusyError);
    expect(stream.publisherId).toBe('first');
    expect(first.takeovers).toBe(0);
  });

  it('does not keep the session that named a stream', () => {
    const session = { ...streamId, socket: {} };
    const stream = new LiveHub().open(session, settings());
    expect(stream.id).toEqual(streamId);
  });

  it('is empty after 10,000 rounds of publish and leave, and of join and leave', () => {
    const hub = new LiveHub();
    const families = [family, flvFamily(chunkedFraming)];
    for (let round = 0; round < 10_000; round += 1) {
      const id = { ...streamId, stream: `s${round % 7}` };
      const stream = hub.open(id, settings());
      const publication = publishTo(stream);
      publication.write(9, 0, avcHeader());
      publication.write(8, 0, aacHeader());
      publication.write(9, 0, video(0, { key: true }));
      publication.write(8, 5, audio(1));
      publication.flush();
      const chosen = families[round % 2];
      if (chosen === undefined) throw new Error('no family');
      const watcher = watch(stream, { family: chosen });
      expect(watcher.sink.writes.length).toBeGreaterThan(0);
      if (round % 3 === 0) watcher.player.leave();
      publication.end();
      watcher.player.leave();
    }
    expect(hub.size).toBe(0);
  });
});
