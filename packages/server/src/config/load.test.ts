import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, defaultConfig, defaultVhost, loadConfig } from './index.ts';
import type { Config, Environment } from './index.ts';

function load(text: string, env: Environment = {}): Config {
  return loadConfig({ text, file: 'x.conf', env });
}

function fault(text: string, env: Environment = {}): ConfigError {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`no error: ${text}`);
}

/** The default vhost of a file with `listen 1935` and this in the vhost. */
function vhostOf(text: string) {
  const vhost = load(`listen 1935; vhost v { ${text} }`).vhosts.get('v');
  if (vhost === undefined) throw new Error('no vhost');
  return vhost;
}

/** A file of SRS 2, with most of its constructs. */
const SRS_2 = `
listen              1935 127.0.0.1:1936 [::1]:1937;   # three
pid                 ./objs/srs.pid;
chunk_size          60000;
ff_log_dir          ./objs;
srs_log_tank        file;
srs_log_level       trace;
srs_log_file        ./objs/srs.log;
max_connections     1000;
daemon              on;
utc_time            off;
work_dir ./;
asprocess off;
query_latest_version on;
pithy_print_ms      10000;
heartbeat { enabled off; interval 9.3; url http://127.0.0.1:8085/api/v1/servers; device_id "my srs"; summaries off; }
stats { network 0; disk sda sdb; }
http_api { enabled on; listen 1985; crossdomain on; }
http_stream { enabled on; listen 8080; dir ./objs/nginx/html; }
stream_caster { enabled off; caster mpegts_over_udp; output rtmp://127.0.0.1/live/livestream; listen 8935; }
stream_caster { enabled on; caster rtsp; output rtmp://127.0.0.1/[app]/[stream]; listen 554; rtp_port_min 57200; rtp_port_max 57300; }
vhost __defaultVhost__ { }
vhost all.example.com {
    enabled on; chunk_size 128; gop_cache off; queue_length 10; min_latency on; tcp_nodelay on;
    mr { enabled on; latency 300; } mw_latency 100;
    atc on; atc_auto off; time_jitter zero; mix_correct on;
    send_min_interval 10.0; reduce_sequence_header on; publish_1stpkt_timeout 20000; publish_normal_timeout 7000;
    refer github.com github.io; refer_publish a.com; refer_play b.com;
    forward 127.0.0.1:1936 127.0.0.1:1937;
    security { enabled on; allow play all; allow publish 10.0.0.0/8; deny publish 10.0.0.1; }
    bandcheck { enabled on; key "35c9"; interval 30; limit_kbps 4000; }
    http { enabled on; mount [vhost]/hls; dir ./objs/nginx/html/hls; }
    http_remux { enabled on; fast_cache 30; mount [vhost]/[app]/[stream].flv; hstrs on; }
    hls { enabled on; hls_fragment 10; hls_td_ratio 1.5; hls_aof_ratio 2.0; hls_window 60; hls_on_error continue;
        hls_path ./objs; hls_m3u8_file [app]/[stream].m3u8; hls_ts_file [app]/[stream]-[seq].ts; hls_ts_floor off;
        hls_entry_prefix http://your-server; hls_acodec aac; hls_vcodec h264; hls_cleanup on; hls_dispose 0;
        hls_nb_notify 64; hls_wait_keyframe on; hls_storage both; hls_mount [vhost]/[app]/[stream].m3u8; }
    hds { enabled on; hds_fragment 10; hds_window 60; hds_path ./objs; }
    dvr { enabled on; dvr_plan segment; dvr_path ./[app]/[stream].[timestamp].flv; dvr_duration 30; time_jitter full; }
    http_hooks { enabled on; on_connect http://a/x http://b/y; on_hls_notify http://a/[app]/[stream]/[ts_url][param]; }
    ingest livestream { enabled on; input { type file; url ./a.flv; } ffmpeg ./ffmpeg;
        engine { enabled off; output rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream; } }
    transcode live/livestream { enabled on; ffmpeg ./ffmpeg;
        engine ff { enabled on; iformat flv;
            vfilter { i ./logo.png; filter_complex 'overlay=10:10'; vf 'split [main][tmp]; [tmp] crop=iw:ih/2'; }
            vcodec libx264; vbitrate 1500; vfps 25; vwidth 768; vheight 320; vthreads 12; vprofile main; vpreset medium;
            vparams { t 100; coder 1; } acodec libfdk_aac; abitrate 70; asample_rate 44100; achannels 2;
            aparams { profile:a aac_low; } oformat flv; output rtmp://127.0.0.1:[port]/[app]?vhost=[vhost]/[stream]_[engine]; } }
}
vhost edge.example.com { mode remote; origin 127.0.0.1:1935 localhost:1935; token_traverse off; vhost same.example.com; debug_srs_upnode on; }
vhost removed.example.com { enabled off; hls { enabled on; } }
`;

