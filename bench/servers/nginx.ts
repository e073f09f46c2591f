import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import type { HlsOptions, TestedServer } from './server.ts';

const PROGRAM = '/usr/sbin/nginx';
const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** Whether Debian's nginx with its RTMP module is installed. */
export function hasNginx(): boolean {
  return existsSync(PROGRAM) && existsSync(MODULE);
}

/** The versions of nginx and its RTMP module, as Debian names them. */
export function nginxVersion(): string {
  try {
    const format = '--showformat=${Version}';
    return execFileSync('dpkg-query', ['--show', format, 'libnginx-mod-rtmp'], { encoding: 'utf8' });
  } catch {
    return 'unknown';
  }
}

/**
 * Starts nginx-rtmp as one process with one live application, its defaults otherwise. It has neither a GOP
 * cache nor a merged write of a set time; its own write queue (out_queue, out_cork) stays as it comes. As
 * one process it has no cache manager, so it never deletes the segments that have left the playlist.
 */
export async function startNginx(context: Context, hls?: HlsOptions): Promise<TestedServer> {
  const port = await freePort();
  const folder = join(context.folder, `nginx-${port}`);
  const hlsFolder = join(folder, 'hls');
  mkdirSync(hlsFolder, { recursive: true });
  const segments =
    hls === undefined
      ? ''
      : `hls on; hls_path ${hlsFolder}; hls_fragment ${hls.fragmentSeconds}s; hls_playlist_length ${hls.windowSeconds}s;`;
  const child = await startProcess(
    context,
    folder,
    port,
    `rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    application live { live on; ${segments} }
  }
}
`,
  );
  return {
    name: 'nginx-rtmp',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${port}/live/${stream}`,
    httpUrl: () => {
      throw new RunError('bad-argument', 'nginx-rtmp has no HTTP-FLV');
    },
    hlsFolder,
  };
}

/** An nginx that serves the files of a folder. */
export interface FileServer {
  readonly child: Child;
  /** Where a file of that name is. */
  url(name: string): string;
}

/**
 * Starts nginx as one process that serves a folder's files, without a log.
 * @param sendfile `sendfile on; tcp_nopush on;`, as Debian's configuration has it; else nginx's own default, off
 */
export async function startNginxFiles(
  context: Context,
  files: string,
  sendfile: boolean,
): Promise<FileServer> {
  const port = await freePort();
  const folder = join(context.folder, `nginx-files-${port}`);
  mkdirSync(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const child = await startProcess(
    context,
    folder,
    port,
    `http {
  ${temporary.join(' ')}
  access_log off;
  ${sendfile ? 'sendfile on; tcp_nopush on;' : ''}
  keepalive_requests 1000000;
  types { video/mp2t ts; }
  server { listen 127.0.0.1:${port}; root ${files}; }
}
`,
  );
  return { child, url: (name) => `http://127.0.0.1:${port}/${name}` };
}

async function startProcess(context: Context, folder: string, port: number, text: string): Promise<Child> {
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `load_module ${MODULE};
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/pid;
error_log ${folder}/error.log error;
events { worker_connections 19000; }
${text}`,
  );
  const child = context.children.spawn(PROGRAM, ['-c', file, '-p', folder], context.cores?.server, {});
  await child.listening(port);
  return child;
}
