import { afterEach, describe, expect, it, vi } from 'vitest';

import type { DiskErrorCode } from '../disk/index.ts';
import { CLOSE_TIMEOUT_MS, MAX_WAITING_BYTES } from './limits.ts';
import { brief, dvr, factsOf, gate, settle, tagsOf, type TestStream, vhostWith, video } from './test-kit.ts';

const KEY = '__defaultVhost__/live/cam';

type Dvr = ReturnType<typeof dvr>;

/** Publishes a second of the stream, and lets the disk have it. */
async function second(of: Dvr, stream: TestStream, at: number): Promise<void> {
  stream.play(at * 1_000, 1_000);
  await settle();
  of.clock.now += 1_000;
  of.sinks.tick();
  await settle();
}

function stateOf({ sinks }: Dvr): string | undefined {
  return [...sinks.list()][0]?.state;
}

describe.each(['./rec/[app]/[stream].[timestamp].flv', './rec/[app]/[stream].[timestamp].mp4'])(
  '%s',
  (path) => {
    it.each(['full', 'denied', 'io'] as const)(
      'a disk that is %s: told once, tried again, over by itself',
      async (code) => {
        const whole = dvr({ vhost: vhostWith({ path }) });
        const { disk, sinks, lines, finished } = whole;
        const stream = whole.publish();
        stream.start();
        for (let at = 0; at < 3; at += 1) await second(whole, stream, at);
        disk.failure = code;
        for (let at = 3; at < 13; at += 1) await second(whole, stream, at);
        expect(stateOf(whole)).toBe('fault');
        expect(sinks.faults(KEY)).toMatchObject([{ code }]);
        expect(sinks.faults(KEY)[0]?.count).toBeGreaterThan(1);
        expect(
          lines.filter((line) => line.includes(`: ${code}`) && line.startsWith('dvr live/cam')),
        ).toHaveLength(1);
        disk.failure = undefined;
        for (let at = 13; at < 20; at += 1) await second(whole, stream, at);
        expect(stateOf(whole)).toBe('recording');
        expect(sinks.faults(KEY)).toEqual([]);
        expect(lines.some((line) => line.includes('works again'))).toBe(true);
        stream.end();
        await settle();
        await sinks.close();
        // Nothing is left but what plays: what was on the disk before, and what came after.
        expect(disk.names().filter((name) => name.endsWith('.tmp'))).toEqual([]);
        expect(finished.length).toBeGreaterThanOrEqual(1);
        expect(finished.map(({ file }) => file).sort()).toEqual(disk.names());
        expect(sinks.waitingBytes).toBe(0);
        expect(disk.opened).toBe(disk.closed);
      },
    );

    it('a directory that may not be written: tried again until it may', async () => {
      const whole = dvr({ vhost: vhostWith({ path }) });
      whole.disk.openFailure = 'denied';
      const stream = whole.publish();
      stream.start();
      for (let at = 0; at < 10; at += 1) await second(whole, stream, at);
      expect(whole.sinks.faults(KEY)).toMatchObject([{ code: 'denied' }]);
      expect(whole.disk.names()).toEqual([]);
      whole.disk.openFailure = undefined;
      for (let at = 10; at < 16; at += 1) await second(whole, stream, at);
      expect(stateOf(whole)).toBe('recording');
      await whole.sinks.close();
      expect(whole.disk.names()).toHaveLength(1);
      expect(whole.sinks.waitingBytes).toBe(0);
    });

    it('a directory that is removed: noticed, and a new file begun', async () => {
      const whole = dvr({ vhost: vhostWith({ path }) });
      const stream = whole.publish();
      stream.start();
      for (let at = 0; at < 3; at += 1) await second(whole, stream, at);
      whole.disk.files.clear();
      for (let at = 3; at < 15; at += 1) await second(whole, stream, at);
      expect(whole.lines.some((line) => line.includes('was removed while it was written'))).toBe(true);
      expect(stateOf(whole)).toBe('recording');
      expect(whole.sinks.faults(KEY)).toEqual([]);
      await whole.sinks.close();
      expect(whole.disk.names()).toHaveLength(1);
    });

    it('a slow disk: what waits is limited, frames are dropped up to a keyframe, and it goes on by itself', async () => {
      const whole = dvr({ vhost: vhostWith({ path }) });
      const { disk, sinks, lines } = whole;
      const stream = whole.publish();
      stream.start();
      await second(whole, stream, 0);
      const slow = gate();
      disk.gate = slow.closed;
      let most = 0;
      for (let time = 1_000; time < 9_000; time += 40) {
        stream.write(video(time, time % 1_000 === 0, 100_000));
        if (time % 200 === 0) sinks.tick();
        most = Math.max(most, sinks.waitingBytes);
      }
      await settle();
      expect(most).toBeGreaterThan(MAX_WAITING_BYTES / 2);
      expect(most).toBeLessThan(MAX_WAITING_BYTES + 300_000);
      expect(sinks.faults(KEY)).toMatchObject([{ code: 'too-slow' }]);
      slow.open();
      disk.gate = Promise.resolve();
      await settle();
      for (let at = 9; at < 12; at += 1) await second(whole, stream, at);
      expect(sinks.faults(KEY)).toEqual([]);
      expect(lines.some((line) => /\d+ frames were not recorded/.test(line))).toBe(true);
      await sinks.close();
      expect(disk.names()).toHaveLength(1);
      if (!path.endsWith('.flv')) return;
      const tags = tagsOf(disk.bytes(disk.names()[0] ?? ''));
      // The gap is as long as it was, and a keyframe with its headers follows it.
      const after = tags.findIndex(({ timestamp }) => timestamp >= 9_000);
      expect(brief(tags).slice(after, after + 3)).toEqual(['ah@9000', 'vh@9000', 'k@9000']);
      expect(tags[after - 1]?.timestamp).toBeLessThan(6_000);
      expect(tags.at(-1)?.timestamp).toBe(11_980);
    });

    it('a disk that is slow to open a file loses nothing within the limit', async () => {
      const whole = dvr({ vhost: vhostWith({ path }) });
      const slow = gate();
      whole.disk.gateOfOpen = slow.closed;
      const stream = whole.publish();
      stream.start();
      for (let at = 0; at < 5; at += 1) await second(whole, stream, at);
      expect(whole.sinks.waitingBytes).toBeGreaterThan(0);
      expect(stateOf(whole)).toBe('waiting');
      stream.end();
      slow.open();
      await settle();
      expect(whole.finished).toMatchObject([{ durationMs: 4_980 }]);
      expect(whole.sinks.waitingBytes).toBe(0);
      await whole.sinks.close();
    });
  },
);

