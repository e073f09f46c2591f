import { FlvTagType } from '@sluice/media/flv';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { rtmpFamily } from '../remux/index.ts';
import {
  audio,
  drain,
  liveStream,
  media,
  publishTo,
  readRtmp,
  settings,
  type TestPublisher,
  video,
  watch,
  type Watcher,
} from '../remux/test-kit.ts';
import type { LiveStream } from './live-stream.ts';

/** What the property does to a stream. */
type Step =
  | { readonly do: 'publish'; readonly frames: number; readonly gop: number; readonly waitMs: number }
  | { readonly do: 'join'; readonly chunkSize: number }
  | { readonly do: 'leave' | 'block' | 'drain' | 'pause' | 'resume'; readonly who: number }
  | { readonly do: 'republish' };

const who = fc.nat(7);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        frames: fc.integer({ min: 1, max: 30 }),
        gop: fc.integer({ min: 3, max: 25 }),
        waitMs: fc.integer({ min: 0, max: 500 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('join' as const), chunkSize: fc.constantFrom(128, 60_000) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'leave' as const,
          'block' as const,
          'drain' as const,
          'pause' as const,
          'resume' as const,
        ),
        who,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('republish' as const) }) },
  ),
  { maxLength: 60 },
);

interface Viewer extends Watcher {
  readonly chunkSize: number;
  /** Times it was paused: each may leave a gap. */
  pauses: number;
}

/** Plays steps on a stream and keeps the books. */
class Run {
  readonly stream: LiveStream;
  readonly viewers: Viewer[] = [];
  /** Numbers of the keyframes among the published frames 0, 1, 2 … */
  readonly keyframes = new Set<number>();
  #publisher: TestPublisher;
  #time = 0;
  #next = 0;
  #sinceKey = Number.POSITIVE_INFINITY;

  constructor(minLatency: boolean) {
    this.stream = liveStream(settings({ queueLengthMs: 1500 }, { minLatency }));
    this.#publisher = publishTo(this.stream);
  }

  step(step: Step): void {
    switch (step.do) {
      case 'publish':
        this.#publish(step.frames, step.gop);
        vi.advanceTimersByTime(step.waitMs);
        return;
      case 'join': {
        const family = rtmpFamily(step.chunkSize, { audio: true, video: true });
        this.viewers.push({ ...watch(this.stream, { family }), chunkSize: step.chunkSize, pauses: 0 });
        return;
      }
      case 'republish':
        this.#publisher.end();
        this.#publisher = publishTo(this.stream);
        this.#time = 0;
        this.#sinceKey = Number.POSITIVE_INFINITY;
        return;
      default: {
        const viewer = this.viewers[step.who];
        if (viewer !== undefined) this.#viewerStep(step.do, viewer);
      }
    }
  }

  finish(): void {
    for (const viewer of this.viewers) drain(viewer);
    this.#publisher.end();
    for (const viewer of this.viewers) drain(viewer);
  }

  #viewerStep(what: 'leave' | 'block' | 'drain' | 'pause' | 'resume', viewer: Viewer): void {
    const { player, sink } = viewer;
    if (what === 'leave') player.leave();
    else if (what === 'block') sink.blocked = true;
    else if (what === 'drain') drain(viewer);
    else if (what === 'resume') player.resume();
    else {
      if (!player.paused) viewer.pauses += 1;
      player.pause();
    }
  }

  #publish(frames: number, gop: number): void {
    for (let count = 0; count < frames; count += 1) {
      const number = this.#next;
      this.#next += 1;
      this.#time += 20;
      if (number % 3 === 2 && this.#sinceKey < Number.POSITIVE_INFINITY) {
        this.#publisher.write(FlvTagType.audio, this.#time, audio(number));
        continue;
      }
      const key = this.#sinceKey >= gop;
      this.#sinceKey = key ? 0 : this.#sinceKey + 1;
      if (key) this.keyframes.add(number);
      this.#publisher.write(FlvTagType.video, this.#time, video(number, { key, size: 300 }));
    }
    this.#publisher.flush();
  }
}

describe('fan-out, any order of events', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('each player gets a contiguous run of the published frames from a keyframe, unless a drop was reported', () => {
    fc.assert(
      fc.property(fc.boolean(), steps, (minLatency, given) => {
        const run = new Run(minLatency);
        for (const step of given) run.step(step);
        run.finish();
        for (const { sink, chunkSize, drops, pauses } of run.viewers) {
          const received = media(readRtmp(sink.bytes, chunkSize));
          const first = received[0];
          if (first === undefined) continue;
          expect(run.keyframes.has(first.number)).toBe(true);
          expect(first.timestamp).toBe(0);
          let gaps = 0;
          const last = new Map<number, number>();
          received.forEach(({ number, kind, timestamp }, at) => {
            const before = received[at - 1];
            if (before !== undefined && number !== before.number + 1) {
              expect(number).toBeGreaterThan(before.number);
              expect(run.keyframes.has(number)).toBe(true);
              gaps += 1;
            }
            expect(timestamp).toBeGreaterThanOrEqual(last.get(kind) ?? 0);
            last.set(kind, timestamp);
          });
          expect(gaps).toBeLessThanOrEqual(drops.length + pauses);
        }
        for (const { player } of run.viewers) player.leave();
        expect(run.stream.players).toBe(0);
        expect(run.stream.heldBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
