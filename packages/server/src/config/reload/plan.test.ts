import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { loadConfig } from '../load.ts';
import type { Config } from '../types.ts';
import { describeChange, keepUnchanged, planReload, reloadProblem } from './index.ts';
import { activeDirectives, lineChanges } from './test-kit.ts';

function load(text: string): Config {
  return loadConfig({ text: `listen 1935; ${text}`, env: {} });
}

/** What a reload from one text to the other does, as lines. */
function told(before: string, after: string): string[] {
  return planReload(load(before), load(after)).flatMap(describeChange);
}

const full = new URL('../../../../../conf/full.conf', import.meta.url);

describe('planReload', () => {
  it.each([
    ['gop_cache off;', '', 'play.gop_cache: off -> on'],
    ['', 'queue_length 5;', 'play.queue_length: 30000 ms -> 5000 ms'],
    ['', 'mr { enabled on; latency 100; }', 'publish.mr: off -> on\npublish.mr_latency: 350 ms -> 100 ms'],
    ['', 'min_latency on;', 'min_latency: off -> on'],
    ['chunk_size 4096;', 'chunk_size 8192;', 'chunk_size: 4096 -> 8192'],
    ['hls { enabled on; }', 'hls { enabled off; }', 'hls.enabled: on -> off'],
    ['', 'forward a:1935 b;', 'forward.enabled: off -> on\nforward.destination: (none) -> a:1935 b'],
    ['ingest a { }', 'ingest b { }', 'ingest(a): removed\ningest(b): added'],
    ['ingest a { }', 'ingest a { enabled on; }', 'ingest(a).enabled: off -> on'],
    [
      '',
      'security { enabled on; allow play all; }',
      'security.enabled: off -> on\nsecurity.allow: (none) -> play all',
    ],
    ['', 'bandcheck { key one; }', 'bandcheck.key: (none) -> (another secret)'],
    ['bandcheck { key one; }', 'bandcheck { key two; }', 'bandcheck.key: (secret) -> (another secret)'],
  ])('C005 a vhost with `%s` and then `%s`', (before, after, wanted) => {
    const lines = told(`vhost a { ${before} }`, `vhost a { ${after} }`).map((line) =>
      line.replace(/^vhost a: /, '').replace(' (without effect in this version)', ''),
    );
    expect(lines.sort()).toEqual(wanted.split('\n').sort());
  });

  it.each([
    ['srs_log_level warn;', 'srs_log_level: trace -> warn'],
    ['utc_time on;', 'utc_time: off -> on'],
    ['max_connections 50;', 'max_connections: 1000 -> 50'],
    [
      'http_api { enabled on; listen [::1]:1985; }',
      'http_api.enabled: off -> on\nhttp_api.listen: 1985 -> [::1]:1985',
    ],
    ['work_dir /tmp;', 'work_dir: ./ -> /tmp (after a restart)'],
    ['chunk_size 4096;', 'chunk_size: 60000 -> 4096'],
  ])('C005 the root with `%s`', (after, wanted) => {
    expect(told('vhost a { }', `${after} vhost a { }`).join('\n')).toBe(wanted);
  });

  it('C005 the addresses to listen on', () => {
    const after = loadConfig({ text: 'listen 1935 127.0.0.1:1936; vhost a { }', env: {} });
    const changes = planReload(load('vhost a { }'), after);
    expect(changes.flatMap(describeChange)).toEqual(['listen: 1935 -> 1935 127.0.0.1:1936']);
    expect(changes[0]).toMatchObject({ kind: 'root', part: 'listen' });
  });

  it('C006 vhosts come and go, by their blocks and by `enabled`', () => {
    const before = 'vhost a { } vhost b { } vhost c { enabled off; } vhost d { enabled off; }';
    const after = 'vhost b { enabled off; } vhost c { } vhost d { enabled off; gop_cache off; } vhost e { }';
    expect(told(before, after)).toEqual([
      'vhost a: removed, its clients are disconnected',
      'vhost b: removed, its clients are disconnected',
      'vhost c: added',
      'vhost e: added',
    ]);
  });

  it('C006 refuses an origin that would become an edge, and back, but not one that is new or off', () => {
    const origin = load('vhost a { }');
    const edge = load('vhost a { mode remote; origin 10.0.0.1:1935; }');
    const off = load('vhost a { enabled off; mode remote; origin 10.0.0.1:1935; }');
    expect(reloadProblem(planReload(origin, edge))).toContain('vhost a');
    expect(reloadProblem(planReload(edge, origin))).toContain('`mode local`');
    expect(reloadProblem(planReload(origin, off))).toBeUndefined();
    expect(reloadProblem(planReload(off, edge))).toBeUndefined();
    expect(reloadProblem(planReload(load(''), edge))).toBeUndefined();
  });

  it('C005 names which parts of a vhost differ, and only those', () => {
    const [change] = planReload(load('vhost a { }'), load('vhost a { hls { enabled on; } gop_cache off; }'));
    expect(change).toMatchObject({ kind: 'vhost-changed', parts: ['play', 'hls'] });
  });

  it('C004 the same text, whatever its layout, changes nothing', () => {
    expect(
      told('vhost a { gop_cache off; } vhost b { }', 'vhost a {\n play { gop_cache off; }\n}\nvhost b { }'),
    ).toEqual([]);
  });

  it('C005 every directive of full.conf can change, and change back', { timeout: 120_000 }, () => {
    const text = readFileSync(full, 'utf8');
    const whole = loadConfig({ text, env: {} });
    const seen = new Set<string>();
    for (const { config, line } of lineChanges(text)) {
      const there = planReload(whole, config);
      expect(planReload(config, whole)).toHaveLength(there.length);
      const name = /[a-z]\w*/.exec(line)?.[0] ?? '';
      const told = there.flatMap(describeChange).join('\n');
      // Flat and older spellings are told as those of the block.
      if (!told.includes(name)) expect(told).toMatch(/^(vhost|[a-z_]+[.(:])/);
      for (const change of there) {
        if (change.kind === 'vhost-added' || change.kind === 'vhost-removed') seen.add('vhost.enabled');
        else for (const { directive } of change.differences) seen.add(pathOf(change.kind, directive));
      }
    }
    expect(activeDirectives().filter((name) => !seen.has(name))).toEqual([]);
  });
});

/** `ingest(a).enabled` of a vhost as `vhost.ingest.enabled`. */
function pathOf(kind: string, directive: string): string {
  return `${kind === 'vhost-changed' ? 'vhost.' : ''}${directive.replaceAll(/\([^)]*\)/g, '')}`;
}

describe('keepUnchanged', () => {
  it('C004 keeps the objects of vhosts and of their sections that are as they were', () => {
    const before = load('vhost a { hls { enabled on; } } vhost b { }');
    const after = keepUnchanged(before, load('vhost a { gop_cache off; hls { enabled on; } } vhost b { }'));
    expect(after).not.toBe(before);
    expect(after.vhosts.get('b')).toBe(before.vhosts.get('b'));
    expect(after.vhosts.get('a')).not.toBe(before.vhosts.get('a'));
    expect(after.vhosts.get('a')?.hls).toBe(before.vhosts.get('a')?.hls);
    expect(after.vhosts.get('a')?.play.gopCache).toBe(false);
    expect(after.listen).toBe(before.listen);
  });

  it('gives what equals the new value, and the old object for what equals the old one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        expect(keepUnchanged(before, after)).toEqual(after);
        const copy: unknown = structuredClone(before);
        if (!JSON.stringify(before).includes('-0')) expect(keepUnchanged<unknown>(before, copy)).toBe(before);
      }),
    );
  });

  it('takes a change of the order of vhosts for a change', () => {
    const before = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    const after = new Map([
      ['b', 2],
      ['a', 1],
    ]);
    expect([...keepUnchanged(before, after).keys()]).toEqual(['b', 'a']);
    expect(keepUnchanged(before, new Map(before))).toBe(before);
  });
});
