import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { JUMP_STEP_MS, MAX_GAP_MS, MAX_HOLD_MS, MAX_OWN_START_MS, MAX_SKEW_MS } from './limits.ts';
import { noArrival, Timeline } from './timeline.ts';

const HOUR = 3_600_000;
const VIDEO_STEP = 40;
const AUDIO_STEP = 23;

/** A frame on the wire. */
interface Arrival {
  readonly video: boolean;
  /** The publisher's timestamp, ms. */
  readonly input: number;
  /** When it arrives, ms. */
  readonly at: number;
}

/** Where a frame comes out, beside what it was. */
interface Outcome extends Arrival {
  readonly output: number;
}

/** A track: a frame each `step` ms, of the times from `from` until `to`, each of which arrives `late` ms after its time. */
function track(
  video: boolean,
  from: number,
  to: number,
  { step = video ? VIDEO_STEP : AUDIO_STEP, late = 0 } = {},
) {
  const frames: Arrival[] = [];
  for (let input = from; input < to; input += step) frames.push({ video, input, at: input + late });
  return frames;
}

/** Feeds frames in the order of their arrival. */
function feed(frames: readonly Arrival[], moves: number[] = []): Outcome[] {
  let now = 0;
  const timeline = new Timeline({ now: () => now, onCorrection: (byMs) => moves.push(byMs) });
  return frames
    .toSorted((a, b) => a.at - b.at)
    .map((frame) => {
      now = frame.at;
      return { ...frame, output: timeline.correct(frame.video, frame.input) };
    });
}

/** Feeds times of one track in one moment and returns what comes out. */
function run(timeline: Timeline, video: boolean, times: readonly number[]): number[] {
  return times.map((time) => timeline.correct(video, time));
}

