import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from './index.ts';
import type { Config, ConfigWarning, Environment } from './index.ts';

const LISTEN = 'listen 1935;\nmax_connections 1000;\n';

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

function said(warnings: readonly ConfigWarning[]): readonly string[] {
  return warnings.map(({ line, message }) => `${line}: ${message}`);
}

/** What SRS's own files of versions 2 to 6 have beyond the plain, by the version that knows it. */
const OF_SRS: readonly (readonly [string, string])[] = [
  ['0.9', 'log_dir ./objs/logs; vhost v { chunk_size 65000; }'],
  ['1', 'http_stream { enabled on; listen 8080; dir ./objs/nginx/html; } vhost v { http { enabled on; } }'],
  ['1', 'vhost v { refer a.com b.com; refer_play a.com; refer_publish a.com; forward 127.0.0.1:1936; }'],
  [
    '2',
    'vhost v { mode remote; origin 127.0.0.1:1935; vhost same; token_traverse on; debug_srs_upnode off; }',
  ],
  [
    '2',
    'vhost v { mr { enabled off; latency 350; } mw_latency 100; gop_cache off; queue_length 10; atc on; }',
  ],
  ['2', 'vhost v { hls { enabled on; hls_storage ram; hls_mount [vhost]/[app]/[stream].m3u8; } }'],
  [
    '2',
    'vhost v { transcode { enabled on; engine e { enabled on; vcodec copy; acodec copy; vparams; output x; } } }',
  ],
  [
    '3',
    'vhost v { play { mw_msgs 8; atc_auto on; } publish { mr off; firstpkt_timeout 20000; parse_sps on; } }',
  ],
  ['3', 'vhost v { exec { enabled on; publish ./ffmpeg -f flv -i [url] -c copy -y ./[stream].flv; } }'],
  [
    '3',
    'vhost v { cluster { mode local; origin_cluster on; coworkers 127.0.0.1:9091; } dvr { dvr_apply all; } }',
  ],
  [
    '3',
    'http_api { enabled on; raw_api { enabled on; allow_reload on; allow_query on; allow_update on; } } vhost v { }',
  ],
  ['3', 'vhost v { dash { enabled on; dash_fragment 30; dash_update_period 150; dash_timeshift 300; } }'],
  [
    '3',
    'asprocess off; empty_ip_ok on; grace_start_wait 2300; grace_final_wait 3200; force_grace_quit off; vhost v { }',
  ],
  [
    '4',
    'rtc_server { enabled on; listen 8000; ecdsa on; encrypt on; reuseport 1; merge_nalus off; } vhost v { }',
  ],
  [
    '4',
    'vhost v { rtc { enabled on; bframe discard; aac transcode; stun_timeout 30; dtls_role passive; nack on; } }',
  ],
  [
    '4',
    'srt_server { enabled on; listen 10080; default_app live; sei_filter on; mix_correct on; } vhost v { }',
  ],
  [
    '4',
    `stream_caster { enabled on; caster gb28181; output rtmp://127.0.0.1/live/[stream]; listen 9000; tcp_enable on;
     wait_keyframe on; rtp_idle_timeout 30; audio_enable off; jitterbuffer_enable on; host 10.0.0.1;
     auto_create_channel off; rtp_port_min 58200; rtp_port_max 58300;
     sip { enabled on; listen 5060; serial 1; realm 2; ack_timeout 30; keepalive_timeout 120; auto_play on;
     invite_port_fixed on; query_catalog_interval 60; } } vhost v { }`,
  ],
  ['4', 'http_server { enabled on; https { enabled on; listen 8088; key a.key; cert a.crt; } } vhost v { }'],
  [
    '4',
    'in_docker off; disable_daemon_for_docker off; auto_reload_for_docker off; inotify_auto_reload on; vhost v { }',
  ],
  [
    '5',
    'rtc_server { enabled on; tcp { enabled on; listen 8000; } protocol tcp; } exporter { enabled on; } vhost v { }',
  ],
  [
    '5',
    'tencentcloud_cls { enabled off; topic_id a; } tencentcloud_apm { enabled off; team b; } is_full on; vhost v { }',
  ],
  [
    '5',
    'rtmps { enabled on; listen 1443; key a; cert b; } heartbeat { ports on; } stats { enabled on; } vhost v { }',
  ],
  [
    '5',
    'circuit_breaker { enabled on; high_threshold 90; } threads { interval 5; } server_id a; vhost v { }',
  ],
  [
    '5',
    'vhost v { forward { enabled on; backend http://127.0.0.1:8085/f; } publish { kickoff_for_idle 0; } }',
  ],
  [
    '6',
    'vhost v { rtc { enabled on; keep_bframe on; opus_bitrate 48000; aac_bitrate 48000; } play { gop_cache_max_frames 2500; } }',
  ],
  [
    '6',
    'http_api { enabled on; auth { enabled on; username a; password b; } } vhost v { hls { enabled on; hls_vcodec h265; } }',
  ],
  [
    '6',
    'vhost v { http_remux { enabled on; drop_if_not_match on; has_audio on; has_video on; guess_has_av on; } }',
  ],
  [
    '7',
    'rtsp_server { enabled on; listen 8554; } vhost v { rtsp { enabled on; rtmp_to_rtsp on; } rtc { nack_prefer_rtx on; } }',
  ],
  [
    '7',
    'vhost v { hls { enabled on; hls_use_fmp4 on; hls_init_file a/init.mp4; hls_fmp4_file a/[seq].m4s; } }',
  ],
];

