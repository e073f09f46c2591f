import { describe, expect, it } from 'vitest';

import { Segmenter, type SegmenterSettings } from './segmenter.ts';

const settings: SegmenterSettings = { fragmentMs: 4000, audioOverflowRatio: 2, waitKeyframe: true };

interface Cut {
  readonly at: number;
  readonly ms: number;
  readonly discontinuity: boolean;
}

/** Runs frames through a segmenter; a frame is `v` (video), `k` (keyframe) or `a` (audio) at a time. */
class Bench {
  readonly segmenter: Segmenter;
  readonly cuts: Cut[] = [];
  skipped = 0;

  constructor(changes: Partial<SegmenterSettings> = {}) {
    this.segmenter = new Segmenter({ ...settings, ...changes });
  }

  frame(kind: 'v' | 'k' | 'a', timestamp: number, sourceTimestamp = timestamp, full = false): void {
    const frame = { timestamp, sourceTimestamp, keyframe: kind === 'k' };
    const verdict = this.segmenter.judge(kind !== 'a', frame, full);
    if (verdict === 'skip') this.skipped += 1;
    if (verdict === 'cut') this.#note();
  }

  /** 25 frames a second, a keyframe every `gop` ms. */
  video(from: number, to: number, gop = 2000, shift = 0): void {
    for (let time = from; time < to; time += 40)
      this.frame(time % gop === 0 ? 'k' : 'v', time + shift, time + shift);
  }

  audio(from: number, to: number): void {
    for (let time = from; time < to; time += 40) this.frame('a', time);
  }

  end(): void {
    this.segmenter.close();
    this.#note();
  }

  /** Lengths of the segments so far, ms; `!` for a discontinuity. */
  lengths(): string[] {
    return this.cuts.map(({ ms, discontinuity }) => `${discontinuity ? '!' : ''}${ms}`);
  }

  #note(): void {
    const { closedStartMs, closedDurationMs, closedDiscontinuity } = this.segmenter;
    this.cuts.push({ at: closedStartMs, ms: closedDurationMs, discontinuity: closedDiscontinuity });
  }
}

