import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import type { TestedServer } from './server.ts';

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
 * cache nor a merged write of a set time; its own write queue (out_queue, out_cork) stays as it comes.
 */
export async function startNginx(context: Context): Promise<TestedServer> {
  const port = await freePort();
  const folder = join(context.folder, `nginx-${port}`);
  mkdirSync(folder);
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
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    application live { live on; }
  }
}
`,
  );
  const child = context.children.spawn(PROGRAM, ['-c', file, '-p', folder], context.cores?.server, {});
  await child.listening(port);
  return {
    name: 'nginx-rtmp',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${port}/live/${stream}`,
    httpUrl: () => {
      throw new RunError('bad-argument', 'nginx-rtmp has no HTTP-FLV');
    },
  };
}
