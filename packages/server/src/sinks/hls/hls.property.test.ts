import type { MediaPlaylist } from '@sluice/media/m3u8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { packetOf } from '../../live/packet-test-kit.ts';
import { readTs } from '../../remux/ts-test-kit.ts';
import { DiskError } from '../disk/index.ts';
import { aacHeader, avcHeader, HlsRun } from './test-kit.ts';

/** What a client may rely on while it reads a live playlist again and again (RFC 8216 clause 6.2.2). */
class Client {
  readonly #sequences = new Map<string, number>();
  readonly #discontinuities = new Map<number, number>();
  #mediaSequence = 0;
  #targetDuration = 0;

  read(playlist: MediaPlaylist): void {
    const { mediaSequence, targetDuration, segments } = playlist;
    expect(mediaSequence).toBeGreaterThanOrEqual(this.#mediaSequence);
    expect(targetDuration).toBeGreaterThanOrEqual(this.#targetDuration);
    this.#mediaSequence = mediaSequence;
    this.#targetDuration = targetDuration;
    let discontinuity = playlist.discontinuitySequence ?? 0;
    for (const [index, segment] of segments.entries()) {
      expect(Math.round(segment.duration)).toBeLessThanOrEqual(targetDuration);
      expect(segment.duration).toBeGreaterThanOrEqual(0.1);
      const sequence = mediaSequence + index;
      expect(this.#sequences.get(segment.uri) ?? sequence).toBe(sequence);
      this.#sequences.set(segment.uri, sequence);
      if (segment.discontinuity === true) discontinuity += 1;
      expect(this.#discontinuities.get(sequence) ?? discontinuity).toBe(discontinuity);
      this.#discontinuities.set(sequence, discontinuity);
    }
  }
}

type Action =
  | { readonly frames: number; readonly step: number; readonly kind: 'v' | 'a'; readonly jump: number }
  | 'header'
  | 'republish'
  | 'sweep'
  | 'disk fails'
  | 'disk works';

const frames = fc.record({
  frames: fc.integer({ min: 1, max: 40 }),
  step: fc.constantFrom(0, 23, 40, 400, 900),
  kind: fc.constantFrom('v' as const, 'a' as const),
  jump: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) },
  ),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: frames },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Action>('header', 'republish', 'sweep', 'disk fails', 'disk works'),
  },
);

describe('HLS, whatever is published', () => {
  it.each([true, false])(
    'playlists keep their promises, in memory and on disk (waits for keyframes: %s)',
    async (waitKeyframe) => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
          const run = new HlsRun({ waitKeyframe, windowMs: 8_000 });
          const inMemory = new Client();
          const onDisk = new Client();
          let publisher = await run.publish();
          let time = 200_000;
          let headers = 0;
          const header = (): void => {
            const body = avcHeader().slice();
            body[8] = headers % 40;
            headers += 1;
            publisher.packet(packetOf('video', Math.max(0, time), body));
            publisher.packet(packetOf('audio', Math.max(0, time), aacHeader()));
          };
          header();
          for (const next of actions) {
            if (next === 'header') header();
            else if (next === 'sweep') run.sinks.sweep();
            else if (next === 'disk fails') run.disk.failing = (path) => new DiskError('full', path, 'full');
            else if (next === 'disk works') run.disk.failing = () => undefined;
            else if (next === 'republish') {
              publisher.end();
              publisher = await run.publish();
              header();
            } else {
              time = Math.max(0, time + next.jump);
              for (let index = 0; index < next.frames; index += 1, time += next.step) {
                if (next.kind === 'v') publisher.video(time, index % 10 === 0);
                else publisher.audio(time);
              }
            }
            await run.settle();
            const item = run.item();
            if (item?.kind === 'playlist') {
              inMemory.read(run.playlist());
              for (const uri of run.uris()) {
                const segment = run.item(`live/${uri.replace('!', '')}`);
                if (segment?.kind === 'segment') readTs(segment.bytes);
              }
            }
            if (run.disk.text('live/livestream.m3u8') !== '') onDisk.read(run.onDisk());
          }
          publisher.end();
          await run.sinks.close();
          expect(run.item()).toBeUndefined();
        }),
        { numRuns: 40 },
      );
    },
  );
});
