import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort, pause } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import type { HlsOptions, TestedServer } from './server.ts';

const RELOAD_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/** What a case changes in the configuration. */
export interface SluiceOptions {
  /** Merged reads of publishers (`mr`), 350 ms. Default off. */
  readonly mergedRead?: boolean;
  /** `min_latency`. Default off: players get a write every 350 ms. */
  readonly minLatency?: boolean;
  /** HTTP as well: FLV, MPEG-TS and files. Default off. */
  readonly http?: boolean;
  /** What the HTTP server serves; default: a folder of the server's own, where HLS goes too. */
  readonly files?: string;
  /** HLS to disk. Default off. */
  readonly hls?: HlsOptions;
  /** Recording to FLV files, a new one every 30 s. Default off. */
  readonly dvr?: boolean;
  /** The most that waits for one player: `queue_length`, s, and `queue_max_bytes`. Default: the server's. */
  readonly queue?: { readonly seconds: number; readonly bytes: number };
  /** The HTTP API, which may reload. Default off. */
  readonly api?: boolean;
  /** The exporter for Prometheus, at a port of its own. Default off. */
  readonly exporter?: boolean;
  /** Callbacks: each of these events is sent to this address. Default none. */
  readonly hooks?: { readonly url: string; readonly events: readonly string[] };
  /** Vhosts beside the one that is used. Default none. */
  readonly vhosts?: { readonly count: number; readonly queueSeconds: number };
}

/** The ports of a Sluice under test. */
export interface SluicePorts {
  readonly rtmp: number;
  readonly http: number;
  readonly api: number;
  readonly exporter: number;
}

/** A Sluice under test, with its log and its files. */
export interface SluiceServer extends TestedServer {
  /** What its HTTP server serves, and where HLS goes. */
  readonly hlsFolder: string;
  /** Where recordings go. */
  readonly dvrFolder: string;
  /** An address of its HTTP API. */
  apiUrl(path: string): string;
  /** Where Prometheus reads. */
  readonly metricsUrl: string;
  /** What it has logged so far. */
  log(): string;
  /** Writes its configuration anew; it is taken at the next reload. */
  configure(options: SluiceOptions): void;
  /**
   * Has it read its configuration again.
   * @throws RunError when it does not, or when it refuses it
   */
  reload(): Promise<void>;
}

/** The configuration of a Sluice under test. */
export function sluiceConfig(folder: string, ports: SluicePorts, options: SluiceOptions): string {
  const onOff = (value: boolean | undefined): string => (value === true ? 'on' : 'off');
  const { hooks, vhosts } = options;
  const queue =
    options.queue === undefined
      ? ''
      : `queue_length ${options.queue.seconds}; queue_max_bytes ${options.queue.bytes};`;
  const hls =
    options.hls === undefined
      ? ''
      : `hls { enabled on; hls_path ${folder}/html; hls_fragment ${options.hls.fragmentSeconds}; ` +
        `hls_window ${options.hls.windowSeconds}; }`;
  const dvr =
    options.dvr === true
      ? `dvr { enabled on; dvr_plan segment; dvr_duration 30; dvr_path ${folder}/dvr/[app]/[stream].[timestamp].flv; }`
      : '';
  const callbacks =
    hooks === undefined
      ? ''
      : `http_hooks { enabled on; ${hooks.events.map((event) => `${event} ${hooks.url};`).join(' ')} }`;
  const others = Array.from({ length: vhosts?.count ?? 0 }, (_, number) =>
    vhostConfig(folder, number, vhosts?.queueSeconds ?? 0),
  );
  return `listen 127.0.0.1:${ports.rtmp};
max_connections 19000;
daemon off;
pid ${folder}/sluice.pid;
srs_log_tank file;
srs_log_file ${folder}/sluice.log;
http_api { enabled ${onOff(options.api)}; listen 127.0.0.1:${ports.api}; raw_api { enabled on; allow_reload on; } }
exporter { enabled ${onOff(options.exporter)}; listen 127.0.0.1:${ports.exporter}; }
http_server { enabled ${onOff(options.http)}; listen 127.0.0.1:${ports.http}; dir ${options.files ?? `${folder}/html`}; }
vhost __defaultVhost__ {
  min_latency ${onOff(options.minLatency)};
  tcp_nodelay on;
  publish { mr ${onOff(options.mergedRead)}; mr_latency 350; }
  play { gop_cache on; mw_latency 350; ${queue} }
  http_remux { enabled ${onOff(options.http)}; mount [vhost]/[app]/[stream].flv [vhost]/[app]/[stream].ts; hstrs off; }
  ${callbacks}
  ${hls}
  ${dvr}
}
${others.join('')}`;
}

