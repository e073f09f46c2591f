import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { LEFTOVER_QUIET_MS } from './limits.ts';
import { brief, dvr, factsOf, FakeDisk, settle, tagsOf, vhostWith } from './test-kit.ts';

const WORK = './rec/live/cam.1795262400000.flv.tmp';
const NAME = './rec/live/cam.1795262400000.flv';

/** What a recording of some seconds has on the disk before it is finished. */
async function unfinished(): Promise<Uint8Array> {
  const whole = dvr();
  const stream = whole.publish();
  stream.start();
  for (let at = 0; at < 4; at += 1) {
    stream.play(at * 1_000, 1_000);
    await settle();
    whole.sinks.tick();
    await settle();
  }
  const bytes = whole.disk.bytes(whole.disk.names()[0] ?? '').slice();
  await whole.sinks.close();
  return bytes;
}

/** A server that starts and finds this. */
async function restart(bytes: Uint8Array, name = WORK, vhost = vhostWith()) {
  const disk = new FakeDisk();
  disk.put(name, bytes);
  const whole = dvr({ disk, vhost });
  whole.sinks.start();
  await settle();
  await whole.sinks.close();
  return { ...whole, disk };
}

describe('what a crash left', () => {
  it('is mended at start: whole tags, metadata, name, and told of', async () => {
    const bytes = await unfinished();
    const { disk, finished, lines } = await restart(bytes);
    expect(disk.names()).toEqual([NAME]);
    const mended = disk.bytes(NAME);
    expect(factsOf(mended)).toMatchObject({ duration: 3.98, fileSize: mended.length, times: [0, 1, 2, 3] });
    expect(factsOf(mended).metadata.get('width')).toBe(320);
    expect(finished).toEqual([
      {
        stream: { vhost: '__defaultVhost__', app: 'live', stream: 'cam' },
        file: NAME,
        cwd: process.cwd(),
        durationMs: 3_980,
        bytes: mended.length,
      },
    ]);
    expect(lines.some((line) => line.includes(`mended ${NAME}, 4.0 s`))).toBe(true);
  });

  it('plays wherever it was cut, and whatever follows the cut', async () => {
    const bytes = await unfinished();
    const all = brief(tagsOf(bytes));
    const rubbish = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(3_000)));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), rubbish, async (cut, tail) => {
        const { disk } = await restart(Buffer.concat([bytes.subarray(0, cut), tail]));
        const [name] = disk.names();
        if (name === undefined || name === WORK) {
          // Nothing but a head, or no head.
          expect(cut).toBeLessThan(40_000);
          return;
        }
        expect(name).toBe(NAME);
        const tags = brief(tagsOf(disk.bytes(name)));
        expect(tags).toEqual(all.slice(0, tags.length));
      }),
      { numRuns: 60 },
    );
  });

  it('bytes that were changed anywhere stop nothing', async () => {
    const bytes = await unfinished();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        const { disk } = await restart(changed);
        expect(disk.names().length).toBeLessThanOrEqual(1);
        expect(disk.opened).toBe(disk.closed);
      }),
      { numRuns: 60 },
    );
  });

  it('is removed when there is nothing to play in it, and left alone when it is something else', async () => {
    const bytes = await unfinished();
    for (const cut of [0, 5, 13, 100]) expect((await restart(bytes.slice(0, cut))).disk.names()).toEqual([]);
    const foreign = new TextEncoder().encode('somebody else’s temporary file, not an FLV');
    const { disk, lines } = await restart(foreign);
    expect(disk.bytes(WORK)).toEqual(foreign);
    expect(lines.some((line) => line.includes("can't be mended"))).toBe(true);
  });

  it('gets a number when its name is taken, and no other file is touched', async () => {
    const bytes = await unfinished();
    const disk = new FakeDisk();
    disk.put(WORK, bytes);
    disk.put(NAME, Uint8Array.of(1));
    disk.put('./rec/page.html.tmp', Uint8Array.of(2));
    disk.put('./elsewhere/x.flv.tmp', Uint8Array.of(3));
    const { sinks } = dvr({ disk });
    sinks.start();
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual([
      './elsewhere/x.flv.tmp',
      './rec/live/cam.1795262400000-1.flv',
      NAME,
      './rec/page.html.tmp',
    ]);
  });

  it('is mended by the publish that wants to go on with it, before it does', async () => {
    const bytes = await unfinished();
    const disk = new FakeDisk();
    disk.put('./rec/live/cam.flv.tmp', bytes);
    const { publish, sinks } = dvr({
      disk,
      vhost: vhostWith({ plan: 'append', path: './rec/[app]/[stream].flv' }),
    });
    const stream = publish();
    stream.start();
    stream.play(0, 1_000);
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual(['./rec/live/cam.flv']);
    expect(factsOf(disk.bytes('./rec/live/cam.flv')).duration).toBe(5);
  });

  it('is left alone while it is in use', async () => {
    const { publish, sinks, disk } = dvr();
    const stream = publish();
    stream.start();
    stream.play(0, 1_000);
    await settle();
    const [name = ''] = disk.names();
    sinks.start();
    await settle();
    expect(disk.names()).toEqual([name]);
    stream.play(1_000, 1_000);
    stream.end();
    await settle();
    await sinks.close();
    expect(factsOf(disk.bytes(disk.names()[0] ?? '')).duration).toBe(1.98);
  });
});

