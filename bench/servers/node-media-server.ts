import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import type { TestedServer } from './server.ts';

/** The folder of the installed node-media-server, or undefined. */
export function nodeMediaServerFolder(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('node-media-server/package.json'));
  } catch {
    return undefined;
  }
}

/** The version of the installed node-media-server. */
export function nodeMediaServerVersion(): string {
  const folder = nodeMediaServerFolder();
  if (folder === undefined) return 'not installed';
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** Starts node-media-server with RTMP and HTTP and its defaults otherwise (it has a GOP cache). */
export async function startNodeMediaServer(context: Context): Promise<TestedServer> {
  const module = nodeMediaServerFolder();
  const program = join(module ?? '', 'bin/app.js');
  if (module === undefined || !existsSync(program)) {
    throw new RunError('missing-tool', 'node-media-server is not installed');
  }
  const port = await freePort();
  const httpPort = await freePort();
  const folder = join(context.folder, `node-media-server-${port}`);
  mkdirSync(folder);
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      bind: '127.0.0.1',
      notify: { url: '' },
      store: { path: join(folder, 'data'), maxHistory: 10_000 },
      auth: { play: false, publish: false, secret: '', jwt: { users: [] } },
      rtmp: { port },
      http: { port: httpPort },
      webadmin: { enable: false },
      record: { auto: false, path: join(folder, 'record') },
    }),
  );
  const args = [program, '-c', config];
  const child = context.children.spawn(process.execPath, args, context.cores?.server, { cwd: folder });
  await child.listening(port);
  return {
    name: 'node-media-server',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${port}/live/${stream}`,
    httpUrl: (stream) => `http://127.0.0.1:${httpPort}/live/${stream}.flv`,
  };
}
