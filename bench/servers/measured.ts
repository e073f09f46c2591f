import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from '../lib/context.ts';
import type { TestedServer } from './server.ts';
import { freePorts, sluiceConfig, type SluiceOptions } from './sluice.ts';

/** What a server has seen of itself; see `measured-server.ts`. */
export interface SelfFigures {
  /** Event loop delay, ms. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** From each segment's cut until it and its playlist have their names on disk, ms. */
  readonly readyMs: readonly number[];
}

/** A Sluice that measures itself. */
export interface MeasuredServer extends TestedServer {
  readonly hlsFolder: string;
  readonly dvrFolder: string;
  /** An address of its HTTP API. */
  apiUrl(path: string): string;
  /** Begins a window. */
  begin(): void;
  /** The figures of the window. */
  end(): Promise<SelfFigures>;
}

/** Starts an embedded Sluice with that configuration: see `measured-server.ts`. */
export async function startMeasured(context: Context, options: SluiceOptions): Promise<MeasuredServer> {
  const ports = await freePorts();
  const folder = join(context.folder, `measured-${ports.rtmp}`);
  mkdirSync(join(folder, 'html'), { recursive: true });
  const config = join(folder, 'sluice.conf');
  writeFileSync(config, sluiceConfig(folder, ports, options));
  const script = fileURLToPath(new URL('./measured-server.ts', import.meta.url));
  const args = ['--import', 'tsx', script, config];
  const child = context.children.spawn(process.execPath, args, context.cores?.server, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  await child.listening(ports.rtmp);
  if (options.api === true) await child.listening(ports.api);
  return {
    name: 'sluice',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${ports.rtmp}/live/${stream}`,
    httpUrl: (stream, extension = '.flv') => `http://127.0.0.1:${ports.http}/live/${stream}${extension}`,
    apiUrl: (path) => `http://127.0.0.1:${ports.api}${path}`,
    hlsFolder: join(folder, 'html'),
    dvrFolder: join(folder, 'dvr'),
    begin: () => {
      child.process.send('begin');
    },
    end: async () => {
      const answer = once(child.process, 'message');
      child.process.send('end');
      const [figures] = (await answer) as [SelfFigures];
      return figures;
    },
  };
}