/** The steps of a track's output. */
function steps(outcomes: readonly Outcome[], video: boolean): number[] {
  const times = outcomes.filter((one) => one.video === video).map(({ output }) => output);
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

function moved(frames: readonly Arrival[], by: number): Arrival[] {
  return frames.map((frame) => ({ ...frame, input: frame.input + by }));
}

describe('P016 times that are right are kept', () => {
  const cases: Record<string, Arrival[]> = {
    '1 frame a second, no sound': track(true, 0, 60_000, { step: 1000 }),
    '1 frame in 3 s, no sound': track(true, 0, 60_000, { step: 3000 }),
    '1 frame in 30 s, no sound': track(true, 0, 300_000, { step: 30_000 }),
    '1 frame in 3 s with sound': [...track(true, 0, 60_000, { step: 3000 }), ...track(false, 0, 60_000)],
    '3 s without picture': [
      ...track(true, 0, 5000),
      ...track(true, 8000, 12_000),
      ...track(false, 0, 12_000),
    ],
    '3 s without sound': [...track(false, 0, 5000), ...track(false, 8000, 12_000), ...track(true, 0, 12_000)],
    '3 s without both': [true, false].flatMap((video) => [
      ...track(video, 0, 5000),
      ...track(video, 8000, 9000),
    ]),
    '3 s of a lone picture are lost': [...track(true, 0, 5000), ...track(true, 8000, 12_000)],
    'a minute of silence, then on by the same clock': [true, false].flatMap((video) => [
      ...track(video, 0, 5000),
      ...track(video, 65_000, 70_000),
    ]),
    'a minute of a lone track': [...track(true, 0, 5000), ...track(true, 65_000, 70_000)],
    'a minute without sound, then on by the same clock': [
      ...track(false, 0, 5000),
      ...track(false, 65_000, 70_000),
      ...track(true, 0, 70_000),
    ],
    'hours at a clock that is 0.5 % too fast, and a minute of silence': [
      ...track(true, 0, 4 * HOUR, { step: 500 }),
      ...track(true, 4 * HOUR + 60_000, 4 * HOUR + 70_000, { step: 500 }),
    ].map((frame) => ({ ...frame, at: frame.at * 0.995 })),
    'a stall of the network for 20 s, and what has gathered in one burst': [true, false].flatMap((video) => [
      ...track(video, 0, 5000),
      ...track(video, 5000, 25_000, {}).map((frame) => ({ ...frame, at: 25_000 })),
      ...track(video, 25_000, 30_000),
    ]),
  };
  for (const skew of [1500, 10_000]) {
    const others = [...track(false, 0, 30_000), ...track(true, 0, 30_000, { late: skew })];
    cases[`sound ${skew} ms ahead on the wire`] = others;
    cases[`sound ${skew} ms behind on the wire`] = others.map(({ video, ...frame }) => ({
      ...frame,
      video: !video,
    }));
  }

  it.each(Object.entries(cases))('%s', (_, frames) => {
    const moves: number[] = [];
    expect(feed(moved(frames, 7_000_000), moves).filter((o) => o.output !== o.input - 7_000_000)).toEqual([]);
    expect(moves).toEqual([]);
  });

  it.each(Object.entries(cases).filter(([name]) => !/30 s|minute/.test(name)))(
    'faster than in real time: %s',
    (_, frames) => {
      const sorted = frames.toSorted((a, b) => a.at - b.at);
      const outcomes = feed(sorted.map((frame, at) => ({ ...frame, at: at / 100 })));
      expect(outcomes.filter(({ input, output }) => output !== input)).toEqual([]);
    },
  );

  it.each([2 ** 31, 2 ** 32])('a wrap at %d', (wrap) => {
    const frames = [...track(true, 0, 4000), ...track(false, 0, 4000, { late: 300 })];
    const begin = wrap - 2000;
    const wire = frames.map((frame) => ({ ...frame, input: (begin + frame.input) % wrap }));
    for (const { at, video, output } of feed(wire)) expect(output).toBe(video ? at : at - 300);
  });

  it('frames out of order by up to half a second take their place again', () => {
    expect(run(new Timeline(), true, [1000, 1040, 1020, 1060, 1160, 700, 1200])).toEqual([
      0, 40, 40, 60, 160, 160, 200,
    ]);
  });

  it('a stream with right times comes out unchanged, in any interleaving within the limits', () => {
    const steady = fc.integer({ min: 1, max: 500 });
    const step = fc.oneof({ weight: 20, arbitrary: steady }, fc.integer({ min: 1, max: MAX_GAP_MS }));
    const times = fc.array(step, { minLength: 1, maxLength: 80 });
    const lag = fc.integer({ min: -(MAX_SKEW_MS - MAX_GAP_MS), max: MAX_SKEW_MS - MAX_GAP_MS });
    // How fast it arrives: 1 is real time, more is a file that is pushed.
    const pace = fc.constantFrom(1, 1.02, 4, 1000);
    const base = fc.oneof(fc.integer({ min: MAX_OWN_START_MS, max: 2 ** 33 }), fc.constant(2 ** 31 - 20_000));
    fc.assert(
      fc.property(times, times, lag, pace, base, (videoSteps, audioSteps, late, speed, start) => {
        const grown = (list: readonly number[], video: boolean): Arrival[] => {
          let input = start;
          const frames = [{ video, input, at: 0 }];
          for (const by of list) frames.push({ video, input: (input += by), at: 0 });
          const delay = video === late > 0 ? Math.abs(late) : 0;
          return frames.map((frame) => ({ ...frame, at: (frame.input - start + delay) / speed }));
        };
        const frames = [...grown(videoSteps, true), ...grown(audioSteps, false)];
        expect(feed(frames).filter(({ input, output }) => output !== input - start)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('P016 clocks that are wrong are corrected', () => {
  it('starts at 0 wherever the publisher starts', () => {
    expect(run(new Timeline(), true, [5000, 5040, 5080])).toEqual([0, 40, 80]);
  });

  it.each([
    ['steps back by a second', [1000, 1040, 40, 80], [0, 40, 80, 120]],
    ['jumps forward by hours', [0, 40, 7_200_040, 7_200_080], [0, 40, 80, 120]],
    ['jumps back by hours', [7_200_000, 7_200_040, 0, 40], [0, 40, 80, 120]],
    ['takes the largest gap as it is', [0, MAX_GAP_MS, MAX_GAP_MS * 2], [0, MAX_GAP_MS, MAX_GAP_MS * 2]],
    ['smooths the least jump', [0, MAX_GAP_MS + 1, MAX_GAP_MS + 41], [0, JUMP_STEP_MS, 80]],
    ['repeats', [100, 100, 100], [0, 0, 0]],
    ['has one frame of the far future', [0, 40, 9_000_000, 120, 160], [0, 40, 80, 120, 160]],
    ['has one frame of the far past', [9_000_000, 9_000_040, 5, 9_000_120], [0, 40, 80, 120]],
    ['has one frame of 2 s before', [5000, 5040, 3000, 5120, 5160], [0, 40, 80, 120, 160]],
    ['is of two clocks in turn', [0, 9e6, 40, 9e6 + 40, 80, 9e6 + 80], [0, 40, 40, 80, 80, 120]],
  ])('one track that %s', (_, input, output) => {
    expect(run(new Timeline(), true, input)).toEqual(output);
  });

  it('keeps audio and video in step from the first frame, also when audio begins a little before', () => {
    const timeline = new Timeline();
    expect(timeline.correct(true, 1000)).toBe(0);
    expect(timeline.correct(false, 985)).toBe(0);
    expect(timeline.correct(false, 1008)).toBe(8);
    expect(timeline.correct(true, 1040)).toBe(40);
  });

  it('a publisher that begins a little behind 0 has a track that begins there', () => {
    const timeline = new Timeline();
    expect(run(timeline, true, [23, 63])).toEqual([23, 63]);
    expect(run(timeline, false, [0, 23])).toEqual([0, 23]);
  });

  it('a second track with a clock of its own begins where the first one is', () => {
    const timeline = new Timeline();
    expect(run(timeline, true, [500_000, 500_040])).toEqual([0, 40]);
    expect(run(timeline, false, [0, 23])).toEqual([40, 63]);
    expect(run(timeline, true, [500_080])).toEqual([80]);
  });

  it.each([
    ['forward by hours', 7_200_000, 0],
    ['back by hours', -7_200_000, 0],
    ['forward by 11 s', 11_000, 0],
    ['back by 3 s', -3000, 0],
    ['forward by hours, sound 1.5 s behind on the wire', 7_200_000, 1500],
    ['back by hours, sound 1.5 s behind on the wire', -7_200_000, 1500],
    ['forward by hours, sound 10 s behind on the wire', 7_200_000, 10_000],
    ['back by hours, sound 10 s behind on the wire', -7_200_000, 10_000],
  ])('both clocks jump %s: audio and video stay in step, and no time is lost', (_, jump, late) => {
    const base = 10_000_000;
    const frames = [...track(true, base, base + 40_000), ...track(false, base, base + 40_000, { late })];
    const wire = frames.map((frame) => ({
      ...frame,
      input: frame.input + (frame.input >= base + 20_000 ? jump : 0),
    }));
    const moves: number[] = [];
    for (const { at, video, output } of feed(wire, moves)) {
      const right = at - base - (video ? 0 : late);
      expect(Math.abs(output - right)).toBeLessThanOrEqual(2 * VIDEO_STEP);
    }
    // The clock of each track.
    expect(moves).toHaveLength(2);
    expect(moves[0]).toBe(moves[1]);
    expect(Math.abs((moves[0] ?? 0) + jump)).toBeLessThanOrEqual(2 * VIDEO_STEP);
  });

  it.each([
    ['an hour after the start', HOUR],
    ['30 s after the start', 30_000],
    ['5 s after the start', 5000],
  ])("one track's clock begins again at 0 %s: the other one doesn't move", (_, after) => {
    const audio = [...track(false, 0, after), ...track(false, after, after + 20_000).map(restarted)];
    function restarted(frame: Arrival): Arrival {
      return { ...frame, input: frame.input - after };
    }
    for (const { at, video, output } of feed([...track(true, 0, after + 20_000), ...audio])) {
      if (video) expect(output).toBe(at);
      // A track that may be late is held for a moment.
      else expect(Math.abs(output - at)).toBeLessThanOrEqual(MAX_HOLD_MS + 2 * VIDEO_STEP);
    }
  });

  it('a track that was silent and begins again at 0 is placed beside the other one', () => {
    const audio = track(false, 0, 5000).map((frame) => ({ ...frame, at: frame.at + 60_000 }));
    const frames = [...track(false, 0, 20_000), ...track(true, 0, 65_000), ...audio];
    for (const { at, output } of feed(frames))
      expect(Math.abs(output - at)).toBeLessThanOrEqual(2 * VIDEO_STEP);
  });

  it.each([
    ['a lone track', false],
    ['audio and video', true],
  ])('a GOP that is sent again, of %s: time goes on', (_, sound) => {
    const frames = [true, ...(sound ? [false] : [])].flatMap((video) => [
      ...track(video, 0, 6000),
      ...track(video, 4000, 6000).map((frame) => ({ ...frame, at: 6000 })),
      ...track(video, 6000, 10_000),
    ]);
    const outcomes = feed(frames);
    for (const video of [true, false]) {
      for (const step of steps(outcomes, video)) {
        expect(step).toBeGreaterThanOrEqual(0);
        expect(step).toBeLessThanOrEqual(500);
      }
    }
    const offsets = new Set(
      outcomes.filter(({ input, at }) => at > 7000 && input > 7000).map((o) => o.output - o.input),
    );
    expect(offsets.size).toBe(1);
  });

  it('a GOP of the video alone that is sent again in a burst moves neither track', () => {
    const again = track(true, 4000, 6000).map((frame) => ({ ...frame, at: 6000 }));
    const outcomes = feed([...track(true, 0, 10_000), ...track(false, 0, 10_000), ...again]);
    for (const { input, output, at } of outcomes) if (at !== 6000) expect(output).toBe(input);
  });

  it('times that are all 0 become those of arrival after a moment', () => {
    const frames = [...track(true, 0, 20_000), ...track(false, 0, 20_000)];
    const outcomes = feed(frames.map((frame) => ({ ...frame, input: 0 })));
    for (const { at, output } of outcomes) {
      if (at > 1100) expect(Math.abs(output - at)).toBeLessThanOrEqual(VIDEO_STEP);
      else expect(output).toBeLessThanOrEqual(at);
    }
  });

  it('microseconds by mistake become times of arrival', () => {
    const frames = [...track(true, 0, 20_000), ...track(false, 0, 20_000)];
    const outcomes = feed(frames.map((frame) => ({ ...frame, input: frame.input * 1000 })));
    const last = outcomes.at(-1);
    expect(last?.output).toBeGreaterThan(19_000);
    expect(last?.output).toBeLessThan(20_000 + MAX_GAP_MS);
    for (const video of [true, false]) {
      for (const step of steps(outcomes, video).slice(5)) expect(step).toBeLessThanOrEqual(100);
    }
  });

  it('a clock that goes round in half a second never stops the time for long', () => {
    const frames = track(true, 0, 60_000).map((frame) => ({ ...frame, input: frame.input % 480 }));
    expect(feed(frames).at(-1)?.output).toBeGreaterThan(5000);
  });
});

describe('Timeline', () => {
  it('goes on behind the last publisher, whatever the time of the next', () => {
    const timeline = new Timeline();
    run(timeline, true, [0, 40, 80]);
    timeline.restart();
    expect(run(timeline, true, [900_000, 900_040])).toEqual([120, 160]);
    expect(timeline.correct(false, 900_050)).toBe(170);
  });

  it('gives frames without a time of their own the time of their track', () => {
    const timeline = new Timeline();
    expect(timeline.latestOf(true)).toBe(0);
    run(timeline, true, [0, 40]);
    run(timeline, false, [0, 60]);
    expect(timeline.latest).toBe(60);
    expect(timeline.latestOf(true)).toBe(40);
    timeline.restart();
    expect(timeline.latestOf(true)).toBe(60);
  });

  it('knows how far a track is behind on the wire, and that a silent one is not', () => {
    let now = 0;
    const timeline = new Timeline({ now: () => now });
    const all = [...track(true, 0, 20_000), ...track(false, 0, 10_000, { late: 1500 })];
    for (const { video, input, at } of all.toSorted((a, b) => a.at - b.at)) {
      now = at;
      timeline.correct(video, input);
      if (at === 10_000) expect(timeline.lagBehind(true)).toBeCloseTo(1500, -2);
      if (at === 10_000) expect(timeline.lagBehind(false)).toBe(0);
      if (at === 10_000) expect(timeline.earliestToCome).toBeLessThan(8600);
    }
    expect(timeline.lagBehind(true)).toBeLessThan(1600);
    const near = new Timeline({ now: () => now });
    expect(near.earliestToCome).toBe(Infinity);
    near.correct(true, 5000);
    near.correct(false, 4960);
    expect(near.earliestToCome).toBe(Infinity);
  });

  it('without arrival, a step back is the beginning of another file', () => {
    const timeline = new Timeline({ now: noArrival, floor: -Infinity });
    expect(timeline.correct(true, 30)).toBe(0);
    expect(timeline.correct(false, 10)).toBe(-20);
    expect(timeline.correct(false, 1900)).toBe(1870);
    expect(run(timeline, true, [2000, 30, 70])).toEqual([1970, 2010, 2050]);
    expect(run(timeline, false, [10, 33])).toEqual([1990, 2013]);
  });

  it('P016 never steps back on a track, whatever comes, and never runs far ahead of what it was given', () => {
    const time = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.integer({ min: 0, max: 60_000 }),
      fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 0xffffff),
    );
    const frame = fc.tuple(fc.boolean(), time, fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 200 }), (frames) => {
        let now = 0;
        const timeline = new Timeline({ now: () => now });
        const last = new Map<boolean, number>();
        for (const [video, input, wait] of frames) {
          now += wait;
          const output = timeline.correct(video, input);
          expect(Number.isSafeInteger(output)).toBe(true);
          expect(output).toBeGreaterThanOrEqual(last.get(video) ?? 0);
          expect(output).toBeLessThanOrEqual(timeline.latest);
          last.set(video, output);
        }
        expect(timeline.latest).toBeLessThanOrEqual(now + frames.length * MAX_SKEW_MS);
      }),
      { numRuns: 500 },
    );
  });
});
