import { describe, expect, it } from 'vitest';

import { clockNumber, FLOOR_REBASE, SegmentNumbers } from './numbers.ts';
import { HlsPaths } from './paths.ts';
import { playlistParts, playlistText } from './playlist-text.ts';
import { PlaylistWindow } from './playlist-window.ts';
import type { HlsSegment } from './segment.ts';
import { type HlsConfig, hlsConfig, ROOT, START } from './test-kit.ts';

function segment(sequence: number, durationMs = 4000, changes: Partial<HlsSegment> = {}): HlsSegment {
  const file = `${ROOT}/live/s-${sequence}.ts`;
  return {
    sequence,
    name: { file, path: `live/s-${sequence}.ts`, uri: `s-${sequence}.ts`, url: undefined },
    durationMs,
    size: 188,
    programDateTime: START + sequence * 4000,
    encryption: undefined,
    independent: true,
    bytes: undefined,
    place: 'disk',
    forgotten: false,
    ...changes,
  };
}

const LIMITS = { maxWindowSegments: 100, maxWindowBytes: 1e6 };

function numbersOf(window: PlaylistWindow): number[] {
  return window.entries.map((entry) => entry.segment.sequence);
}

describe('PlaylistWindow', () => {
  it('L002 keeps as many of the newest segments as fill the window', () => {
    const window = new PlaylistWindow(12_000, LIMITS, 6);
    const removed = [0, 1, 2, 3, 4].map((sequence) => window.push(segment(sequence), false).length);
    expect(removed).toEqual([0, 0, 0, 1, 1]);
    expect(numbersOf(window)).toEqual([2, 3, 4]);
    expect(window.mediaSequence).toBe(2);
  });

  it('keeps at most so many bytes, and the newest segment whatever its size', () => {
    const window = new PlaylistWindow(60_000, { ...LIMITS, maxWindowBytes: 500 }, 6);
    for (const sequence of [0, 1, 2, 3]) window.push(segment(sequence, 0), false);
    expect(numbersOf(window)).toEqual([2, 3]);
    window.push(segment(4, 0, { size: 501 }), false);
    expect(numbersOf(window)).toEqual([4]);
    window.push(segment(5, 0), false);
    expect(numbersOf(window)).toEqual([5]);
  });

  it('L002 keeps one segment that is longer than the window, and at most so many', () => {
    const window = new PlaylistWindow(1000, LIMITS, 6);
    window.push(segment(0), false);
    window.push(segment(1), false);
    expect(numbersOf(window)).toEqual([1]);
    const many = new PlaylistWindow(1e9, { ...LIMITS, maxWindowSegments: 3 }, 6);
    for (let sequence = 0; sequence < 9; sequence += 1) many.push(segment(sequence), false);
    expect(numbersOf(many)).toEqual([6, 7, 8]);
  });

  it('L003 the target duration is that of the longest segment so far, rounded to the nearest second', () => {
    const window = new PlaylistWindow(8000, LIMITS, 6);
    window.push(segment(0, 6000), false);
    expect(window.targetDuration).toBe(6);
    window.push(segment(1, 6499), false);
    expect(window.targetDuration).toBe(6);
    window.push(segment(2, 7500), false);
    expect(window.targetDuration).toBe(8);
    for (let sequence = 3; sequence < 9; sequence += 1) window.push(segment(sequence, 1000), false);
    expect(window.targetDuration).toBe(8);
  });

  it('counts the discontinuities that have left', () => {
    const window = new PlaylistWindow(4000, LIMITS, 6);
    window.goOnFrom(3);
    window.push(segment(0), true);
    expect(window.discontinuitySequence).toBe(3);
    window.push(segment(1), false);
    window.push(segment(2), false);
    expect(window.discontinuitySequence).toBe(4);
    window.push(segment(3), true);
    expect(window.clear()).toHaveLength(1);
    expect(window.discontinuitySequence).toBe(5);
  });

  it('keeps counting by one when it has lost a segment, until nobody can see it', () => {
    const window = new PlaylistWindow(20_000, LIMITS, 6);
    window.push(segment(5), false);
    window.push(segment(7), true);
    expect(window.mediaSequence).toBe(5);
    expect(numbersOf(window)).toEqual([5, 7]);
    expect(window.dropBefore(7)).toHaveLength(1);
    expect(window.mediaSequence).toBe(6);
    window.dropBefore(8);
    window.push(segment(9), true);
    expect(window.mediaSequence).toBe(9);
  });
});

