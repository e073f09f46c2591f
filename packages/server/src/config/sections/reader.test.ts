import { describe, expect, it } from 'vitest';

import { loadConfig } from '../load.ts';

function load(text: string) {
  return loadConfig({ text: `listen 1935; ${text}`, env: {} });
}

describe('blocks that say the same', () => {
  it('have one value, whatever their layout', () => {
    const { vhosts } = load(
      'vhost a { play { queue_length 5; } hls { hls_fragment 5; } }\nvhost b {\n hls { hls_fragment 5; }\n play {\n queue_length 5;\n } }',
    );
    const [a, b] = [vhosts.get('a'), vhosts.get('b')];
    expect(a?.play.queueLengthMs).toBe(5000);
    expect(b?.play).toBe(a?.play);
    expect(b?.hls).toBe(a?.hls);
    expect(b?.dvr).toBe(a?.dvr);
    expect(b?.name).toBe('b');
  });

  it('are told apart by every word', () => {
    const { vhosts } = load(
      'vhost a { refer { all "x y"; } } vhost b { refer { all x y; } } vhost c { refer { all x; play y; } }',
    );
    expect([...vhosts.values()].map(({ refer }) => [refer.all, refer.play])).toEqual([
      [['x y'], []],
      [['x', 'y'], []],
      [['x'], ['y']],
    ]);
  });

  it('are each noted, warned of and refused', () => {
    const inactive = 'exec { enabled on; }';
    expect(load(`vhost a { ${inactive} } vhost b { ${inactive} }`).inactive).toHaveLength(2);
    const off = load(`vhost a { enabled off; ${inactive} } vhost b { ${inactive} }`);
    expect(off.inactive.map(({ path }) => path)).toEqual(['vhost(b).exec']);
    const nested = 'http_remux { enabled on; has_audio off; }';
    const once = load(`vhost a { enabled off; ${nested} } vhost b { ${nested} } vhost c { ${nested} }`);
    expect(once.inactive.map(({ path }) => path)).toEqual([
      'vhost(b).http_remux.has_audio',
      'vhost(c).http_remux.has_audio',
    ]);
    const repeated = 'play { atc on; atc off; }';
    expect(load(`vhost a { ${repeated} } vhost b { ${repeated} }`).warnings).toHaveLength(2);
    const bad = 'play { atc maybe; }';
    expect(() => load(`vhost a { ${bad} }\nvhost b { ${bad} }`)).toThrow(/:1:[^]*:2:/);
    const open = 'play {\n atc on\n queue_length 5;\n }';
    const ended = load(`vhost a { ${open} } vhost b { ${open} }`).warnings;
    expect(ended.map(({ line }) => line)).toEqual([2, 5]);
  });
});
