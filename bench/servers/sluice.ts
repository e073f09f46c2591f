import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import type { HlsOptions, TestedServer } from './server.ts';

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
}

/** A Sluice under test, with its log and its files. */
export interface SluiceServer extends TestedServer {
  /** What its HTTP server serves, and where HLS goes. */
  readonly hlsFolder: string;
  /** Where recordings go. */
  readonly dvrFolder: string;
  /** What it has logged so far. */
  log(): string;
}

/** The configuration of a Sluice under test. */
export function sluiceConfig(folder: string, port: number, httpPort: number, options: SluiceOptions): string {
  const onOff = (value: boolean | undefined): string => (value === true ? 'on' : 'off');
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
  return `listen 127.0.0.1:${port};
max_connections 19000;
daemon off;
pid ${folder}/sluice.pid;
srs_log_tank file;
srs_log_file ${folder}/sluice.log;
http_api { enabled off; }
http_server { enabled ${onOff(options.http)}; listen 127.0.0.1:${httpPort}; dir ${options.files ?? `${folder}/html`}; }
vhost __defaultVhost__ {
  min_latency ${onOff(options.minLatency)};
  tcp_nodelay on;
  publish { mr ${onOff(options.mergedRead)}; mr_latency 350; }
  play { gop_cache on; mw_latency 350; ${queue} }
  http_remux { enabled ${onOff(options.http)}; mount [vhost]/[app]/[stream].flv [vhost]/[app]/[stream].ts; hstrs off; }
  ${hls}
  ${dvr}
}
`;
}

/** Starts a Sluice of its own. */
export async function startSluice(context: Context, options: SluiceOptions = {}): Promise<SluiceServer> {
  const port = await freePort();
  const httpPort = await freePort();
  const folder = join(context.folder, `sluice-${port}`);
  mkdirSync(join(folder, 'html'), { recursive: true });
  const config = join(folder, 'sluice.conf');
  writeFileSync(config, sluiceConfig(folder, port, httpPort, options));
  const args = [context.program, '-c', config];
  const child = context.children.spawn(process.execPath, args, context.cores?.server, { cwd: folder });
  await child.listening(port);
  if (options.http === true) await child.listening(httpPort);
  return {
    name: 'sluice',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${port}/live/${stream}`,
    httpUrl: (stream, extension = '.flv') => `http://127.0.0.1:${httpPort}/live/${stream}${extension}`,
    hlsFolder: join(folder, 'html'),
    dvrFolder: join(folder, 'dvr'),
    log: () => readFileSync(join(folder, 'sluice.log'), 'utf8'),
  };
}
