import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PathPattern } from './path-pattern.ts';
import { expandPath } from './path-template.ts';

function read(template: string, path: string, numbered = false) {
  return new PathPattern(template, { vhost: 'v.test', numbered }).read(path);
}

describe('PathPattern', () => {
  it.each([
    ['[app]/[stream].m3u8', 'live/s1.m3u8', [['live', 's1']]],
    ['[app]/[stream].m3u8', 'LIVE/s1.M3U8', [['LIVE', 's1']]],
    ['[app]/[stream].m3u8', 's1.m3u8', []],
    ['[app]/[stream].m3u8', 'live/.m3u8', []],
    ['[app]/[stream].m3u8', 'live/s1.m3u8.bak', []],
    ['[app]/[stream]-[seq].ts', 'live/s1-3-12.ts', [['live', 's1-3']]],
    ['[app]/[stream]-[seq].ts', 'live/s1-x.ts', []],
    [
      '[app]/[stream]-[seq].ts',
      'live/room/s1-3.ts',
      [
        ['live/room', 's1'],
        ['live', 'room/s1'],
      ],
    ],
    ['[vhost]/[app]/[stream].m3u8', 'V.TEST/live/s1.m3u8', [['live', 's1']]],
    ['[vhost]/[app]/[stream].m3u8', 'other/live/s1.m3u8', []],
    [
      '[app]/[stream]/[2006]/[01]/[02]-[15].[04].[05].[999].ts',
      'a/b/2026/12/01-02.03.04.005.ts',
      [['a', 'b']],
    ],
    ['[app]/[stream]/[2006]/[01].ts', 'a/b/26/12.ts', []],
    ['[stream]/[stream]-[timestamp].ts', 's/s-1796087621155.ts', [[undefined, 's']]],
    ['[stream]/[stream]-[timestamp].ts', 's/t-1796087621155.ts', []],
    ['[app]/[stream].[timestamp].flv', 'vod/movie.2024.flv', []],
    ['fixed.m3u8', 'fixed.m3u8', [[undefined, undefined]]],
    ['[app]/[stream].m3u8', 'live/a%09b%255Cc.m3u8', [['live', 'a\tb%5Cc']]],
  ] as const)('L007 %s reads %s', (template, path, wanted) => {
    const { complete, readings } = read(template, path);
    expect(readings.map(({ app, stream }) => [app, stream])).toEqual(wanted);
    expect(complete).toBe(true);
  });

  it('L007 reads what begins with a letter that is longer in lower case', () => {
    const pattern = new PathPattern('[vhost]/[app]/[stream].m3u8', { vhost: '\u0130.test' });
    expect(pattern.read('\u0130.test/live/s1.m3u8').readings).toEqual([{ app: 'live', stream: 's1' }]);
  });

  it('V002 reads the number of a name that was taken', () => {
    const template = '[app]/[stream].[timestamp].flv';
    expect(read(template, 'live/s1.1796087621155.flv', true).readings).toEqual([
      { app: 'live', stream: 's1' },
    ]);
    expect(read(template, 'live/s1.1796087621155-2.flv', true).readings).toEqual([
      { app: 'live', stream: 's1' },
    ]);
    expect(read(template, 'live/s1.1796087621155-2.flv').readings).toEqual([]);
    expect(read('[app]/[stream].mp4', 'live/s1-2.mp4', true).readings).toEqual([
      { app: 'live', stream: 's1-2' },
      { app: 'live', stream: 's1' },
    ]);
  });

  it('gives up on a path that can be read in too many ways', () => {
    const path = `${'a/'.repeat(3_000)}x-1.ts`;
    expect(read('[app]/[stream]-[seq].ts', path).complete).toBe(false);
    expect(read('[app][stream]-[seq]', '-1'.repeat(3_000)).complete).toBe(false);
  });

  it('finds the names that a path was made of, whatever they are', () => {
    const name = fc.string({ minLength: 1, maxLength: 12, unit: 'binary' });
    const templates = [
      '[app]/[stream]-[seq].ts',
      '[vhost]/[app]-[stream]/[2006].[seq].ts',
      '[stream][app].m3u8',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...templates), name, name, fc.nat(), (template, app, stream, sequence) => {
        const names = { vhost: 'v.test', app, stream, sequence, at: new Date(0), utc: true };
        const { complete, readings } = read(template, expandPath(template, names));
        if (complete) expect(readings).toContainEqual({ app, stream });
      }),
    );
  });
});
