import { fileURLToPath } from 'node:url';
import { freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import type { TestedServer } from './server.ts';

/** How often the floor writes, ms: the flush interval of the servers that have one. */
const FLUSH_MS = 350;

/** Starts the floor: see `floor-server.ts`. */
export async function startFloor(context: Context): Promise<TestedServer> {
  const port = await freePort();
  const script = fileURLToPath(new URL('./floor-server.ts', import.meta.url));
  const args = ['--import', 'tsx', script, String(port), context.fixture.file, String(FLUSH_MS)];
  const child = context.children.spawn(process.execPath, args, context.cores?.server, {});
  await child.listening(port);
  return {
    name: 'floor',
    child,
    rtmpUrl: () => `floor://127.0.0.1:${port}`,
    httpUrl: () => {
      throw new RunError('bad-argument', 'the floor has no HTTP-FLV');
    },
  };
}