/** The same kind of file in the words of SRS 3 and later. */
const SRS_LATER = `
listen 1935; max_connections 1000; daemon off; srs_log_tank console; server_id x; grace_start_wait 2300; inotify_auto_reload off;
http_api { enabled on; listen 1985; raw_api { enabled on; allow_reload on; } auth { enabled on; username a; password b; }
    https { enabled on; listen 1990; key ./conf/server.key; cert ./conf/server.crt; } }
http_server { enabled on; listen 8080; dir ./objs/nginx/html; https { enabled on; listen 8088; } }
rtc_server { enabled on; listen 8000; candidate $CANDIDATE; tcp { enabled off; listen 8000; } }
srt_server { enabled on; listen 10080; maxbw 1000000000; connect_timeout 4000; peerlatency 0; recvlatency 0; tlpktdrop on; default_streamid "#!::r=live/livestream,m=publish"; }
exporter { enabled on; listen 9972; label cn-beijing; tag cn-edge; }
vhost __defaultVhost__ {
    min_latency on; tcp_nodelay on;
    publish { mr on; mr_latency 300; firstpkt_timeout 10000; normal_timeout 7000; parse_sps off; kickoff_for_idle 0; }
    play { gop_cache off; gop_cache_max_frames 2500; queue_length 10; time_jitter zero; mix_correct on; atc on; atc_auto off;
        mw_latency 100; mw_msgs 0; send_min_interval 10.0; reduce_sequence_header on; }
    cluster { mode remote; origin 127.0.0.1:1935; token_traverse on; vhost a; debug_srs_upnode off; origin_cluster off; coworkers 127.0.0.1:9091; }
    refer { enabled on; all github.com github.io; publish a.com; play b.com; }
    forward { enabled on; destination 127.0.0.1:1936; backend http://127.0.0.1:8085/api/v1/forward; }
    hls { enabled on; hls_ctx off; hls_ts_ctx off; hls_keys on; hls_fragments_per_key 5; hls_key_url https://localhost:8080; }
    dvr { enabled on; dvr_apply all; dvr_plan session; }
    dash { enabled on; dash_fragment 10; dash_update_period 5; dash_timeshift 300; dash_path ./objs; dash_mpd_file [app]/[stream].mpd; }
    rtc { enabled on; rtmp_to_rtc on; rtc_to_rtmp on; stun_timeout 30; nack on; twcc on; }
    srt { enabled on; srt_to_rtmp on; }
    http_remux { enabled on; mount [vhost]/[app]/[stream].flv; drop_if_not_match on; has_audio on; has_video on; guess_has_av on; }
    http_hooks { enabled on; on_forward http://a/x; }
    exec { enabled on; publish ./ffmpeg -i [url] -c copy -y ./[stream].flv; }
}
`;

