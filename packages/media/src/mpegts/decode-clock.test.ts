import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { TS_MAX_DECODE_LEAD_MS, TsDecodeClock } from './decode-clock.ts';
import { ticksOfMs } from './timestamp.ts';

function run(pictures: readonly (readonly [dts: number, composition: number])[]): number[] {
  const clock = new TsDecodeClock();
  return pictures.map(([dts, composition]) => clock.next(dts, dts + composition));
}

describe('TsDecodeClock', () => {
  it('leaves times alone where no picture is shown before it is decoded', () => {
    expect(
      run([
        [0, 0],
        [40, 120],
        [80, 0],
        [80, 0],
        [60, 0],
        [120, 40],
      ]),
    ).toEqual([0, 40, 80, 80, 60, 120]);
  });

  it('puts decoding times earlier by the largest offset, and never below zero', () => {
    const pictures = [
      [10, -40],
      [50, 40],
      [90, -40],
      [130, -80],
      [170, -80],
      [210, -80],
    ] as const;
    const out = run(pictures).map((time) => Math.round(time * 1000) / 1000);
    expect(out).toEqual([0, 10, 50, 50.011, 90, 130]);
  });

  it('takes an offset that no decoder needs for a fault of one picture', () => {
    expect(
      run([
        [0, 0],
        [40, -TS_MAX_DECODE_LEAD_MS - 1],
        [80, 0],
        [120, -8_000_000],
      ]),
    ).toEqual([0, 40, 80, 120]);
  });

  it('decoding times are distinct and in order, and no picture is shown before, once the lead is known', () => {
    const offsets = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(offsets, fc.integer({ min: 20, max: 2000 }), (compositions, step) => {
        const clock = new TsDecodeClock();
        // A GOP in which the lead is learnt, and the same again.
        const length = compositions.length;
        const all = [...compositions, ...compositions, ...compositions];
        let last = -1;
        for (const [index, composition] of all.entries()) {
          const dts = 2000 + index * step;
          const output = ticksOfMs(clock.next(dts, dts + composition));
          expect(output).toBeGreaterThan(last);
          if (index >= 2 * length && length * step > 1000) {
            expect(output).toBeLessThanOrEqual(ticksOfMs(dts + composition));
          }
          last = output;
        }
      }),
    );
  });
});
