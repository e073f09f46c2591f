import { describe, expect, it } from 'vitest';
import {
  ConfigError,
  DEFAULT_VHOST,
  defaultConfig,
  defaultVhost,
  findVhost,
  loadConfig,
  resolveConfig,
} from './index.ts';
import type { ServerOptions } from './index.ts';

describe('resolveConfig', () => {
  it('without options is the defaults and a default vhost', () => {
    const defaults = defaultConfig();
    expect(resolveConfig()).toEqual({
      ...defaults,
      httpApi: { ...defaults.httpApi, listen: [{ host: '127.0.0.1', port: 1985 }] },
      vhosts: new Map([['__defaultVhost__', defaultVhost()]]),
    });
  });

  it('fills in what is left out', () => {
    const config = resolveConfig({
      listen: [0, '127.0.0.1:1936', { host: '::1', port: 1937 }],
      chunkSize: 4096,
      log: { tank: 'console' },
      httpServer: { listen: [0] },
      httpApi: { enabled: false, crossdomain: false },
      vhosts: {
        a: { play: { gopCache: false }, publish: { mergedRead: { enabled: true } } },
        b: { chunkSize: 128 },
      },
    });
    expect(config).toMatchObject({
      listen: [{ port: 0 }, { host: '127.0.0.1', port: 1936 }, { host: '::1', port: 1937 }],
      log: { tank: 'console', level: 'trace' },
      httpServer: { enabled: true, listen: [{ port: 0 }], dir: './objs/nginx/html' },
      httpApi: { enabled: false, crossdomain: false, listen: [{ host: '127.0.0.1', port: 1985 }] },
    });
    expect(config.vhosts.get('a')).toEqual({
      ...defaultVhost('a'),
      chunkSize: 4096,
      play: { ...defaultVhost().play, gopCache: false },
      publish: { ...defaultVhost().publish, mergedRead: { enabled: true, latencyMs: 350 } },
    });
    expect(config.vhosts.get('b')?.chunkSize).toBe(128);
  });

  it.each<[unknown, string, RegExp]>([
    [{ listen: ['x'] }, 'config-value', /`listen`: expected `port`/],
    [{ listen: [70_000] }, 'config-value', /`listen`: port 70000 is out of range/],
    [{ chunkSize: 1 }, 'config-value', /`chunkSize`: 1 is out of range: 128 to 65536/],
    [{ chunkSize: '1' }, 'config-value', /expected a number, not a string/],
    [{ maxConnections: Number.NaN }, 'config-value', /finite/],
    [
      { chunksize: 200 },
      'config-unknown-directive',
      /`chunksize`: unknown option; did you mean `chunkSize`\?/,
    ],
    [{ limits: 3 }, 'config-value', /`limits`: expected an object/],
    [{ limits: { maxMessageBytes: 1 } }, 'config-value', /`limits.maxMessageBytes`: 1 is out of range/],
    [{ httpApi: { listn: [1] } }, 'config-unknown-directive', /`httpApi.listn`/],
    [
      { vhosts: { a: { play: { gopCach: true } } } },
      'config-unknown-directive',
      /`vhosts.a.play.gopCach`: unknown option/,
    ],
    [
      { vhosts: { a: { play: { timeJitter: 'x' } } } },
      'config-value',
      /`vhosts.a.play.timeJitter`: expected one of full, zero, off/,
    ],
    [{ vhosts: { a: { httpRemux: { mounts: ['/a.mp4'] } } } }, 'config-value', /must end in/],
    [{ vhosts: { a: { httpRemux: { mounts: '/a.flv' } } } }, 'config-value', /expected a list, not a string/],
    [{ vhosts: { a: { publish: { mergedRead: { latencyMs: -1 } } } } }, 'config-value', /-1 is out of range/],
  ])('refuses %j', (options, code, message) => {
    let caught: unknown;
    try {
      resolveConfig(options as ServerOptions);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ConfigError);
    expect(caught).toMatchObject({
      code,
      file: 'options',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('findVhost (R034)', () => {
  const text = 'listen 1935; vhost a.com { } vhost off.com { enabled off; } ';
  const withDefault = loadConfig({ text: `${text} vhost __defaultVhost__ { }`, env: {} });
  const without = loadConfig({ text, env: {} });

  it.each([
    ['a.com', 'a.com', 'a.com'],
    ['A.com', 'a.com', 'a.com'],
    ['b.com', DEFAULT_VHOST, undefined],
    ['', '__defaultVhost__', undefined],
    ['off.com', undefined, undefined],
    ['__proto__', '__defaultVhost__', undefined],
  ])('R034 %s', (host, expected, expectedWithout) => {
    expect(findVhost(withDefault, host)?.name).toBe(expected);
    expect(findVhost(without, host)?.name).toBe(expectedWithout);
  });
});
