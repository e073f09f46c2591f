import fc from 'fast-check';
import type { Packet } from '@sluice/media/model';
import { describe, expect, it, vi } from 'vitest';

import type { PacketSubscriber } from '../../live/index.ts';
import { dataPacketOf, packetOf } from '../../live/packet-test-kit.ts';
import { HdsSinks, type HdsSinksOptions, type HdsStream } from './hds-sinks.ts';
import { bootstrapOf, hdsVhost, header, listed, MemoryDisk, picture, sound, tagsOf } from './test-kit.ts';

const stream: HdsStream = { id: { vhost: 'v', app: 'live', stream: 'x' }, key: 'v/live/x' };

interface TestHds {
  readonly disk: MemoryDisk;
  readonly sinks: HdsSinks;
  readonly lines: string[];
  readonly open: (fragmentMs?: number, windowMs?: number, of?: HdsStream) => PacketSubscriber;
}

function hds(disk = new MemoryDisk(), limits: HdsSinksOptions['limits'] = {}): TestHds {
  const lines: string[] = [];
  const log = { warn: (line: string) => lines.push(line), info: (line: string) => lines.push(line) };
  const sinks = new HdsSinks({ log, disk, limits });
  return {
    disk,
    sinks,
    lines,
    open: (fragmentMs, windowMs, of = stream) => sinks.open(of, hdsVhost(fragmentMs, windowMs)),
  };
}

/** Lets what was begun come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function headers(sink: PacketSubscriber): void {
  sink.write(header('video'));
  sink.write(header('audio'));
}

/** 25 pictures a second with a keyframe each `gopMs`, and sound beside each. */
function write(sink: PacketSubscriber, fromMs: number, toMs: number, gopMs = 1000): void {
  for (let time = fromMs; time < toMs; time += 40) {
    sink.write(picture(time, time % gopMs === 0));
    sink.write(sound(time));
  }
}

function fragments(disk: MemoryDisk): string[] {
  const names = disk.names().filter((name) => name.includes('Seg1-Frag'));
  return names.map((name) => name.slice('/hds/live/xSeg1-Frag'.length));
}

