import { describe, expect, it } from 'vitest';
import { CASES } from '../cases/index.ts';
import { sluiceConfig } from '../servers/index.ts';
import { parseArguments } from './arguments.ts';
import { RunError } from './errors.ts';
import { parseCoreList } from './system.ts';

describe('parseArguments', () => {
  it('takes cases and flags', () => {
    expect(parseArguments([], ['a'])).toEqual({ cases: [], quick: false, list: false, help: false });
    expect(parseArguments(['--case', 'a', '--case', 'b', '--quick'], ['a', 'b'])).toMatchObject({
      cases: ['a', 'b'],
      quick: true,
    });
  });

  it('refuses what it does not know, and names what there is', () => {
    expect(() => parseArguments(['--case', 'x'], ['a', 'b'])).toThrow(/a, b/);
    expect(() => parseArguments(['--fast'], [])).toThrow(RunError);
  });
});

describe('CASES', () => {
  it('have names of their own', () => {
    expect(new Set(CASES.map((one) => one.name)).size).toBe(CASES.length);
  });
});

describe('parseCoreList', () => {
  it('reads what taskset prints', () => {
    expect(parseCoreList('0-2,5')).toEqual([0, 1, 2, 5]);
    expect(parseCoreList('3')).toEqual([3]);
    expect(parseCoreList('')).toEqual([]);
  });
});

const ports = { rtmp: 1, http: 2, api: 3, exporter: 4 };

describe('sluiceConfig', () => {
  it('switches only what a case asks for', () => {
    expect(sluiceConfig('/tmp/x', ports, {})).toContain('mr off');
    expect(sluiceConfig('/tmp/x', ports, { mergedRead: true })).toContain('mr on');
    expect(sluiceConfig('/tmp/x', ports, { queue: { seconds: 5, bytes: 9 } })).toContain(
      'queue_length 5; queue_max_bytes 9;',
    );
    expect(sluiceConfig('/tmp/x', ports, {})).not.toMatch(/hls|dvr/);
    const hls = { fragmentSeconds: 4, windowSeconds: 20 };
    expect(sluiceConfig('/tmp/x', ports, { hls, dvr: true })).toMatch(
      /hls { enabled on; .*hls_fragment 4; hls_window 20; }[^]*dvr { enabled on; /,
    );
    expect(sluiceConfig('/tmp/x', ports, { files: '/srv' })).toContain('dir /srv;');
    const hooks = { url: 'http://h/', events: ['on_connect', 'on_play'] };
    expect(sluiceConfig('/tmp/x', ports, { hooks })).toContain('on_connect http://h/; on_play http://h/;');
    const vhosts = { count: 3, queueSeconds: 7 };
    expect(sluiceConfig('/tmp/x', ports, { vhosts }).match(/^vhost v\d/gm)).toHaveLength(3);
  });
});
