import { describe, expect, it } from 'vitest';
import { ConfigError, environmentVariables, loadConfig } from './index.ts';
import type { Config, Environment } from './index.ts';

const FILE = 'listen 1935; max_connections 10; srs_log_tank file; http_stream { enabled off; listen 8081; } ';

function load(
  env: Environment,
  vhost = 'vhost __defaultVhost__ { gop_cache off; play { queue_length 5; } }',
): Config {
  return loadConfig({ text: FILE + vhost, env });
}

function defaultVhostOf(config: Config) {
  const vhost = config.vhosts.get('__defaultVhost__');
  if (vhost === undefined) throw new Error('no default vhost');
  return vhost;
}

describe('the environment', () => {
  it('goes over the file', () => {
    const config = load({
      SRS_LISTEN: '1936 127.0.0.1:1937',
      SRS_MAX_CONNECTIONS: '20',
      SRS_DAEMON: 'off',
      SRS_HTTP_API_ENABLED: 'on',
      SRS_HTTP_API_LISTEN: '127.0.0.1:1985',
      SRS_HTTP_SERVER_ENABLED: 'on',
      SRS_LIMITS_HANDSHAKE_TIMEOUT: '3s',
      SRS_HEARTBEAT_URL: 'http://a/b',
      SRS_RTC_SERVER_CANDIDATE: '10.0.0.1',
      SRS_STREAM_CASTER_LISTEN: '554',
      OTHER: 'x',
    });
    expect(config).toMatchObject({
      listen: [{ port: 1936 }, { host: '127.0.0.1', port: 1937 }],
      maxConnections: 20,
      daemon: false,
      httpApi: { enabled: true },
      httpServer: { enabled: true, listen: [{ port: 8081 }] },
      limits: { handshakeTimeoutMs: 3000 },
      heartbeat: { url: 'http://a/b' },
      rtcServer: { candidates: ['10.0.0.1'] },
      streamCasters: [{ listen: [{ port: 554 }] }],
    });
    expect(config.warnings).toEqual([]);
  });

  it.each(['SRS_LOG_TANK', 'SRS_SRS_LOG_TANK'])('takes %s', (name) => {
    expect(load({ [name]: 'console' }).log.tank).toBe('console');
  });

  it('sets the default vhost, in both spellings', () => {
    const vhost = defaultVhostOf(
      load({
        SRS_VHOST_MIN_LATENCY: 'on',
        SRS_VHOST_PLAY_GOP_CACHE: 'on',
        SRS_VHOST_QUEUE_LENGTH: '7',
        SRS_VHOST_MR_ENABLED: 'on',
        SRS_VHOST_PUBLISH_MR_LATENCY: '200',
        SRS_VHOST_HLS_HLS_FRAGMENT: '4',
        SRS_VHOST_DVR_DVR_PLAN: 'append',
        SRS_VHOST_HTTP_REMUX_ENABLED: 'on',
        SRS_VHOST_HTTP_REMUX_MOUNT: '/a.flv /b.flv',
        SRS_VHOST_HTTP_HOOKS_ON_PUBLISH: 'http://a/1 http://b/2',
        SRS_VHOST_HTTP_STATIC_DIR: '/path with blank',
        SRS_VHOST_FORWARD: '127.0.0.1:1936',
        SRS_VHOST_VHOST: 'other',
        SRS_VHOST_REFER_ENABLED: 'on',
        SRS_VHOST_REFER_PLAY: 'a.com',
        SRS_VHOST_SECURITY_ALLOW: 'play all',
      }),
    );
    expect(vhost).toMatchObject({
      minLatency: true,
      play: { gopCache: true, queueLengthMs: 7000 },
      publish: { mergedRead: { enabled: true, latencyMs: 200 } },
      hls: { fragmentMs: 4000 },
      dvr: { plan: 'append' },
      httpRemux: { enabled: true, mounts: ['/a.flv', '/b.flv'] },
      httpHooks: { onPublish: ['http://a/1', 'http://b/2'] },
      httpStatic: { dir: '/path with blank' },
      forward: { enabled: true, destinations: ['127.0.0.1:1936'] },
      cluster: { vhost: 'other' },
      refer: { enabled: true, play: ['a.com'] },
      security: { allow: [{ action: 'play', who: 'all' }] },
    });
  });

  it('makes the default vhost where the file has none, and leaves the others alone', () => {
    const config = load({ SRS_VHOST_MIN_LATENCY: 'on' }, 'vhost a { }');
    expect([...config.vhosts].map(([name, vhost]) => [name, vhost.minLatency])).toEqual([
      ['a', false],
      ['__defaultVhost__', true],
    ]);
  });

  it('is all there is with environmentOnly or SRS_ENV_ONLY', () => {
    for (const config of [
      loadConfig({ env: { SRS_LISTEN: '1' }, environmentOnly: true }),
      loadConfig({ env: { SRS_LISTEN: '1', SRS_ENV_ONLY: 'on', SRS_CONFIG_FILE: 'none.conf' } }),
    ]) {
      expect(config.listen).toEqual([{ port: 1 }]);
      expect([...config.vhosts.keys()]).toEqual(['__defaultVhost__']);
      expect(config.warnings).toEqual([]);
    }
  });

  it('names the file by SRS_CONFIG_FILE', () => {
    const readFile = (path: string): string => (path === 'a.conf' ? 'listen 7; vhost a { }' : '');
    expect(loadConfig({ env: { SRS_CONFIG_FILE: 'a.conf' }, readFile }).listen).toEqual([{ port: 7 }]);
    expect(() => loadConfig({ env: {} })).toThrow('no configuration file is named');
  });

  it('names the variable of a wrong value', () => {
    expect(() => load({ SRS_CHUNK_SIZE: '1', SRS_VHOST_GOP_CACHE: 'yes' })).toThrow(ConfigError);
    try {
      load({ SRS_CHUNK_SIZE: '1', SRS_VHOST_GOP_CACHE: 'yes' });
    } catch (error) {
      expect(error).toMatchObject({
        message:
          'environment: SRS_CHUNK_SIZE: `chunk_size`: 1 is out of range: 128 to 65536\n' +
          'environment: SRS_VHOST_GOP_CACHE: `gop_cache`: expected `on` or `off`, not `yes`',
      });
    }
  });

  it('warns of a name that stands for nothing, and ignores it', () => {
    const config = load({ SRS_LISTN: '1', SRS_VHOST_PLAY_GOP_CACH: 'on', SRS_: 'x' });
    expect(config.listen).toEqual([{ port: 1935 }]);
    expect(config.warnings.map(({ message }) => message)).toEqual([
      'the environment variable `SRS_LISTN` stands for no directive; did you mean `SRS_LISTEN`?',
      'the environment variable `SRS_VHOST_PLAY_GOP_CACH` stands for no directive; did you mean `SRS_VHOST_PLAY_GOP_CACHE`?',
      'the environment variable `SRS_` stands for no directive',
    ]);
  });

  it('takes an empty variable as not set', () => {
    expect(load({ SRS_LISTEN: '', SRS_MAX_CONNECTIONS: ' ', SRS_DAEMON: undefined }).maxConnections).toBe(10);
  });

  it('notes inactive directives by their variable', () => {
    expect(load({ SRS_VHOST_DASH_ENABLED: 'on' }).inactive).toEqual([
      { path: 'vhost(__defaultVhost__).dash', file: 'SRS_VHOST_DASH_ENABLED', line: 0 },
    ]);
  });

  it('knows more than 250 names, each a path of its own', () => {
    const variables = environmentVariables();
    expect(variables.size).toBeGreaterThan(250);
    expect(variables.get('SRS_VHOST_PLAY_ATC')).toEqual(['vhost', 'play', 'atc']);
    expect(variables.get('SRS_EXPORTER_ENABLED')).toEqual(['exporter', 'enabled']);
    expect(variables.get('SRS_VHOST_REFER_PLAY')).toEqual(['vhost', 'refer', 'play']);
    expect(variables.has('SRS_VHOST_TRANSCODE_ENGINE_VCODEC')).toBe(true);
  });

  it('SRS_VHOST_CLUSTER_VHOST goes over the `vhost` of a cluster, which is no vhost', () => {
    const text = 'listen 1935; vhost __defaultVhost__ { cluster { vhost file; } }';
    const { vhosts } = loadConfig({ text, env: { SRS_VHOST_CLUSTER_VHOST: 'variable' } });
    expect([...vhosts.values()].map(({ cluster }) => cluster.vhost)).toEqual(['variable']);
  });
});