describe('HdsSinks', () => {
  it('D001 D002 D003 manifest, bootstrap, and fragments that begin with the sequence headers', async () => {
    const { disk, open, sinks } = hds();
    const sink = open();
    headers(sink);
    sink.write(dataPacketOf(0, Uint8Array.of(2, 0, 1, 97)));
    write(sink, 0, 3000);
    await settle();
    expect(disk.names()).toEqual([
      '/hds/live/x.abst',
      '/hds/live/x.f4m',
      '/hds/live/xSeg1-Frag1',
      '/hds/live/xSeg1-Frag2',
    ]);
    const first = tagsOf(disk.bytes('/hds/live/xSeg1-Frag1'));
    expect(first.slice(0, 5)).toEqual(['hv@0', 'ha@0', 'V0', 'a0', 'v40']);
    const second = tagsOf(disk.bytes('/hds/live/xSeg1-Frag2'));
    expect(second.slice(0, 4)).toEqual(['hv@1000', 'ha@1000', 'V1000', 'a1000']);
    expect(second.at(-1)).toBe('a1960');
    const bootstrap = bootstrapOf(disk);
    expect(bootstrap).toMatchObject({ live: true, timescale: 1000, currentMediaTime: 1000 });
    expect(bootstrap.segmentRunTables).toEqual([
      {
        update: false,
        qualityUrlModifiers: [],
        runs: [{ firstSegment: 1, fragmentsPerSegment: 0xffffffff }],
      },
    ]);
    expect(listed(bootstrap)).toEqual(['1@0+1000', '2@1000+1000']);
    expect(disk.text('/hds/live/x.f4m')).toContain('url="x.abst"');
    sink.end();
    await sinks.close();
    const last = bootstrapOf(disk);
    expect(last.version).not.toBe(bootstrap.version);
    expect(listed(last)).toEqual(['1@0+1000', '2@1000+1000', '3@2000+960', '!0']);
    expect(disk.writes.filter((path) => path.endsWith('.f4m'))).toHaveLength(1);
  });

  it('D003 fragments older than the window are off the bootstrap, then deleted', async () => {
    const { disk, open } = hds();
    const sink = open(1000, 3000);
    headers(sink);
    write(sink, 0, 8040);
    await settle();
    expect(listed(bootstrapOf(disk))).toEqual(['6@5000+1000', '7@6000+1000', '8@7000+1000']);
    expect(fragments(disk)).toEqual(['6', '7', '8']);
  });

  it('D003 a window that is shorter than a fragment keeps the newest', async () => {
    const { disk, open } = hds();
    const sink = open(1000, 500);
    headers(sink);
    write(sink, 0, 3040);
    await settle();
    expect(listed(bootstrapOf(disk))).toEqual(['3@2000+1000']);
    expect(fragments(disk)).toEqual(['3']);
  });

  it('D001 a fragment ends at the first keyframe beyond its length, and at twice the length without one', async () => {
    const { disk, open } = hds();
    const sink = open(1000, 60_000);
    headers(sink);
    write(sink, 0, 2800, 1400);
    write(sink, 2800, 6000, 100_000);
    await settle();
    expect(listed(bootstrapOf(disk))).toEqual(['1@0+1400', '2@1400+2000', '3@3400+2000']);
  });

  it.each([-10_000, -1500, 1500, 10_000])(
    'D001 tracks that are %d ms apart on the wire: fragments begin at keyframes, a second each',
    async (apart) => {
      const { disk, open } = hds();
      const sink = open();
      headers(sink);
      for (let time = 20_000; time < 25_000; time += 40) {
        sink.write(picture(time, time % 1000 === 0));
        sink.write(sound(time + apart));
      }
      await settle();
      expect(fragments(disk)).toEqual(['1', '2', '3', '4']);
      expect(listed(bootstrapOf(disk))).toEqual([1, 2, 3, 4].map((at) => `${at}@${19_000 + at * 1000}+1000`));
    },
  );

  it('L024 without video fragments are cut at the length, also when the video stops', async () => {
    const audioOnly = hds();
    const sink = audioOnly.open(1000);
    sink.write(header('audio'));
    for (let time = 0; time < 2100; time += 20) sink.write(sound(time));
    await settle();
    expect(listed(bootstrapOf(audioOnly.disk))).toEqual(['1@0+1000', '2@1000+1000']);
    expect(tagsOf(audioOnly.disk.bytes('/hds/live/xSeg1-Frag2')).slice(0, 2)).toEqual(['ha@1000', 'a1000']);

    const stopping = hds();
    const other = stopping.open(1000);
    headers(other);
    write(other, 0, 1040);
    for (let time = 1040; time < 5000; time += 20) other.write(sound(time));
    await settle();
    expect(listed(bootstrapOf(stopping.disk))).toEqual(['1@0+1000', '2@1000+2000', '3@3000+1000']);
  });

  it('begins with a keyframe when it is attached to a stream in full swing', async () => {
    const { disk, open } = hds();
    const sink = open(1000);
    headers(sink);
    write(sink, 520, 2040);
    await settle();
    expect(tagsOf(disk.bytes('/hds/live/xSeg1-Frag1')).find((tag) => /^v/i.test(tag))).toBe('V1000');
  });

  it('a new sequence header begins a fragment, one that is repeated does nothing', async () => {
    const { disk, open } = hds();
    const sink = open(1000);
    headers(sink);
    write(sink, 0, 520);
    sink.write(header('video', 320));
    sink.write(packetOf('video', 520, Uint8Array.of(0x17, 0, 0, 0, 0, 1, 2, 3)));
    write(sink, 520, 1040);
    sink.end();
    await settle();
    const headersOf = (number: number): string[] =>
      tagsOf(disk.bytes(`/hds/live/xSeg1-Frag${number}`)).filter((tag) => tag.startsWith('h'));
    expect([headersOf(1), headersOf(2)]).toEqual([
      ['hv@0', 'ha@0'],
      ['hv@520', 'ha@520'],
    ]);
  });

  it.each([
    ['forwards', 60_000],
    ['backwards', 0],
  ])('a step of the time %s: a fragment that is marked', async (_name, to) => {
    const { disk, open } = hds();
    const sink = open(1000, 60_000);
    headers(sink);
    write(sink, 30_000, 30_600);
    write(sink, to, to + 1040);
    await settle();
    expect(listed(bootstrapOf(disk))).toEqual(['1@30000+560', '!2', `2@${to}+1000`]);
  });

  it('a limit of bytes cuts, and every frame is there once', async () => {
    const { disk, open, sinks } = hds(new MemoryDisk(), { maxFragmentBytes: 20_000 });
    const sink = open(1000, 600_000);
    headers(sink);
    for (let time = 0; time < 2000; time += 40) sink.write(picture(time, time % 1000 === 0, 5000));
    sink.end();
    await sinks.close();
    const tags = fragments(disk)
      .sort((left, right) => Number(left) - Number(right))
      .flatMap((number) => tagsOf(disk.bytes(`/hds/live/xSeg1-Frag${number}`)));
    expect(tags.filter((tag) => /^v/i.test(tag)).map((tag) => Number(tag.slice(1)))).toEqual(
      Array.from({ length: 50 }, (_, at) => at * 40),
    );
    for (const number of fragments(disk)) {
      expect(disk.bytes(`/hds/live/xSeg1-Frag${number}`).length).toBeLessThanOrEqual(20_000);
    }
  });

  it('published again: numbers go on, the old fragments go, the manifest is written once more', async () => {
    const { disk, open, sinks } = hds();
    const first = open();
    headers(first);
    write(first, 0, 2040);
    first.end();
    const second = open();
    headers(second);
    write(second, 0, 1040);
    await settle();
    expect(listed(bootstrapOf(disk))).toEqual(['4@0+1000']);
    expect(fragments(disk)).toEqual(['4']);
    second.end();
    await sinks.close();
    // Another run of the server.
    const again = hds(disk).open();
    headers(again);
    write(again, 0, 1040);
    await settle();
    expect(listed(bootstrapOf(disk))).toEqual(['6@0+1000']);
    expect(fragments(disk)).toEqual(['6']);
    expect(disk.writes.filter((path) => path.endsWith('.f4m'))).toHaveLength(3);
  });

  it('whatever lies where the bootstrap was: HDS begins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const disk = new MemoryDisk();
        disk.files.set('/hds/live/x.abst', bytes);
        const { open, sinks } = hds(disk);
        const sink = open();
        headers(sink);
        write(sink, 0, 400);
        await sinks.close();
        expect(fragments(disk)).toEqual(['1']);
      }),
      { numRuns: 50 },
    );
  });

  it('L009 a full disk: said once, nothing else suffers, and it goes on by itself', async () => {
    const { disk, open, lines, sinks } = hds();
    const sink = open(1000, 60_000);
    headers(sink);
    write(sink, 0, 1040);
    await settle();
    disk.failure = 'full';
    write(sink, 1040, 3040);
    await settle();
    expect(sinks.faults(stream.key)).toMatchObject([{ code: 'full', count: 2 }]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('hds live/x: ');
    disk.failure = undefined;
    write(sink, 3040, 5040);
    await settle();
    expect(sinks.faults(stream.key)).toEqual([]);
    expect(lines.at(-1)).toContain('works again');
    // What is lost leaves no number out, but a mark.
    expect(listed(bootstrapOf(disk))).toEqual(['1@0+1000', '!2', '2@3000+1000', '3@4000+1000']);
    expect(sinks.faults('another')).toEqual([]);
  });

  it('a fault is over with the next fragment that is written, however large', async () => {
    const { disk, open, sinks } = hds(new MemoryDisk(), { maxPendingBytes: 2500 });
    const sink = open(1000, 60_000);
    headers(sink);
    disk.failure = 'full';
    write(sink, 0, 1040);
    await settle();
    expect(sinks.faults(stream.key)).toMatchObject([{ code: 'full' }]);
    disk.failure = undefined;
    write(sink, 1040, 2040);
    await settle();
    const [file = ''] = fragments(disk);
    expect(disk.files.get(`/hds/live/xSeg1-Frag${file}`)?.length).toBeGreaterThan(2500 / 2);
    expect(sinks.faults(stream.key)).toEqual([]);
  });

  it.each([{ maxPendingBytes: 6000 }, { maxPendingFragments: 2 }])(
    'a slow disk: fragments beyond the limit of %o are dropped, the others come in order',
    async (limits) => {
      const { disk, open, sinks, lines } = hds(new MemoryDisk(), limits);
      let openGate = (): void => undefined;
      disk.gate = new Promise((resolve) => {
        openGate = resolve;
      });
      const sink = open(1000, 60_000);
      headers(sink);
      write(sink, 0, 6040);
      await settle();
      expect(sinks.faults(stream.key)).toMatchObject([{ code: 'too-slow' }]);
      openGate();
      await settle();
      expect(listed(bootstrapOf(disk)).length).toBeLessThan(6);
      write(sink, 6040, 8040);
      await settle();
      expect(sinks.faults(stream.key)).toEqual([]);
      expect(listed(bootstrapOf(disk)).at(-1)).toMatch(/@7000\+1000$/);
      expect(lines).toHaveLength(2);
    },
  );

  it('a directory that is removed while it runs comes back, manifest and all', async () => {
    const { disk, open } = hds();
    const sink = open();
    headers(sink);
    write(sink, 0, 1040);
    await settle();
    disk.files.clear();
    write(sink, 1040, 2040);
    await settle();
    expect(disk.names()).toEqual(['/hds/live/x.abst', '/hds/live/x.f4m', '/hds/live/xSeg1-Frag2']);
  });

  it.each([
    ['a b', '/hds/live/a b', 'a%20b'],
    [`it's "x" & <y>`, `/hds/live/it's "x" & <y>`, 'it&apos;s%20%22x%22%20%26%20%3Cy%3E'],
    ['直播', '/hds/live/直播', '%E7%9B%B4%E6%92%AD'],
    ['a\u0007\\b%41', '/hds/live/a%07%5Cb%2541', 'a%2507%255Cb%252541'],
    ['deep/er', '/hds/live/deep/er', 'er'],
  ])('names on disk and in the manifest: %j', async (name, path, url) => {
    const { disk, open, sinks } = hds();
    const sink = open(1000, 5000, { id: { ...stream.id, stream: name }, key: name });
    headers(sink);
    write(sink, 0, 200);
    await sinks.close();
    expect(disk.names()).toEqual([`${path}.abst`, `${path}.f4m`, `${path}Seg1-Frag1`].sort());
    expect(disk.text(`${path}.f4m`)).toContain(` url="${url}" `);
    expect(disk.text(`${path}.f4m`)).toContain(` url="${url}.abst"`);
  });

  it('ends once, and keeps nothing of a stream that is gone', async () => {
    const { disk, open, sinks } = hds();
    const sink = open();
    headers(sink);
    write(sink, 0, 400);
    sink.end();
    sink.end();
    sink.write(picture(400, true));
    await settle();
    expect(fragments(disk)).toEqual(['1']);
    disk.failure = 'io';
    expect(sinks.faults(stream.key)).toEqual([]);
    // A publisher that sends nothing leaves no file.
    const silent = hds();
    silent.open().end();
    await silent.sinks.close();
    expect(silent.disk.names()).toEqual([]);
  });

  it('a stop does not wait for a disk that hangs', async () => {
    const { disk, open, sinks } = hds();
    disk.gate = new Promise(() => undefined);
    const sink = open();
    headers(sink);
    write(sink, 0, 1040);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const closed = sinks.close();
      await vi.advanceTimersByTimeAsync(5000);
      await closed;
    } finally {
      vi.useRealTimers();
    }
  });

  it('whatever comes, each frame is in one fragment, in order, behind the headers', async () => {
    const event = fc.record({
      kind: fc.constantFrom('picture' as const, 'key' as const, 'sound' as const, 'header' as const),
      step: fc.integer({ min: -2000, max: 3000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 80 }), async (events) => {
        const { disk, open, sinks } = hds();
        const sink = open(1000, 3_600_000);
        headers(sink);
        const written: string[] = [];
        let time = 5000;
        let started = false;
        const give = (packet: Packet, name: string): void => {
          sink.write(packet);
          written.push(`${name}${packet.timestamp}`);
        };
        for (const { kind, step } of events) {
          time = Math.max(0, time + step);
          if (kind === 'header') sink.write(header('video', time));
          else if (kind === 'sound') give(sound(time), 'a');
          else if (kind === 'key') {
            started = true;
            give(picture(time, true), 'V');
          } else if (started) give(picture(time), 'v');
          else sink.write(picture(time));
        }
        await sinks.close();
        const numbers = fragments(disk).sort((left, right) => Number(left) - Number(right));
        const tags = numbers.map((number) => tagsOf(disk.bytes(`/hds/live/xSeg1-Frag${number}`)));
        for (const fragment of tags) {
          expect(fragment.slice(0, 2).map((tag) => tag.slice(0, 3))).toEqual(['hv@', 'ha@']);
        }
        expect(tags.flat().filter((tag) => !tag.startsWith('h'))).toEqual(written);
      }),
      { numRuns: 100 },
    );
  });
});