/** A vhost that nobody uses, with the sections that operators set. */
function vhostConfig(folder: string, number: number, queueSeconds: number): string {
  return `vhost v${number}.example.com {
  min_latency off;
  refer { enabled on; publish example.com; play example.com www.example.com; }
  security { enabled on; allow publish 10.0.0.0/8; deny play 192.0.2.${number % 250}; }
  publish { mr on; mr_latency 350; }
  play { gop_cache on; mw_latency 350; queue_length ${queueSeconds}; time_jitter full; }
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; hstrs on; }
  hls { enabled on; hls_path ${folder}/html; hls_fragment 4; hls_window 20; }
  dvr { enabled on; dvr_plan session; dvr_path ${folder}/dvr/[app]/[stream].[timestamp].flv; }
  http_hooks {
    enabled on;
    on_connect http://127.0.0.1:8085/api/v1/clients;
    on_publish http://127.0.0.1:8085/api/v1/streams;
    on_play http://127.0.0.1:8085/api/v1/sessions;
  }
}
`;
}

/** Starts a Sluice of its own. */
export async function startSluice(context: Context, options: SluiceOptions = {}): Promise<SluiceServer> {
  const ports = await freePorts();
  const folder = join(context.folder, `sluice-${ports.rtmp}`);
  mkdirSync(join(folder, 'html'), { recursive: true });
  const config = join(folder, 'sluice.conf');
  const configure = (changed: SluiceOptions): void => {
    writeFileSync(config, sluiceConfig(folder, ports, changed));
  };
  const log = (): string => readFileSync(join(folder, 'sluice.log'), 'utf8');
  configure(options);
  const args = [context.program, '-c', config];
  const child = context.children.spawn(process.execPath, args, context.cores?.server, { cwd: folder });
  await child.listening(ports.rtmp);
  if (options.http === true) await child.listening(ports.http);
  if (options.api === true) await child.listening(ports.api);
  return {
    name: 'sluice',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${ports.rtmp}/live/${stream}`,
    httpUrl: (stream, extension = '.flv') => `http://127.0.0.1:${ports.http}/live/${stream}${extension}`,
    apiUrl: (path) => `http://127.0.0.1:${ports.api}${path}`,
    metricsUrl: `http://127.0.0.1:${ports.exporter}/metrics`,
    hlsFolder: join(folder, 'html'),
    dvrFolder: join(folder, 'dvr'),
    log,
    configure,
    reload: () => reload(child, log),
  };
}

/** Ports that nobody uses now, for a Sluice under test. */
export async function freePorts(): Promise<SluicePorts> {
  return {
    rtmp: await freePort(),
    http: await freePort(),
    api: await freePort(),
    exporter: await freePort(),
  };
}

async function reload(child: Child, log: () => string): Promise<void> {
  const begin = log().length;
  const deadline = performance.now() + RELOAD_TIMEOUT_MS;
  child.process.kill('SIGHUP');
  for (;;) {
    const fresh = log().slice(begin);
    if (fresh.includes('configuration reloaded')) return;
    if (fresh.includes('not reloaded') || performance.now() > deadline) {
      throw new RunError('server-failed', `the server did not reload: ${fresh.slice(-1000)}`);
    }
    await pause(POLL_MS);
  }
}
