import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import type { TestedServer } from './server.ts';

/** What a case changes in the configuration. */
export interface SluiceOptions {
  /** Merged reads of publishers (`mr`), 350 ms. Default off. */
  readonly mergedRead?: boolean;
  /** `min_latency`. Default off: players get a write every 350 ms. */
  readonly minLatency?: boolean;
  /** HTTP-FLV as well. Default off. */
  readonly http?: boolean;
  /** The most that waits for one player: `queue_length`, s, and `queue_max_bytes`. Default: the server's. */
  readonly queue?: { readonly seconds: number; readonly bytes: number };
}

/** A Sluice under test, with its log. */
export interface SluiceServer extends TestedServer {
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
  return `listen 127.0.0.1:${port};
max_connections 19000;
daemon off;
pid ${folder}/sluice.pid;
srs_log_tank file;
srs_log_file ${folder}/sluice.log;
http_api { enabled off; }
http_server { enabled ${onOff(options.http)}; listen 127.0.0.1:${httpPort}; dir ${folder}; }
vhost __defaultVhost__ {
  min_latency ${onOff(options.minLatency)};
  tcp_nodelay on;
  publish { mr ${onOff(options.mergedRead)}; mr_latency 350; }
  play { gop_cache on; mw_latency 350; ${queue} }
  http_remux { enabled ${onOff(options.http)}; mount [vhost]/[app]/[stream].flv; hstrs off; }
}
`;
}

/** Starts a Sluice of its own. */
export async function startSluice(context: Context, options: SluiceOptions = {}): Promise<SluiceServer> {
  const port = await freePort();
  const httpPort = await freePort();
  const folder = join(context.folder, `sluice-${port}`);
  mkdirSync(folder);
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
    httpUrl: (stream) => `http://127.0.0.1:${httpPort}/live/${stream}.flv`,
    log: () => readFileSync(join(folder, 'sluice.log'), 'utf8'),
  };
}