describe('playlist text', () => {
  function twoSegments(changes: Partial<HlsSegment> = {}): PlaylistWindow {
    const window = new PlaylistWindow(60_000, LIMITS, 15);
    window.push(segment(7, 9900), false);
    window.push(segment(8, 10_000, changes), true);
    return window;
  }

  it('L012 version 3 is what SRS writes', () => {
    expect(playlistText(twoSegments(), hlsConfig())).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:3',
        '#EXT-X-ALLOW-CACHE:YES',
        '#EXT-X-MEDIA-SEQUENCE:7',
        '#EXT-X-TARGETDURATION:15',
        '#EXTINF:9.900, no desc',
        's-7.ts',
        '#EXT-X-DISCONTINUITY',
        '#EXTINF:10.000, no desc',
        's-8.ts',
        '',
      ].join('\n'),
    );
  });

  it('version 6 says that segments are independent only when all are, and the time when it is asked for', () => {
    const form = { ...hlsConfig(), version: '6' as const, programDateTime: true };
    const text = playlistText(twoSegments(), form);
    expect(text).toContain('#EXT-X-INDEPENDENT-SEGMENTS\n');
    expect(text).not.toContain('ALLOW-CACHE');
    expect(text).toContain('#EXT-X-PROGRAM-DATE-TIME:2026-11-21T01:02:31.045Z\n#EXTINF:9.900,\n');
    expect(playlistText(twoSegments({ independent: false }), form)).not.toContain('INDEPENDENT');
  });

  it('puts a query behind own segments only', () => {
    const parts = playlistParts(twoSegments(), hlsConfig());
    expect(parts.join('?hls_ctx=x').match(/ts\?hls_ctx=x\n/g)).toHaveLength(2);
    expect(parts.join('')).toBe(playlistText(twoSegments(), hlsConfig()));
    const other = playlistParts(twoSegments(), hlsConfig({ entryPrefix: 'http://cdn/' }));
    expect(other).toHaveLength(1);
  });

  it('puts a query behind own keys, whose guard knows viewers by it', () => {
    const name = { uri: 's-7.key', path: 's-7.key', url: undefined, file: '/s-7.key' };
    const key = { name, bytes: new Uint8Array(16) };
    const window = twoSegments({ encryption: { key, iv: new Uint8Array(16) } });
    const own = playlistParts(window, hlsConfig({ entryPrefix: 'http://cdn/' })).join('?hls_ctx=x');
    expect(own.match(/URI="s-7\.key\?hls_ctx=x"/g)).toHaveLength(1);
    const others = playlistParts(window, hlsConfig({ keyUrl: 'https://keys/' })).join('?hls_ctx=x');
    expect(others).toContain('URI="s-7.key"');
  });
});

describe('HlsPaths', () => {
  const id = { vhost: 'v.test', app: 'live', stream: 'livestream' };
  const at = new Date(START);

  function paths(changes: Partial<HlsConfig> = {}, stream = id): HlsPaths {
    return new HlsPaths(hlsConfig(changes), stream, at, true);
  }

  it('L001 the names of SRS', () => {
    const names = paths();
    expect(names.playlist).toEqual({
      file: '/hls/live/livestream.m3u8',
      path: 'live/livestream.m3u8',
      uri: 'live/livestream.m3u8',
      url: undefined,
    });
    expect(names.segment(7, at)).toEqual({
      file: '/hls/live/livestream-7.ts',
      path: 'live/livestream-7.ts',
      uri: 'livestream-7.ts',
      url: undefined,
    });
  });

  it('L007 variables in directories and names; references are relative to the playlist', () => {
    const names = paths({
      playlistFile: '[vhost]/[app]/[stream]/index.m3u8',
      segmentFile: '[vhost]/[app]/[2006]-[01]/[02]/[15][04][05].[999]-[timestamp]-[seq].ts',
    });
    expect(names.playlist.path).toBe('v.test/live/livestream/index.m3u8');
    const { path, uri } = names.segment(7, at);
    expect(path).toBe(`v.test/live/2026-11/21/010203.045-${START}-7.ts`);
    expect(uri).toBe(`../2026-11/21/010203.045-${START}-7.ts`);
    expect(paths({ playlistFile: '[stream]-[2006].m3u8' }).playlist.path).toBe('livestream-2026.m3u8');
    expect(paths({ segmentFile: './x//[seq].ts' }).segment(1, at).path).toBe('x/1.ts');
  });

  it('L006 with ts_floor [timestamp] is the number, so that origins agree', () => {
    const names = paths({ floor: true, segmentFile: '[app]/[stream]-[timestamp].ts' });
    expect(names.segment(445_000, at).path).toBe('live/livestream-445000.ts');
  });

  it('L008 the entry prefix goes before the path of each segment', () => {
    for (const entryPrefix of ['http://cdn.test/hls', 'http://cdn.test/hls/']) {
      expect(paths({ entryPrefix }).segment(1, at).uri).toBe('http://cdn.test/hls/live/livestream-1.ts');
    }
  });

  it('keys have their own directory and URL', () => {
    const names = paths({ keyFilePath: '/keys', keyUrl: 'https://keys.test' });
    expect(names.key(5, at)).toMatchObject({
      file: '/keys/live/livestream-5.key',
      uri: 'https://keys.test/live/livestream-5.key',
    });
    expect(paths().key(5, at).uri).toBe('livestream-5.key');
  });

  it('L020 ram and both have URLs under the mount', () => {
    const names = paths({ storage: 'ram' });
    expect(names.playlist.url).toBe('/live/livestream.m3u8');
    expect(names.segment(3, at).url).toBe('/live/livestream-3.ts');
    const mounted = paths({ storage: 'both', mount: 'hls.test/[app]/x/[stream].m3u8' });
    expect(mounted.playlist.url).toBe('/live/x/livestream.m3u8');
    expect(mounted.segment(3, at).url).toBe('/live/x/livestream-3.ts');
  });

  it('names with spaces, quotes, CJK and control characters stand in playlists without breaking them', () => {
    const odd = { vhost: 'v.test', app: 'a b', stream: '直播 "x"\n#EXT?&%41' };
    const names = paths({}, odd);
    expect(names.playlist.file).toBe('/hls/a b/直播 "x"%0A#EXT?&%2541.m3u8');
    const { path, uri } = names.segment(1, at);
    expect(uri).toMatch(/^[\w.%-]+$/);
    expect(decodeURIComponent(uri)).toBe(path.slice('a b/'.length));
    expect(names.segmentOfUri(uri)?.path).toBe(path);
    expect(paths({}, { ...odd, stream: '\uD800' }).segment(1, at).uri).toBe('%EF%BF%BD-1.ts');
  });

  it('reads references back, and takes none that leads elsewhere', () => {
    const names = paths();
    expect(names.segmentOfUri('livestream-7.ts')?.file).toBe('/hls/live/livestream-7.ts');
    expect(names.segmentOfUri('../../etc/passwd')).toBeUndefined();
    expect(names.segmentOfUri('%2e%2e/%2e%2e/etc/passwd')).toBeUndefined();
    expect(names.segmentOfUri('%')).toBeUndefined();
    const prefixed = paths({ entryPrefix: 'http://cdn.test/' });
    expect(prefixed.segmentOfUri('http://cdn.test/live/livestream-7.ts')?.file).toBe(
      '/hls/live/livestream-7.ts',
    );
    expect(prefixed.segmentOfUri('http://other/live/livestream-7.ts')).toBeUndefined();
  });
});