describe('what a crash left of a file that was written on', () => {
  const PATH = './rec/live/cam.flv';
  const MARK = `${PATH}.tmp`;
  const vhost = vhostWith({ plan: 'append', path: './rec/[app]/[stream].flv' });

  /** A finished publish of two seconds, and what the disk has of one that follows it. */
  async function interrupted() {
    const whole = dvr({ vhost });
    const stream = whole.publish();
    stream.start();
    stream.play(0, 2_000);
    await settle();
    stream.end();
    await settle();
    expect(whole.disk.names()).toEqual([PATH]);
    const before = whole.disk.bytes(PATH).slice();
    const next = whole.publish();
    next.start();
    for (let at = 0; at < 3; at += 1) {
      next.play(at * 1_000, 1_000);
      await settle();
      whole.sinks.tick();
      await settle();
    }
    expect(whole.disk.names()).toEqual([PATH, MARK]);
    const after = whole.disk.bytes(PATH).slice();
    await whole.sinks.close();
    expect(whole.disk.names()).toEqual([PATH]);
    return { before, after };
  }

  async function startWith(bytes: Uint8Array, mark = new Uint8Array(0)) {
    const disk = new FakeDisk();
    disk.put(PATH, bytes);
    disk.put(MARK, mark);
    const whole = dvr({ disk, vhost });
    whole.sinks.start();
    await settle();
    await whole.sinks.close();
    return { ...whole, disk };
  }

  it('V001 is put right at start, wherever it was cut: tags, duration, size and index', async () => {
    const { before, after } = await interrupted();
    const all = brief(tagsOf(after)).slice(1);
    expect(factsOf(after).duration).toBe(factsOf(before).duration);
    for (const cut of [after.length, after.length - 1, after.length - 3_000, before.length + 5]) {
      const { disk, finished, lines } = await startWith(after.slice(0, cut));
      expect(disk.names()).toEqual([PATH]);
      const mended = disk.bytes(PATH);
      const tags = tagsOf(mended);
      expect(brief(tags).slice(1)).toEqual(all.slice(0, tags.length - 1));
      const facts = factsOf(mended);
      expect(facts.fileSize).toBe(mended.length);
      expect(facts.duration).toBe((tags.at(-1)?.timestamp ?? 0) / 1000);
      for (const position of facts.positions) expect(mended[position + 11]).toBe(0x17);
      expect(lines.some((line) => line.includes(`mended ${PATH}`))).toBe(cut !== before.length);
      expect(finished).toMatchObject([{ file: PATH, bytes: mended.length, stream: { stream: 'cam' } }]);
      expect(disk.opened).toBe(disk.closed);
    }
  });

  it('V001 is left as it is, and not told of again, when it was whole', async () => {
    const { before } = await interrupted();
    const { disk, finished } = await startWith(before);
    expect(disk.names()).toEqual([PATH]);
    expect(disk.bytes(PATH)).toEqual(before);
    expect(finished).toEqual([]);
  });

  it('V001 is left alone while something else writes on it', async () => {
    const { after } = await interrupted();
    const disk = new FakeDisk();
    const { sinks, clock, lines } = dvr({ disk, vhost });
    disk.put(PATH, after.slice(0, -100), clock.now);
    disk.put(MARK, new Uint8Array(0), clock.now - 3_600_000);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      sinks.start();
      await settle();
      disk.put(PATH, after, clock.now);
      await vi.advanceTimersByTimeAsync(LEFTOVER_QUIET_MS);
      await settle();
    } finally {
      vi.useRealTimers();
    }
    expect(disk.bytes(PATH)).toEqual(after);
    expect(disk.names()).toEqual([PATH, MARK]);
    expect(lines.some((line) => line.includes(`${PATH} is left alone`))).toBe(true);
    await sinks.close();
  });

  it('V001 a disk that fails for it: put right as soon as the disk works again', async () => {
    const { disk, sinks, clock, publish } = dvr({ vhost });
    for (let count = 0; count < 2; count += 1) {
      const stream = publish();
      stream.start();
      stream.play(0, 2_000);
      await settle();
      if (count === 1) {
        sinks.tick();
        await settle();
        disk.failure = 'full';
        stream.play(2_000, 1_000);
      }
      stream.end();
      await settle();
    }
    expect(disk.names()).toEqual([PATH, MARK]);
    disk.failure = undefined;
    clock.now += 60_000;
    await sinks.close();
    expect(disk.names()).toEqual([PATH]);
    const bytes = disk.bytes(PATH);
    expect(factsOf(bytes)).toMatchObject({ duration: 4, fileSize: bytes.length });
  });
});

describe('an index that is full', () => {
  it('V004 is thinned, and closing writes over no more than the head', async () => {
    const whole = dvr({ vhost: vhostWith({ plan: 'segment', durationMs: 1_000, waitKeyframe: true }) });
    const stream = whole.publish();
    stream.start();
    stream.play(0, 1_000, 40);
    await settle();
    stream.end();
    await settle();
    const segment = factsOf(whole.disk.bytes(whole.disk.names()[0] ?? ''));
    expect(segment.times).toHaveLength(25);
    await whole.sinks.close();

    const long = dvr();
    const session = long.publish();
    session.start();
    for (let time = 0; time < 200_000; time += 40_000) {
      session.play(time, 40_000, 40);
      await settle();
    }
    const before = long.disk.bytes(long.disk.names()[0] ?? '').length;
    await long.sinks.close();
    const bytes = long.disk.bytes(long.disk.names()[0] ?? '');
    const { times, positions } = factsOf(bytes);
    // 5,000 keyframes in room for 2,000: each fourth.
    expect(times).toHaveLength(1_250);
    expect(times.at(-1)).toBe(199.84);
    for (const position of positions) expect(bytes[position + 11]).toBe(0x17);
    expect(bytes.length).toBeGreaterThan(before);
  });
});
