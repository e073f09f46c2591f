import { describe, expect, it } from 'vitest';

import type { VhostConfig } from '../../config/index.ts';
import { applyRetention, keepRules } from './retention.ts';
import { dvr, FakeDisk, settle, vhostWith } from './test-kit.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

function diskWith(files: Readonly<Record<string, readonly [bytes: number, days: number]>>): FakeDisk {
  const disk = new FakeDisk();
  for (const [path, [bytes, days]] of Object.entries(files)) {
    disk.put(path, new Uint8Array(bytes), NOW - days * DAY);
  }
  return disk;
}

async function keep(disk: FakeDisk, vhost: VhostConfig, inUse: readonly string[] = []) {
  const results = [];
  for (const rule of keepRules([vhost])) {
    results.push(await applyRetention(disk, rule, (path) => inUse.includes(path), NOW));
  }
  return results;
}

describe('retention', () => {
  const files = {
    './rec/live/cam.1.flv': [100, 9],
    './rec/live/cam.2-1.flv': [100, 5],
    './rec/live/deep/er.3.flv': [100, 3],
    './rec/live/cam.4.flv': [100, 1],
    './rec/live/cam.5.flv.tmp': [100, 99],
    './rec/live/cam.flv': [100, 99],
    './rec/live/cam.1.mp4': [100, 99],
    './rec/index.html': [100, 99],
    './recorded/live/cam.1.flv': [100, 99],
  } as const;

  it('dvr_keep_days removes what is older, and nothing that dvr_path would not make', async () => {
    const disk = diskWith(files);
    const [result] = await keep(disk, vhostWith({ keepDays: 4.5 }));
    expect(result).toEqual({ removed: 2, removedBytes: 200, kept: 2, keptBytes: 200 });
    expect(disk.names()).toEqual(
      Object.keys(files)
        .filter((name) => !name.endsWith('cam.1.flv') || name.startsWith('./recorded'))
        .filter((name) => !name.endsWith('2-1.flv'))
        .sort(),
    );
  });

  it('dvr_keep_bytes removes the oldest first', async () => {
    const disk = diskWith(files);
    const [result] = await keep(disk, vhostWith({ keepBytes: 250 }));
    expect(result).toEqual({ removed: 2, removedBytes: 200, kept: 2, keptBytes: 200 });
    expect(disk.files.has('./rec/live/deep/er.3.flv')).toBe(true);
    expect(disk.files.has('./rec/live/cam.1.flv')).toBe(false);
  });

  it('a file that is written on stays, and counts', async () => {
    const disk = diskWith(files);
    const [result] = await keep(disk, vhostWith({ keepBytes: 150 }), ['./rec/live/cam.1.flv']);
    expect(result).toEqual({ removed: 3, removedBytes: 300, kept: 1, keptBytes: 100 });
    expect(disk.files.has('./rec/live/cam.1.flv')).toBe(true);
  });

  it('nothing is looked at when everything is kept', async () => {
    expect(keepRules([vhostWith()])).toEqual([]);
  });

  it('vhosts that share a path share the milder rule, and [vhost] keeps them apart', () => {
    const one = vhostWith({ keepDays: 1, keepBytes: 10 });
    const other = { ...vhostWith({ keepDays: 2, keepBytes: 5 }), name: 'other.com' };
    expect(keepRules([one, other])).toMatchObject([{ maxAgeMs: 2 * DAY, maxBytes: 10 }]);
    expect(keepRules([one, { ...other, dvr: vhostWith().dvr }])).toEqual([]);
    const path = './rec/[vhost]/[app]/[stream].flv';
    const apart = [one, other].map((vhost) => ({ ...vhost, dvr: { ...vhost.dvr, path } }));
    const rules = keepRules(apart);
    expect(rules).toHaveLength(2);
    expect(rules.map(({ shape }) => shape.test('./rec/other.com/live/x.flv'))).toEqual([false, true]);
  });

  it('leaves the whole file system alone when dvr_path has no directory of its own', async () => {
    const disk = diskWith({ '/home/anna/holidays.flv': [100, 99] });
    const { sinks, lines } = dvr({ disk, vhost: vhostWith({ keepDays: 2, path: '/[app]/[stream].flv' }) });
    sinks.start();
    await settle();
    await sinks.close();
    expect(disk.names()).toEqual(['/home/anna/holidays.flv']);
    expect(lines.some((line) => line.includes('dvr_path has no directory of its own'))).toBe(true);
  });

  it('is checked at start, and says what went', async () => {
    const disk = diskWith(files);
    const { sinks, lines } = dvr({ disk, vhost: vhostWith({ keepDays: 2 }) });
    sinks.start();
    await settle();
    await sinks.close();
    expect(disk.files.has('./rec/live/cam.4.flv')).toBe(true);
    expect(disk.files.has('./rec/live/deep/er.3.flv')).toBe(false);
    expect(lines.some((line) => line.includes('removed 3 old recordings of 300 B under ./rec/'))).toBe(true);
  });
});