describe('what SRS’s own files have', () => {
  it.each(OF_SRS)('C002 C003 of SRS %s loads: %s', (_version, text) => {
    const { warnings } = load(LISTEN + text);
    expect(warnings.filter(({ message }) => /ignored|missing|not set|given again/.test(message))).toEqual([]);
  });

  it('C002 what this version does not act on is named', () => {
    const { inactive } = load(`${LISTEN}rtsp_server { enabled on; }\nvhost v { rtsp { enabled on; } }`);
    expect(inactive.map(({ path, line }) => [path, line])).toEqual([
      ['vhost(v).rtsp', 4],
      ['rtsp_server', 3],
    ]);
  });

  it('C002 SRS 7 has the RTMP server in a block', () => {
    const text = 'rtmp { listen 19350; chunk_size 4096; } vhost v { }';
    expect(load(text)).toMatchObject({ listen: [{ port: 19_350 }], chunkSize: 4096, warnings: [] });
    expect(load(`listen 1; ${text}`).listen).toEqual([{ port: 1 }]);
    expect(fault('rtmp { listen 1; foo 2; } vhost v { }').message).toContain(
      'unknown directive `foo` in rtmp',
    );
  });
});

describe('a variable that is not set', () => {
  const RTC = `${LISTEN}rtc_server {\n enabled on;\n candidate $CANDIDATE;\n}\nvhost v { }`;

  it('C001 leaves the directive its default, with a warning', () => {
    const config = load(RTC);
    expect(config.rtcServer.candidates).toEqual(['*']);
    expect(said(config.warnings)).toEqual([
      '5: the environment variable `CANDIDATE` is not set: `candidate` has its default, `*`',
    ]);
    expect(load(RTC, { CANDIDATE: '10.0.0.1' })).toMatchObject({
      rtcServer: { candidates: ['10.0.0.1'] },
      warnings: [],
    });
    expect(load(RTC, { CANDIDATE: '' }).warnings).toEqual([]);
    expect(load(RTC, { SRS_RTC_SERVER_CANDIDATE: '10.0.0.2' })).toMatchObject({
      rtcServer: { candidates: ['10.0.0.2'] },
      warnings: [],
    });
  });

  it.each([
    ['listen $PORT; vhost v { }', (config: Config) => config.listen, [{ port: 1935 }]],
    ['listen 1; chunk_size ${SIZE}; vhost v { }', (config: Config) => config.chunkSize, 60_000],
    ['listen 1; max_connections "$MOST"; vhost v { }', (config: Config) => config.maxConnections, 1000],
    [
      'listen 1; vhost v { gop_cache $GOP; hls { hls_fragment $SECONDS; } }',
      ({ vhosts }: Config) => [vhosts.get('v')?.play.gopCache, vhosts.get('v')?.hls.fragmentMs],
      [true, 10_000],
    ],
    [
      'listen 1; vhost v { http_remux { mount $A [vhost]/b.flv; } }',
      ({ vhosts }: Config) => vhosts.get('v')?.httpRemux.mounts,
      ['[vhost]/[app]/[stream].flv'],
    ],
  ])('C001 %s', (text, value, expected) => {
    const config = load(text);
    expect(value(config)).toEqual(expected);
    expect(config.warnings.length).toBeGreaterThan(0);
    for (const { message } of config.warnings) expect(message).toContain('is not set');
  });

  it('C001 stays as it is written within a longer value and as a name', () => {
    const config = load(
      `${LISTEN}vhost $HOST {\n hls { hls_path ./a$DIR/b; }\n transcode { engine e { vfilter { vf $x; } } }\n}`,
    );
    expect(config.vhosts.get('$HOST')?.hls.path).toBe('./a$DIR/b');
    expect(config.warnings.map(({ line }) => line)).toEqual([3, 4, 5]);
  });

  it.each([
    'http_hooks { enabled on; on_publish $HOOK; }',
    'http_hooks { enabled $ON; on_publish http://a/b; }',
    'http_hooks { enabled on; on_play http://a/$KEY; }',
    'security { enabled on; deny publish $ADDRESS; }',
    'security { enabled $ON; deny publish all; }',
    'token { enabled on; secret $SECRET; }',
    'refer { enabled on; play $HOST; }',
    'refer_play $HOST;',
  ])('C001 is an error where it decides who gets in: %s', (text) => {
    const { problems } = fault(`${LISTEN}vhost v {\n${text}\n}`);
    expect(problems).toContainEqual(expect.objectContaining({ code: 'config-variable', line: 4 }));
  });

  it('C001 is an error for the password of the API, and none in a block that is switched off', () => {
    const auth = 'username a; password $PASSWORD;';
    const { problems } = fault(`${LISTEN}http_api { enabled on; auth { enabled on; ${auth} } } vhost v { }`);
    expect(problems.map(({ code }) => code)).toContain('config-variable');
    expect(load(`${LISTEN}http_api { auth { enabled off; ${auth} } } vhost v { }`).warnings).toHaveLength(1);
  });
});