describe('recordings and faults', () => {
  it('a disk that fails when a file is closed: its metadata is put right, and later ones go on', async () => {
    const whole = dvr();
    const stream = whole.publish();
    stream.start();
    for (let at = 0; at < 3; at += 1) await second(whole, stream, at);
    stream.play(3_000, 500);
    whole.disk.failure = 'full';
    stream.end();
    await settle();
    expect(whole.lines.filter((line) => line.startsWith('dvr live/cam: ./rec'))).toHaveLength(1);
    // What was on the disk can't be patched on a full disk that takes nothing: it is mended later.
    const [left = ''] = whole.disk.names();
    expect(left.endsWith('.tmp')).toBe(true);
    whole.disk.failure = undefined;
    const next = dvr({ disk: whole.disk });
    next.clock.now += 60_000;
    next.sinks.start();
    await settle();
    const [name = ''] = whole.disk.names();
    expect(name.endsWith('.flv')).toBe(true);
    expect(factsOf(whole.disk.bytes(name)).duration).toBe(2.98);
    await next.sinks.close();
    await whole.sinks.close();
  });

  it('many recordings on a dead disk hold no more than all may hold together', async () => {
    const whole = dvr({ maxWaitingBytes: 4_000_000 });
    const dead = gate();
    whole.disk.gate = dead.closed;
    const streams = Array.from({ length: 10 }, (_, index) => whole.publish(`s${index}`));
    for (const stream of streams) {
      stream.start();
      stream.write(video(0, true));
    }
    await settle();
    for (let time = 40; time < 4_000; time += 40) {
      for (const stream of streams) stream.write(video(time, time % 400 === 0, 100_000));
    }
    expect(whole.sinks.waitingBytes).toBeLessThan(4_000_000 + 10 * 200_000);
    for (const { id } of streams) {
      expect(whole.sinks.faults(`${id.vhost}/${id.app}/${id.stream}`)).toMatchObject([{ code: 'too-slow' }]);
    }
  });

  it.each(['full', 'missing'] satisfies DiskErrorCode[])('%s never reaches who publishes', async (code) => {
    const whole = dvr();
    whole.disk.failure = code;
    whole.disk.openFailure = code;
    const stream = whole.publish();
    stream.start();
    for (let at = 0; at < 5; at += 1) await second(whole, stream, at);
    expect(stream.subscribers).toBe(1);
    await whole.sinks.close();
  });
});

describe.each(['flv', 'mp4'])('a disk that hangs while a %s is finished', (extension) => {
  const vhost = vhostWith({ path: `./rec/[app]/[stream].${extension}` });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** Some seconds of a recording, the last of which the disk holds fast. */
  async function hanging() {
    const whole = dvr({ vhost });
    const stream = whole.publish();
    stream.start();
    for (let at = 0; at < 3; at += 1) await second(whole, stream, at);
    const held = gate();
    whole.disk.gate = held.closed;
    stream.play(3_000, 1_000);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    return { ...whole, stream, held };
  }

  /** Waits for work that the clock alone can end: undefined before the limit, what it gave after it. */
  async function limited<Value>(work: Promise<Value>): Promise<Value> {
    let done = false;
    void work.then(() => {
      done = true;
    });
    await settle();
    await vi.advanceTimersByTimeAsync(CLOSE_TIMEOUT_MS - 1);
    expect(done).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    return work;
  }

  it('is not waited for without end when the server stops, which says what is left to the next start', async () => {
    const { sinks, lines, disk, held } = await hanging();
    await limited(sinks.close());
    const line = lines.find((one) => one.includes('has not taken everything within 5 s'));
    expect(line).toMatch(/recordings that are not finished: 1 \(live\/cam\), \d+ B wait/);
    // It comes back before the process has ended: all is well after all.
    held.open();
    await settle();
    expect(disk.names()).toEqual([`./rec/live/cam.${extension}`]);
    expect(sinks.waitingBytes).toBe(0);
    expect(disk.opened).toBe(disk.closed);
  });

  it('V008 is not waited for without end by who stops the recording', async () => {
    const { sinks, lines, disk, held, stream } = await hanging();
    const [view] = [...sinks.list()];
    expect(await limited(sinks.stop(view?.id ?? ''))).toMatchObject({ id: view?.id });
    expect(lines.at(-1)).toContain('was stopped, but the disk has not taken everything within 5 s');
    expect(stream.subscribers).toBe(0);
    held.open();
    await settle();
    expect(disk.names()).toEqual([`./rec/live/cam.${extension}`]);
    await sinks.close();
  });
});