describe('Segmenter', () => {
  it('L002 L005 cuts at the first keyframe after the fragment, and the last segment after its last frame', () => {
    const bench = new Bench();
    bench.video(0, 9000);
    bench.end();
    expect(bench.cuts).toEqual([
      { at: 0, ms: 4000, discontinuity: false },
      { at: 4000, ms: 4000, discontinuity: false },
      { at: 8000, ms: 1000, discontinuity: false },
    ]);
    expect(bench.segmenter.closedIndependent).toBe(true);
  });

  it('L005 without waiting for keyframes it cuts by time whatever comes', () => {
    const bench = new Bench({ waitKeyframe: false, fragmentMs: 1000 });
    bench.video(40, 2100);
    expect(bench.lengths()).toEqual(['1000', '1000']);
    bench.end();
    expect(bench.segmenter.closedIndependent).toBe(false);
    const audio = new Bench({ waitKeyframe: false, fragmentMs: 1000 });
    audio.audio(0, 2100);
    expect(audio.lengths()).toEqual(['1000', '1000']);
  });

  it('L004 pure audio is cut at the fragment times the ratio', () => {
    const bench = new Bench({ audioOverflowRatio: 1.5 });
    bench.audio(0, 13_000);
    expect(bench.lengths()).toEqual(['6000', '6000']);
  });

  it('L004 a GOP that is longer than that is cut, and the segment behind says that it depends', () => {
    const bench = new Bench();
    bench.video(0, 17_000, 60_000);
    expect(bench.lengths()).toEqual(['8000', '8000']);
    expect(bench.segmenter.closedIndependent).toBe(false);
  });

  it('L024 a stream that loses its video still gets segments, and keyframes again when it comes back', () => {
    const bench = new Bench();
    for (let time = 0; time < 30_000; time += 40) {
      if (time < 5000 || time >= 22_000) bench.frame(time % 2000 === 0 ? 'k' : 'v', time);
      bench.frame('a', time);
    }
    expect(bench.lengths()).toEqual(['4000', '8000', '8000', '4000', '4000']);
  });

  it('L024 a stream that loses its audio goes on', () => {
    const bench = new Bench();
    for (let time = 0; time < 12_100; time += 40) {
      bench.frame(time % 2000 === 0 ? 'k' : 'v', time);
      if (time < 3000) bench.frame('a', time);
    }
    expect(bench.lengths()).toEqual(['4000', '4000', '4000']);
  });

  it('skips pictures that nothing can be decoded from, but not for ever', () => {
    const bench = new Bench();
    bench.video(40, 2040);
    expect(bench.skipped).toBe(49);
    expect(bench.segmenter.sawVideo).toBe(true);
    const never = new Bench();
    never.video(40, 20_000, 60_000);
    expect(never.skipped).toBe(200);
    expect(never.lengths()).toEqual(['8000']);
  });

  it('cuts where a segment is full', () => {
    const bench = new Bench();
    bench.frame('k', 0);
    bench.frame('v', 40, 40, true);
    expect(bench.lengths()).toEqual(['40']);
  });

  it('L006 the length that it aims for can be changed', () => {
    const bench = new Bench();
    bench.segmenter.deviationMs = 1200;
    bench.video(0, 7000);
    expect(bench.lengths()).toEqual(['6000']);
  });

  it('a jump of the timeline, forwards or back, cuts at once with a discontinuity', () => {
    for (const shift of [-60_000, -1000, 60_000]) {
      const bench = new Bench();
      bench.video(100_000, 101_000);
      bench.video(101_000, 104_040, 2000, shift);
      expect(bench.lengths()).toEqual(['1000']);
      bench.end();
      expect(bench.lengths()).toEqual(['1000', '!3040']);
    }
  });

  it("a jump of the publisher's time under a smooth timeline is a discontinuity at the next keyframe", () => {
    const bench = new Bench();
    for (let time = 0; time < 4100; time += 40) {
      const source = time < 1000 ? time : time + 3_600_000;
      bench.frame(time % 2000 === 0 ? 'k' : 'v', time, source);
      bench.frame('a', time + 10, source + 10);
    }
    bench.end();
    expect(bench.lengths()).toEqual(['2000', '!2130']);
  });

  it('a jump of pure audio is a discontinuity at once', () => {
    const bench = new Bench();
    for (let time = 0; time < 2000; time += 40) bench.frame('a', time, time < 1000 ? time : time + 9_000_000);
    bench.end();
    expect(bench.lengths()).toEqual(['1000', '!1000']);
  });

  it.each([1000, 3000, 9000])('1 frame in %d ms lasts so long, at the end as well', (step) => {
    const bench = new Bench();
    for (let time = 0; time < 24 * step; time += step) bench.frame((time / step) % 2 === 0 ? 'k' : 'v', time);
    bench.end();
    const lengths = bench.cuts.map(({ ms }) => ms);
    expect(lengths.reduce((sum, ms) => sum + ms, 0)).toBe(24 * step);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(Math.max(4000, 2 * step));
    expect(bench.cuts.some(({ discontinuity }) => discontinuity)).toBe(false);
  });

  it.each([-10_000, -1500, 1500, 10_000])(
    'tracks that are %d ms apart on the wire are cut at keyframes',
    (apart) => {
      const bench = new Bench();
      for (let time = 20_000; time < 40_000; time += 40) {
        bench.frame(time % 2000 === 0 ? 'k' : 'v', time);
        bench.frame('a', time + 20 + apart);
      }
      bench.end();
      expect(bench.cuts.map(({ at }) => at)).toEqual([20_000, 24_000, 28_000, 32_000, 36_000]);
      for (const { ms, discontinuity } of bench.cuts) {
        expect(ms).toBeGreaterThanOrEqual(4000);
        expect(ms).toBeLessThanOrEqual(4500);
        expect(discontinuity).toBe(false);
      }
    },
  );

  it('a discontinuity can be asked for, for the open segment and for the next', () => {
    const bench = new Bench();
    bench.segmenter.markDiscontinuity();
    bench.video(0, 4040);
    bench.segmenter.markDiscontinuity();
    bench.end();
    expect(bench.lengths()).toEqual(['!4000', '!40']);
    bench.segmenter.close();
    expect(bench.segmenter.open).toBe(false);
  });
});
