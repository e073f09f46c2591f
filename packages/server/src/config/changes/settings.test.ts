import { describe, expect, it } from 'vitest';

import { findSetting, SettingError, settingValue } from './settings.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe('findSetting', () => {
  it.each([
    ['vhost', 'hls.hls_fragment', 'hls.hls_fragment'],
    ['vhost', 'enabled', 'enabled'],
    ['vhost', 'gop_cache', 'play.gop_cache'],
    ['vhost', 'mr', 'publish.mr'],
    ['vhost', 'mr.latency', 'publish.mr_latency'],
    ['vhost', 'publish.publish_1stpkt_timeout', 'publish.firstpkt_timeout'],
    ['vhost', 'http.enabled', 'http_static.enabled'],
    ['vhost', 'ingest(film.one).enabled', 'ingest(film.one).enabled'],
    ['vhost', 'security.allow', 'security.allow'],
    ['root', 'max_connections', 'max_connections'],
    ['root', 'limits.handshake_timeout', 'limits.handshake_timeout'],
    ['root', 'http_stream.dir', 'http_server.dir'],
  ] as const)('C005 in the %s: %s is %s', (scope, name, wanted) => {
    expect(findSetting(scope, name).name).toBe(wanted);
  });

  it.each([
    ['vhost', 'hls_fragment', 'unknown-setting', 'did you mean `hls.hls_fragment`?'],
    ['vhost', 'hls.hls_fragmen', 'unknown-setting', 'did you mean `hls.hls_fragment`?'],
    ['vhost', 'max_connections', 'unknown-setting', 'it belongs in the root'],
    ['root', 'play.gop_cache', 'unknown-setting', 'it belongs in a vhost'],
    ['vhost', 'hls', 'unknown-setting', '`hls` is a block: name a directive in it, such as `hls.enabled`'],
    ['vhost', 'gop_cache.enabled', 'unknown-setting', 'gop_cache.enabled'],
    ['vhost', '', 'unknown-setting', 'unknown directive'],
    ['vhost', 'hls.', 'unknown-setting', 'hls.'],
    ['vhost', '.hls', 'unknown-setting', '.hls'],
    ['vhost', 'hls..enabled', 'unknown-setting', 'hls..enabled'],
    ['vhost', 'hls(a).enabled', 'unknown-setting', 'hls(a)'],
    ['vhost', '__proto__', 'unknown-setting', '__proto__'],
    ['vhost', 'constructor.name', 'unknown-setting', 'constructor'],
    ['vhost', 'ingest.enabled', 'unknown-setting', 'ingest(NAME).enabled'],
    ['vhost', 'refer_play', 'unknown-setting', 'refer_play'],
    ['root', 'vhost(a).enabled', 'unknown-setting', "vhost's own name"],
    ['vhost', 'cluster.mode', 'setting-not-live', 'no effect in this version'],
    ['vhost', 'mode', 'setting-not-live', '`mode` has no effect'],
    ['root', 'daemon', 'setting-not-live', 'counts after a restart only: change it in the file'],
    ['root', 'work_dir', 'setting-not-live', 'after a restart'],
    ['root', 'http_api.auth.password', 'setting-guarded', 'changed in the file only'],
    ['root', 'http_api.raw_api.allow_update', 'setting-guarded', 'changed in the file only'],
  ] as const)('C005 in the %s: %s is refused by %s', (scope, name, code, words) => {
    const told = codeOf(() => findSetting(scope, name));
    expect(told).toContain(`${code}: `);
    expect(told).toContain(words);
  });

  it('knows secrets by their names', () => {
    expect(findSetting('vhost', 'token.secret').secret).toBe(true);
    expect(findSetting('vhost', 'bandcheck.key').secret).toBe(true);
    expect(findSetting('vhost', 'hls.hls_fragment').secret).toBe(false);
  });
});

describe('settingValue', () => {
  it.each([
    ['hls.hls_fragment', 5, '5'],
    ['hls.hls_fragment', '5', '5'],
    ['enabled', false, 'off'],
    ['enabled', 'off', 'off'],
    ['enabled', null, null],
    ['http_hooks.on_play', 'http://a/ http://b/', ['http://a/', 'http://b/']],
    ['http_hooks.on_play', ['http://a/ b'], ['http://a/ b']],
    ['http_hooks.on_play', [], null],
    ['security.allow', 'play all', ['play all']],
    ['security.allow', ['play all', 'publish 10.0.0.0/8'], ['play all', 'publish 10.0.0.0/8']],
    ['refer.play', [1, true], ['1', 'on']],
  ])('C005 %s: %j is %j', (name, given, wanted) => {
    expect(settingValue(findSetting('vhost', name), given)).toEqual(wanted);
  });

  it.each([
    ['hls.hls_fragment', ['5'], 'takes one value'],
    ['hls.hls_fragment', { a: 1 }, 'takes a text, a number'],
    ['hls.hls_fragment', undefined, 'takes a text, a number'],
    ['security.allow', [['play', 'all']], 'takes a text, a number'],
    ['refer.play', Array.from({ length: 1001 }, () => 'a'), 'takes 1000 values at most'],
  ])('C005 %s: %j is refused', (name, given, words) => {
    expect(codeOf(() => settingValue(findSetting('vhost', name), given))).toContain(words);
  });
});