describe('a block that is switched off', () => {
  it.each([
    'hls { enabled off; hls_fromage 10; }',
    'hls { enabled off; hls_fragment soon; }',
    'hls { enabled off; hls_fragment 1 2 3; hls_path { } }',
    'hls { hls_fromage 10; enabled off; }',
    'enabled off; hls { enabled on; hls_fromage 10; } }\nvhost w {',
    'enabled off; mr { latency 1; foo 2; }',
    'mr { enabled off; foo 2; }',
    'enabled off; foo { bar { } }',
    'transcode { enabled off; engine e { enabled on; vfoo 1; } }',
  ])('C001 only warns of what is not known: %s', (text) => {
    const { warnings } = load(`${LISTEN}vhost v {\n${text}\n}`);
    expect(warnings.length).toBeGreaterThan(0);
    for (const { line, message } of warnings) {
      expect(line).toBe(4);
      expect(message).toMatch(/; ignored, because the block is switched off$/);
    }
  });

  it.each([
    ['hls { enabled on; hls_fromage 10; }', 'config-unknown-directive'],
    ['hls { hls_fromage 10; }', 'config-unknown-directive'],
    ['hls { enable off; }', 'config-unknown-directive'],
    ['play { enabled off; foo on; }', 'config-unknown-directive'],
    ['hls { enabled off; } hls_fromage 10;', 'config-unknown-directive'],
    ['hls { enabled off; hls_fragment soon; } dvr { dvr_plan none; }', 'config-value'],
  ])('C001 what stands elsewhere is refused: %s', (text, code) => {
    expect(fault(`${LISTEN}vhost v { ${text} }`).code).toBe(code);
  });
});

describe('a `;` that is missing', () => {
  it('C001 at the end of a line is read as if it were there, with a warning', () => {
    const config = load(
      'listen 1935 1936\nmax_connections 10\nhttp_server {\n enabled on\n listen 81;\n}\nvhost v {\n tcp_nodelay on\n gop_cache off;\n}',
    );
    expect(config).toMatchObject({
      listen: [{ port: 1935 }, { port: 1936 }],
      maxConnections: 10,
      httpServer: { enabled: true, listen: [{ port: 81 }] },
    });
    expect(config.vhosts.get('v')).toMatchObject({ tcpNodelay: true, play: { gopCache: false } });
    expect(config.warnings.map(({ line }) => line)).toEqual([1, 2, 4, 8]);
    expect(config.warnings[0]?.message).toContain(
      'a `;` is missing at the end of line 1, before `max_connections`',
    );
  });

  it('C001 is not seen where a value is no directive, is quoted, or stands on the same line', () => {
    expect(fault('listen 1935\nmaximum 10;').code).toBe('config-value');
    expect(fault('listen 1935 max_connections 10;').code).toBe('config-value');
    expect(fault('listen 1935\n"max_connections" 10;').code).toBe('config-value');
    const { vhosts } = load(`${LISTEN}vhost v { refer {\n play\n a.com\n b.com; } }`);
    expect(vhosts.get('v')?.refer.play).toEqual(['a.com', 'b.com']);
  });
});