const PLAY = {
  gopCache: false,
  queueLengthMs: 10_000,
  timeJitter: 'zero',
  mixCorrect: true,
  atc: true,
  atcAuto: false,
  mergedWriteLatencyMs: 100,
  sendMinIntervalMs: 10,
  reduceSequenceHeader: true,
};
const REFER = { enabled: true, all: ['github.com', 'github.io'], publish: ['a.com'], play: ['b.com'] };

describe('loadConfig', () => {
  it('C002 C003 reads a file of SRS 2', () => {
    const config = load(SRS_2);
    expect(config.listen).toEqual([
      { port: 1935 },
      { host: '127.0.0.1', port: 1936 },
      { host: '::1', port: 1937 },
    ]);
    expect(config.httpServer).toMatchObject({
      enabled: true,
      listen: [{ port: 8080 }],
      dir: './objs/nginx/html',
    });
    expect(config.heartbeat).toMatchObject({ intervalMs: 9300, deviceId: 'my srs' });
    expect(config.streamCasters.map(({ caster, enabled }) => [caster, enabled])).toEqual([
      ['mpegts_over_udp', false],
      ['rtsp', true],
    ]);
    const vhost = config.vhosts.get('all.example.com');
    expect(vhost).toMatchObject({
      chunkSize: 128,
      minLatency: true,
      tcpNodelay: true,
      publish: {
        firstPacketTimeoutMs: 20_000,
        normalTimeoutMs: 7000,
        mergedRead: { enabled: true, latencyMs: 300 },
      },
      play: PLAY,
      refer: REFER,
      httpStatic: { enabled: true, mount: '[vhost]/hls', dir: './objs/nginx/html/hls' },
      httpRemux: { enabled: true, mounts: ['[vhost]/[app]/[stream].flv'], hstrs: true, fastCacheSeconds: 30 },
      forward: { enabled: true, destinations: ['127.0.0.1:1936', '127.0.0.1:1937'] },
      security: {
        allow: [
          { action: 'play', who: 'all' },
          { action: 'publish', who: '10.0.0.0/8' },
        ],
        deny: [{ action: 'publish', who: '10.0.0.1' }],
      },
      hls: { enabled: true, fragmentMs: 10_000, onError: 'continue', storage: 'both' },
      dvr: { plan: 'segment', durationMs: 30_000 },
      httpHooks: { onConnect: ['http://a/x', 'http://b/y'] },
    });
    expect(vhost?.ingests).toMatchObject([{ label: 'livestream', input: { type: 'file', url: './a.flv' } }]);
    const [transcode] = vhost?.transcodes ?? [];
    expect(transcode?.label).toBe('live/livestream');
    expect(transcode?.engines).toMatchObject([
      {
        label: 'ff',
        videoBitrateKbps: 1500,
        videoFilter: [
          { name: 'i', value: './logo.png' },
          { name: 'filter_complex', value: 'overlay=10:10' },
          { name: 'vf', value: 'split [main][tmp]; [tmp] crop=iw:ih/2' },
        ],
        audioOptions: [{ name: 'profile:a', value: 'aac_low' }],
      },
    ]);
    expect(config.vhosts.get('edge.example.com')?.cluster).toMatchObject({
      mode: 'remote',
      origins: ['127.0.0.1:1935', 'localhost:1935'],
      vhost: 'same.example.com',
    });
    expect(config.warnings).toMatchObject([
      { message: expect.stringContaining('the API has no password') as string },
    ]);
  });

  it('names what it does not act on, but nothing that is off', () => {
    const inactive = load(SRS_2).inactive;
    expect(inactive.map(({ path }) => path).sort()).toEqual(
      [
        'query_latest_version',
        'stream_caster',
        ...['forward', 'ingest(livestream).input.type file', 'transcode'].map(
          (block) => `vhost(all.example.com).${block}`,
        ),
        'vhost(edge.example.com).cluster',
      ].sort(),
    );
    expect(inactive.find(({ path }) => path === 'stream_caster')).toMatchObject({ file: 'x.conf', line: 21 });
    expect(
      load('listen 1935; vhost v { ingest x { enabled on; input { type loop; url a.flv; } } }').inactive,
    ).toEqual([]);
    expect(load('listen 1935; vhost v { play { mw_msgs 8; } }').inactive).toMatchObject([
      { path: 'vhost(v).play.mw_msgs' },
    ]);
  });

  it('reads a file of later versions to the same values', () => {
    const config = load(SRS_LATER, { CANDIDATE: '192.168.1.10' });
    expect(config.rtcServer.candidates).toEqual(['192.168.1.10']);
    expect(config.srtServer).toMatchObject({ connectTimeoutMs: 4000 });
    expect(config.vhosts.get('__defaultVhost__')).toMatchObject({
      publish: {
        firstPacketTimeoutMs: 10_000,
        normalTimeoutMs: 7000,
        parseSps: false,
        mergedRead: { enabled: true },
      },
      play: PLAY,
      refer: REFER,
      cluster: { mode: 'remote', origins: ['127.0.0.1:1935'], debugUpnode: false },
      exec: { publish: ['./ffmpeg', '-i', '[url]', '-c', 'copy', '-y', './[stream].flv'] },
    });
    expect(config.httpApi).toMatchObject({
      rawApi: { enabled: true, allowReload: true, allowQuery: false, allowUpdate: false },
      auth: { enabled: true, username: 'a', password: 'b' },
    });
    expect(config.httpApi.https).toMatchObject({
      enabled: true,
      listen: [{ port: 1990 }],
      key: ['./conf/server.key'],
      cert: ['./conf/server.crt'],
    });
    expect(config.inactive.map(({ path }) => path)).not.toContain('http_api.https');
    expect(config.warnings).toEqual([]);
  });

  it('has the defaults of spec 1.20', () => {
    expect(load('listen 1935; vhost v { }')).toEqual({
      ...defaultConfig(),
      vhosts: new Map([['v', defaultVhost('v')]]),
    });
    expect(defaultConfig()).toMatchObject({
      listen: [{ port: 1935 }],
      pid: './objs/srs.pid',
      chunkSize: 60_000,
      maxConnections: 1000,
      daemon: true,
      log: { tank: 'file', level: 'trace', file: './objs/srs.log', utc: false },
      httpApi: { enabled: false, listen: [{ port: 1985 }] },
      httpServer: { enabled: false, listen: [{ port: 8080 }], dir: './objs/nginx/html' },
      heartbeat: { enabled: false, intervalMs: 9900, url: 'http://127.0.0.1:8085/api/v1/servers' },
      pithyPrintMs: 10_000,
      ffLogDir: './objs',
      limits: { handshakeTimeoutMs: 10_000, maxMessageBytes: 16 * 1024 * 1024 },
    });
    expect(defaultVhost()).toMatchObject({
      name: '__defaultVhost__',
      enabled: true,
      chunkSize: 60_000,
      minLatency: false,
      publish: {
        firstPacketTimeoutMs: 20_000,
        normalTimeoutMs: 5000,
        parseSps: true,
        conflict: 'reject',
        mergedRead: { enabled: false, latencyMs: 350 },
      },
      play: {
        gopCache: true,
        queueLengthMs: 30_000,
        timeJitter: 'full',
        mixCorrect: false,
        atc: false,
        atcAuto: true,
      },
      httpRemux: { enabled: false, mounts: ['[vhost]/[app]/[stream].flv'], hstrs: true, fastCacheSeconds: 0 },
      httpStatic: { enabled: false, mount: '[vhost]/' },
      hls: {
        fragmentMs: 10_000,
        windowMs: 60_000,
        targetDurationRatio: 1,
        audioOverflowRatio: 2,
        onError: 'continue',
      },
      dvr: { plan: 'session', durationMs: 30_000, waitKeyframe: true },
      hds: { fragmentMs: 10_000, windowMs: 60_000 },
      bandcheck: { intervalMs: 30_000, limitKbps: 1000 },
      cluster: { tokenTraverse: false, debugUpnode: true, vhost: '[vhost]' },
      security: { enabled: false },
    });
    expect(defaultVhost().play.mergedWriteLatencyMs).toBe(350);
  });

  it('gives a vhost the chunk size of the root', () => {
    const config = load('listen 1935; vhost a { } chunk_size 4096; vhost b { chunk_size 128; }');
    expect([...config.vhosts.values()].map((vhost) => vhost.chunkSize)).toEqual([4096, 128]);
  });

  it.each([
    ['handshake_timeout 10s', 10_000],
    ['handshake_timeout 500ms', 500],
    ['handshake_timeout 0.5', 500],
    ['handshake_timeout 1.1', 1100],
    ['handshake_timeout 2m', 120_000],
  ])('reads the time %s', (text, expected) => {
    expect(load(`listen 1935; limits { ${text}; }`).limits.handshakeTimeoutMs).toBe(expected);
  });

  it.each([
    ['65536', 65_536],
    ['64k', 65_536],
    ['4M', 4 * 1024 * 1024],
  ])('reads the size %s', (text, expected) => {
    expect(load(`listen 1935; limits { max_message_bytes ${text}; }`).limits.maxMessageBytes).toBe(expected);
  });

  it('reads what is ours', () => {
    expect(
      vhostOf('publish { conflict takeover; } play { gop_cache_max_bytes 1m; queue_max_bytes 2m; }'),
    ).toMatchObject({
      publish: { conflict: 'takeover' },
      play: { gopCacheMaxBytes: 1_048_576, queueMaxBytes: 2_097_152 },
    });
    expect(vhostOf('http_remux { mount [vhost]/a.flv /b/[stream].flv; }').httpRemux.mounts).toHaveLength(2);
  });

  describe('given twice', () => {
    it('the first one counts, and the second is warned of and checked', () => {
      const config = load('listen 1935;\nchunk_size 200;\nchunk_size 300;\nvhost v {}');
      expect(config.chunkSize).toBe(200);
      expect(config.warnings).toEqual([
        { message: '`chunk_size` is given again; `chunk_size` of line 2 counts', file: 'x.conf', line: 3 },
      ]);
      expect(fault('listen 1935; chunk_size 200; chunk_size 1;').code).toBe('config-value');
    });

    it('the first block counts', () => {
      const config = load('listen 1935; vhost v { hls { hls_fragment 5; } hls { hls_fragment 6; } }');
      expect(config.vhosts.get('v')?.hls.fragmentMs).toBe(5000);
      expect(config.warnings).toHaveLength(1);
    });

    it.each(['gop_cache off; play { gop_cache on; }', 'play { gop_cache on; } gop_cache off;'])(
      'the block of later versions wins: %s',
      (text) => {
        expect(vhostOf(text).play.gopCache).toBe(true);
      },
    );

    it('a block and flat spellings complete each other', () => {
      expect(vhostOf('mw_latency 100; play { gop_cache off; } queue_length 10;').play).toMatchObject({
        gopCache: false,
        mergedWriteLatencyMs: 100,
        queueLengthMs: 10_000,
      });
      expect(vhostOf('refer_play a.com; refer { enabled off; }').refer).toMatchObject({
        enabled: false,
        play: ['a.com'],
      });
    });

    it('http_static wins over http', () => {
      expect(vhostOf('http { dir old; } http_static { dir new; }').httpStatic.dir).toBe('new');
    });
  });

  it('warns that nobody can connect without a vhost', () => {
    expect(load('listen 1935;').warnings.map(({ message }) => message)).toEqual([
      'no vhost is configured, so every client is refused; add `vhost __defaultVhost__ { }`',
    ]);
  });

  it.each<[string, string, number, RegExp]>([
    ['max_connections 10;', 'config-missing', 0, /`listen` is missing: add `listen 1935;`/],
    ['listen;', 'config-shape', 1, /`listen` takes 1 or more values, not 0: `listen ADDRESS …;`/],
    ['listen 0;', 'config-value', 1, /port 0 is out of range/],
    ['listen -1;', 'config-value', 1, /expected `port`, `ip:port` or `\[ipv6\]:port`, not `-1`/],
    ['listen 70000;', 'config-value', 1, /port 70000 is out of range/],
    ['listen 1935; chunk_size 127;', 'config-value', 1, /127 is out of range: 128 to 65536/],
    ['listen 1935; chunk_size 65537;', 'config-value', 1, /65537 is out of range/],
    ['listen 1935; chunk_size 6e4;', 'config-value', 1, /expected a whole number, not `6e4`/],
    ['listen 1935; max_connections 0;', 'config-value', 1, /0 is out of range: at least 1/],
    ['listen 1935; utc_time yes;', 'config-value', 1, /expected `on` or `off`, not `yes`/],
    [
      'listen 1935; srs_log_tank screen;',
      'config-value',
      1,
      /expected one of `file`, `console`, not `screen`/,
    ],
    ['listen 1935; chunk_size 200 300;', 'config-shape', 1, /takes one value, not 2/],
    ['listen 1935; chunk_size { }', 'config-shape', 1, /takes one value and no block/],
    ['listen 1935; http_api on;', 'config-shape', 1, /`http_api` is a block: `http_api \{ … \}`/],
    ['listen 1935; http_api x { }', 'config-shape', 1, /takes no name/],
    ['listen 1935; vhost { }', 'config-shape', 1, /`vhost` needs a name/],
    ['listen 1935; vhost a b { }', 'config-shape', 1, /takes one name/],
    [
      'listen 1935;\nvhost a { }\nvhost a { }',
      'config-duplicate',
      3,
      /vhost `a` of line 3 stands at line 2 already/,
    ],
    ['listen 1935; vhost v { ingest a { } ingest a { } }', 'config-duplicate', 1, /ingest `a`/],
    [
      'listen 1935; lisen 1936;',
      'config-unknown-directive',
      1,
      /unknown directive `lisen` in the root; did you mean `listen`\?/,
    ],
    [
      'listen 1935; vhost v { gop_cach on; }',
      'config-unknown-directive',
      1,
      /`gop_cach` in vhost; did you mean `gop_cache`\?/,
    ],
    [
      'listen 1935; gop_cache on;',
      'config-unknown-directive',
      1,
      /`gop_cache` in the root; it belongs in `vhost`/,
    ],
    ['listen 1935; vhost v { hls_path x; }', 'config-unknown-directive', 1, /it belongs in `vhost > hls`/],
    [
      'listen 1935; vhost v { mr { latncy 3; } }',
      'config-unknown-directive',
      1,
      /`latncy` in mr, which takes `enabled` and `latency`/,
    ],
    [
      'listen 1935; __proto__ 1;',
      'config-unknown-directive',
      1,
      /unknown directive `__proto__` in the root$/m,
    ],
    [
      'listen 1935; vhost v { http_remux { mount [vhost]/a.mp4; } }',
      'config-value',
      1,
      /must end in \.flv, \.ts, \.aac, \.mp3/,
    ],
    ['listen 1935; vhost v { http_remux { mount ../a.flv; } }', 'config-value', 1, /must not have `\.\.`/],
    [
      'listen 1935; vhost v { http_hooks { on_play ftp://a; } }',
      'config-value',
      1,
      /begins with http:.. or https:.., not `ftp/,
    ],
    ['listen 1935; heartbeat { url x; }', 'config-value', 1, /expected a URL/],
    ['listen 1935; heartbeat { url "http://a b/"; }', 'config-value', 1, /with a blank/],
    [
      'listen 1935; vhost v { security { allow watch all; } }',
      'config-value',
      1,
      /expected `play` or `publish`, not `watch`/,
    ],
    [
      'listen 1935; vhost v { security { allow play 1.2.3; } }',
      'config-value',
      1,
      /expected `all` or an IP address/,
    ],
    [
      'listen 1935; vhost v { token { enabled on; } }',
      'config-missing',
      1,
      /`token` needs a `secret`, a `jwt_secret` or a `jwks`/,
    ],
    [
      'listen 1935; vhost v { token { secret short; } }',
      'config-value',
      1,
      /a secret has at least 16 characters/,
    ],
    [
      'listen 1935; vhost v { token { jwt_secret sixteen-letters-; } }',
      'config-value',
      1,
      /at least 32 characters/,
    ],
    [
      'listen 1935; vhost v { token { jwt_algorithms HS256 none; } }',
      'config-value',
      1,
      /expected one of HS256, .*, not `none`/,
    ],
    [
      'listen 1935; http_api { auth { enabled on; username admin; } }',
      'config-missing',
      1,
      /`auth` needs a `username` and a `password`/,
    ],
    [
      'listen 1935; http_api { auth { enabled on; username a:b; password c; } }',
      'config-value',
      1,
      /`username` can have no colon/,
    ],
    [
      'listen 1935; rtmps { enabled on; key a.key; cert a.crt b.crt; }',
      'config-conflict',
      1,
      /`rtmps` has 1 keys for 2 certificates/,
    ],
    ['listen 1935; vhost v { mode remote; }', 'config-missing', 1, /`mode remote` needs an `origin`/],
    ['listen 1935; asprocess on;', 'config-conflict', 1, /write `daemon off;`, too/],
    ['listen 1935; limits { max_pending_bytes 1m; }', 'config-conflict', 1, /must hold one message/],
    ['listen 1935; stream_caster { enabled on; listen 554; }', 'config-missing', 1, /needs an `output`/],
    [
      'listen 1935; vhost v { transcode { enabled on; engine x { enabled on; vcodec vn; acodec an; output y; } } }',
      'config-conflict',
      1,
      /leave nothing/,
    ],
    [
      'listen 1935; vhost v { transcode { enabled on; engine x { enabled on; acodec libaacplus; abitrate 80; output y; } } }',
      'config-value',
      1,
      /16 to 72/,
    ],
    [
      'listen 1935; vhost v { transcode { engine { achannels 3; } } }',
      'config-value',
      1,
      /3 is out of range: 0 to 2/,
    ],
    [
      'listen 1935; vhost v { transcode { engine { vfilter { a { } } } } }',
      'config-shape',
      1,
      /takes values and no block/,
    ],
    ['listen 1935; srs_log_file "";', 'config-value', 1, /an empty value/],
  ])('%s', (text, code, line, message) => {
    const error = fault(text);
    expect([error.code, error.file, error.line]).toEqual([code, 'x.conf', line]);
    expect(error.message).toMatch(message);
  });

  it('C007 asprocess goes with daemon off', () => {
    expect(load('listen 1935; asprocess on; daemon off;').asprocess).toBe(true);
  });

  it('reports several mistakes in the order of the file, at most 20', () => {
    const error = fault('listen 1935;\nvhost v { gop_cache x; }\nchunk_size 1;\nnothing;\n');
    expect(error.problems.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(fault('listen 1935;' + 'x 1;'.repeat(5000)).problems).toHaveLength(20);
  });

  it('throws nothing but ConfigError for mutated files', () => {
    const words = [
      ...new Set(`${SRS_2} ${SRS_LATER}`.split(/\s+/)),
      '{',
      '}',
      ';',
      '"',
      '-1',
      '99999999999999999999',
    ];
    const tokens = SRS_2.split(/(?<=\s)/);
    const edit = fc.tuple(
      fc.nat(tokens.length - 1),
      fc.constantFrom(...words),
      fc.constantFrom('replace', 'insert', 'remove'),
    );
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const mutated = [...tokens];
        for (const [index, word, kind] of edits) {
          mutated.splice(index, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [`${word} `]));
        }
        try {
          load(mutated.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    'http_api { auth { username a; password hush hush; } }',
    'vhost a { token { secret hush; } }',
    'vhost a { bandcheck { key hush "hush"x; } }',
    'http_api { auth { password "hush\\n hush',
  ])('a problem does not show the line of a secret: %s', (text) => {
    expect(() => loadConfig({ text: `listen 1935;\n${text}`, env: {} })).toThrow(ConfigError);
    expect(() => loadConfig({ text: `listen 1935;\n${text}`, env: {} })).not.toThrow('hush');
  });

  it('keys and certificates of http_stream go in pairs, too', () => {
    const text = 'listen 1935; http_stream { https { enabled on; key a b; cert a; } }';
    expect(() => loadConfig({ text, env: {} })).toThrow('2 keys for 1 certificates');
  });

  it('changes by the API without a password are warned of', () => {
    const open = 'enabled on; listen 127.0.0.1:1985; raw_api { enabled on; allow_update on; }';
    const warnings = (api: string): readonly unknown[] =>
      loadConfig({ text: `listen 1935; http_api { ${api} } vhost a { }`, env: {} }).warnings;
    expect(warnings(open)).toMatchObject([
      { message: expect.stringContaining('without a password') as string },
    ]);
    expect(warnings(`${open} auth { enabled on; username a; password b; }`)).toEqual([]);
    expect(warnings('enabled on; listen 127.0.0.1:1985; raw_api { allow_update on; }')).toEqual([]);
  });

  it.each([
    ['enabled on;', '1985'],
    ['enabled on; listen 1985;', '1985'],
    ['enabled on; listen 127.0.0.1:1985 0.0.0.0:1986;', '0.0.0.0:1986'],
    ['enabled on; listen [::]:1985;', '[::]:1985'],
    ['enabled on; listen 127.0.0.1:1985; https { enabled on; listen 1990; }', '1990'],
  ])('an API without a password that others can reach is warned of: %s', (api, address) => {
    const { warnings } = loadConfig({ text: `listen 1935; http_api { ${api} } vhost a { }`, env: {} });
    expect(warnings).toMatchObject([
      { message: expect.stringContaining(`${address} can be reached`) as string },
    ]);
  });

  it.each([
    'enabled on; listen 127.0.0.1:1985 [::1]:1985 localhost:1986;',
    'enabled off; listen 1985;',
    'enabled on; listen 1985; auth { enabled on; username a; password b; }',
  ])('an API that others cannot reach, or not without a password, is not: %s', (api) => {
    const { warnings } = loadConfig({ text: `listen 1935; http_api { ${api} } vhost a { }`, env: {} });
    expect(warnings).toEqual([]);
  });
});

describe('stream_caster', () => {
  it('C002 reads the directives of the GB28181 caster of SRS 4 and of SRS 5', () => {
    const { streamCasters } = loadConfig({
      text: `listen 1935;
stream_caster {
  enabled on; caster gb28181; output rtmp://127.0.0.1/live/[stream]; listen 9000; tcp_enable on;
  rtp_port_min 58200; rtp_port_max 58300; wait_keyframe on; rtp_idle_timeout 30; audio_enable off;
  jitterbuffer_enable on; host 192.0.2.1; auto_create_channel off;
  sip {
    enabled on; listen 5060; serial 34020000002000000001; realm 3402000000; ack_timeout 30; keepalive_timeout 120;
    auto_play on; invite_port_fixed on; query_catalog_interval 60; timeout 2.1; reinvite 5; candidate *;
  }
}
vhost __defaultVhost__ { }`,
      env: {},
    });
    expect(streamCasters).toMatchObject([
      { caster: 'gb28181', host: '192.0.2.1', tcpEnabled: true, sip: { catalogIntervalMs: 60_000 } },
    ]);
  });
});