describe('SegmentNumbers', () => {
  it('count by one; names may be ahead', () => {
    const numbers = new SegmentNumbers(4000, false, { sequence: 5, name: 8 });
    expect([numbers.take(START), numbers.take(START)]).toEqual([
      { sequence: 5, name: 8 },
      { sequence: 6, name: 9 },
    ]);
    expect(numbers.deviationMs(START)).toBe(0);
  });

  it('L006 ts_floor: numbers are the clock in fragments, the same for two origins', () => {
    const clock = Math.floor(START / 4000);
    const one = new SegmentNumbers(4000, true, { sequence: 0, name: 0 });
    const other = new SegmentNumbers(4000, true, { sequence: 0, name: 0 });
    expect(one.take(START)).toEqual({ sequence: clock, name: clock });
    one.take(START + 4000);
    one.take(START + 8000);
    other.take(START + 8100);
    expect(one.take(START + 12_000)).toEqual(other.take(START + 12_100));
  });

  it('L006 what a number is ahead of or behind the clock is paid back, at most 30 % of a fragment', () => {
    const numbers = new SegmentNumbers(4000, true, { sequence: 0, name: 0 });
    const zero = Math.ceil(START / 4000) * 4000;
    expect(numbers.deviationMs(zero)).toBe(0);
    numbers.take(zero);
    expect(numbers.deviationMs(zero + 4000)).toBe(0);
    expect(numbers.deviationMs(zero + 3000)).toBe(1200);
    expect(numbers.deviationMs(zero + 9000)).toBe(-1200);
    expect(numbers.deviationMs(zero + 60_000)).toBe(-1200);
  });

  it('L006 a drift of 20 segments sets the number anew; the media sequence counts by one', () => {
    const numbers = new SegmentNumbers(4000, true, { sequence: 0, name: 0 });
    const first = numbers.take(START);
    const late = START + FLOOR_REBASE * 4000;
    expect(numbers.take(late)).toEqual({ sequence: first.sequence + 1, name: first.name + 1 });
    expect(numbers.take(late + 8000)).toEqual({ sequence: first.sequence + 2, name: first.name + 22 });
    for (let count = 0; count < 19; count += 1) numbers.take(late + 8000);
    expect(numbers.take(late + 8000).name).toBe(first.name + 22);
  });

  it('L006 a publisher that comes back gets the clock of then, and no name again', () => {
    const numbers = new SegmentNumbers(4000, true, { sequence: 0, name: 0 });
    const first = numbers.take(START);
    numbers.restart();
    expect(numbers.take(START).name).toBe(first.name + 1);
    numbers.restart();
    expect(numbers.take(START + 40_000).name).toBe(first.name + 10);
  });

  it('a number by the clock grows faster than segments are made', () => {
    for (const fragmentMs of [200, 1000, 10_000]) {
      const before = clockNumber(START, fragmentMs).sequence + 1000;
      expect(clockNumber(START + 1000 * fragmentMs, fragmentMs).sequence).toBeGreaterThanOrEqual(before);
    }
  });
});
