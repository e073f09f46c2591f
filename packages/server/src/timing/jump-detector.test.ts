import { describe, expect, it } from 'vitest';

import { JumpDetector } from './jump-detector.ts';

describe('JumpDetector', () => {
  function jumps(frames: readonly (readonly [isVideo: boolean, time: number])[]): number {
    const detector = new JumpDetector();
    return frames.filter(([isVideo, time]) => detector.jumps(isVideo, time)).length;
  }

  it('takes both tracks going to another time for one jump, stragglers included', () => {
    expect(
      jumps([
        [true, 100_000],
        [false, 100_010],
        [true, 5000],
        [false, 100_050],
        [true, 5040],
        [false, 5020],
        [false, 5060],
      ]),
    ).toBe(1);
  });

  it('takes tracks that are 10 s apart and both go to another time for one jump', () => {
    const frames: (readonly [boolean, number])[] = [];
    for (let time = 0; time < 40_000; time += 1000) {
      const [video, audio] = [time - 10_000, time].map((one) => (one < 20_000 ? one : one + 7_000_000));
      frames.push([false, audio ?? 0]);
      if (video !== undefined && video >= 0) frames.push([true, video]);
    }
    expect(jumps(frames)).toBe(1);
  });

  it('a track that pauses while the other goes on, and tracks with other zeros, are none', () => {
    const paused: (readonly [boolean, number])[] = [[true, 0]];
    for (let time = 0; time < 60_000; time += 500) paused.push([false, time]);
    expect(jumps([...paused, [true, 60_000]])).toBe(0);
    expect(
      jumps([
        [true, 0],
        [false, 90_000_000],
        [true, 40],
        [false, 90_000_040],
      ]),
    ).toBe(0);
  });

  it('a pause of both is a jump when it is long; small steps back are none', () => {
    expect(
      jumps([
        [true, 0],
        [true, 10_000],
      ]),
    ).toBe(0);
    expect(
      jumps([
        [true, 0],
        [true, 10_001],
      ]),
    ).toBe(1);
    expect(
      jumps([
        [true, 1000],
        [true, 500],
      ]),
    ).toBe(0);
  });

  it('time that wraps at 32 bits goes on', () => {
    expect(
      jumps([
        [true, 2 ** 32 - 20],
        [true, 20],
      ]),
    ).toBe(0);
  });
});
