import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import type { TestedServer } from './server.ts';
import { sluiceConfig, type SluiceOptions } from './sluice.ts';

/** What a server that records has seen of itself; see `record-server.ts`. */
export interface RecordFigures {
  /** Event loop delay, ms. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** From each segment's cut until it and its playlist have their names on disk, ms. */
  readonly readyMs: readonly number[];
}

/** A Sluice that measures itself. */
export interface Recorder extends TestedServer {
  readonly hlsFolder: string;
  readonly dvrFolder: string;
  /** Begins a window. */
  begin(): void;
  /** The figures of the window. */
  end(): Promise<RecordFigures>;
}

/** Starts an embedded Sluice with that configuration: see `record-server.ts`. */
export async function startRecorder(context: Context, options: SluiceOptions): Promise<Recorder> {
  const port = await freePort();
  const folder = join(context.folder, `recorder-${port}`);
  mkdirSync(join(folder, 'html'), { recursive: true });
  const config = join(folder, 'sluice.conf');
  writeFileSync(config, sluiceConfig(folder, port, await freePort(), options));
  const script = fileURLToPath(new URL('./record-server.ts', import.meta.url));
  const args = ['--import', 'tsx', script, config];
  const child = context.children.spawn(process.execPath, args, context.cores?.server, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  await child.listening(port);
  return {
    name: 'sluice',
    child,
    rtmpUrl: (stream) => `rtmp://127.0.0.1:${port}/live/${stream}`,
    httpUrl: () => {
      throw new RunError('bad-argument', 'the recorder has no HTTP');
    },
    hlsFolder: join(folder, 'html'),
    dvrFolder: join(folder, 'dvr'),
    begin: () => {
      child.process.send('begin');
    },
    end: async () => {
      const answer = once(child.process, 'message');
      child.process.send('end');
      const [figures] = (await answer) as [RecordFigures];
      return figures;
    },
  };
}
