import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FrameKind } from './frame.ts';
import { JUMP_STEP_MS, MAX_STEP_MS, Timeline } from './timeline.ts';

const { audio, video } = FrameKind;

/** Feeds times of one track and returns what comes out. */
function run(timeline: Timeline, kind: FrameKind, times: readonly number[]): number[] {
  return times.map((time) => timeline.correct(kind, time));
}

describe('Timeline', () => {
  it('P016 full starts at 0 wherever the publisher starts', () => {
    expect(run(new Timeline(), video, [5000, 5040, 5080])).toEqual([0, 40, 80]);
  });

  it.each([
    ['steps back', [1000, 1040, 1020, 1060], [0, 40, 80, 120]],
    ['jumps forward by hours', [0, 40, 7_200_040, 7_200_080], [0, 40, 80, 120]],
    ['jumps back by hours', [7_200_000, 7_200_040, 0, 40], [0, 40, 80, 120]],
    ['wraps at 2^31', [2 ** 31 - 40, 0, 40], [0, 40, 80]],
    ['wraps at 2^32', [2 ** 32 - 40, 0, 40], [0, 40, 80]],
    ['takes the largest step as it is', [0, MAX_STEP_MS, MAX_STEP_MS * 2], [0, 500, 1000]],
    ['smooths the least jump', [0, MAX_STEP_MS + 1, MAX_STEP_MS + 41], [0, JUMP_STEP_MS, 80]],
    ['repeats', [100, 100, 100], [0, 0, 0]],
    ['is a slide show alone', [0, 1000, 2000], [0, 40, 80]],
  ])('P016 full: one track that %s', (_, input, output) => {
    expect(run(new Timeline(), video, input)).toEqual(output);
  });

  it('P016 keeps audio and video in step from the first frame, also when audio begins a little before', () => {
    const timeline = new Timeline();
    expect(timeline.correct(video, 1000)).toBe(0);
    expect(timeline.correct(audio, 985)).toBe(0);
    expect(timeline.correct(audio, 1008)).toBe(8);
    expect(timeline.correct(video, 1040)).toBe(40);
  });

  it.each([
    ['forward by hours', 7_200_000],
    ['back by hours', -7_200_000],
  ])('P016 keeps audio and video in step through a jump %s', (_, jump) => {
    const moves: number[] = [];
    const timeline = new Timeline((byMs) => moves.push(byMs));
    const start = 10_000_000;
    const feed = (base: number): Record<string, number> => ({
      video: timeline.correct(video, base) - base,
      audio: timeline.correct(audio, base + 12) - base - 12,
    });
    expect(feed(start)).toEqual({ video: -start, audio: -start });
    expect(feed(start + 40)).toEqual({ video: -start, audio: -start });
    const after = feed(start + 80 + jump);
    expect(after['audio']).toBe(after['video']);
    expect(timeline.latest).toBe(52 + JUMP_STEP_MS + 12);
    // The video's clock, and then the audio's.
    const moved = 52 + JUMP_STEP_MS - 80 - jump;
    expect(moves).toEqual([moved, moved]);
    expect(feed(start + 120 + jump)).toEqual(after);
  });

  it('P016 does not squeeze a slide show that has sound', () => {
    const moves: number[] = [];
    const timeline = new Timeline((byMs) => moves.push(byMs));
    for (let time = 0; time <= 10_000; time += 20) {
      expect(timeline.correct(audio, time)).toBe(time);
      if (time % 2000 === 0) expect(timeline.correct(video, time)).toBe(time);
    }
    expect(moves).toEqual([]);
  });

  it('goes on behind the last publisher, whatever the time of the next', () => {
    const timeline = new Timeline();
    run(timeline, video, [0, 40, 80]);
    timeline.restart();
    expect(run(timeline, video, [900_000, 900_040])).toEqual([120, 160]);
    expect(timeline.correct(audio, 900_050)).toBe(170);
  });

  it('gives frames without a time of their own the time of their track', () => {
    const timeline = new Timeline();
    expect(timeline.latestOf(video)).toBe(0);
    run(timeline, video, [0, 40]);
    run(timeline, audio, [0, 60]);
    expect(timeline.latest).toBe(60);
    expect(timeline.latestOf(video)).toBe(40);
    timeline.restart();
    expect(timeline.latestOf(video)).toBe(60);
  });

  it('P016 never steps back on a track, whatever comes', () => {
    const time = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 0xffffff),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(audio, video), time), { maxLength: 200 }), (frames) => {
        const timeline = new Timeline();
        const last = new Map<FrameKind, number>();
        for (const [kind, input] of frames) {
          const output = timeline.correct(kind, input);
          expect(output).toBeGreaterThanOrEqual(last.get(kind) ?? 0);
          expect(output - timeline.latest).toBeLessThanOrEqual(0);
          last.set(kind, output);
        }
        expect(timeline.latest).toBeLessThanOrEqual(frames.length * MAX_STEP_MS);
      }),
    );
  });
});
