import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Child, freePort } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';

/** How long the callback server of the cases thinks, ms. */
export const CALLBACK_DELAY_MS = 5;

/** A callback server that says yes: see `callback-server.ts`. */
export interface CallbackServer {
  readonly child: Child;
  readonly url: string;
  /** Requests since its start, and the most of them that waited at once. */
  counts(): Promise<{ readonly requests: number; readonly mostWaiting: number }>;
}

/** Starts a callback server on the core of the loads. */
export async function startCallbackServer(
  context: Context,
  delayMs = CALLBACK_DELAY_MS,
): Promise<CallbackServer> {
  const port = await freePort();
  const script = fileURLToPath(new URL('./callback-server.ts', import.meta.url));
  const args = ['--import', 'tsx', script, String(port), String(delayMs)];
  const child = context.children.spawn(process.execPath, args, context.cores?.load, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  await child.listening(port);
  return {
    child,
    url: `http://127.0.0.1:${port}/`,
    counts: async () => {
      const answer = once(child.process, 'message');
      child.process.send('counts');
      const [counts] = (await answer) as [{ requests: number; mostWaiting: number }];
      return counts;
    },
  };
}
