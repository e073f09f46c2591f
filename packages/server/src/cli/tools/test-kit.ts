import { PassThrough } from 'node:stream';

import { onTestFinished } from 'vitest';

import { SluiceServer } from '../../app/index.ts';
import { resolveConfig, type ServerOptions } from '../../config/index.ts';
import { quietLog } from '../../log/index.ts';
import type { ToolTerminal } from './terminal.ts';

/** A whole server for one test, on a free port unless told; returns the URL of an app of it. */
export async function startServer(
  port = 0,
  vhosts: NonNullable<ServerOptions['vhosts']> = {},
): Promise<{ server: SluiceServer; port: number; app: string }> {
  const off = { enabled: false };
  const server = new SluiceServer(
    resolveConfig({
      listen: [{ host: '127.0.0.1', port }],
      maxConnections: 100,
      httpApi: off,
      httpServer: off,
      vhosts: { __defaultVhost__: { minLatency: true }, ...vhosts },
    }),
    quietLog(),
  );
  onTestFinished(() => server.close());
  await server.start();
  const bound = server.addresses.rtmp[0]?.port ?? 0;
  return { server, port: bound, app: `rtmp://127.0.0.1:${bound}/live` };
}

/** A terminal that remembers what was written, and the wish to stop. */
export interface FakeTerminal extends ToolTerminal {
  readonly printed: string;
  readonly said: string;
  stop(): void;
}

export function fakeTerminal(): FakeTerminal {
  const output = new PassThrough();
  const pieces: string[] = [];
  output.on('data', (bytes: Uint8Array) => pieces.push(new TextDecoder().decode(bytes)));
  let said = '';
  let onStop = (): void => undefined;
  return {
    output,
    get printed() {
      return pieces.join('');
    },
    get said() {
      return said;
    },
    stop: () => {
      onStop();
    },
    say: (text) => {
      said += text;
    },
    onStop: (listener) => {
      onStop = listener;
      return () => undefined;
    },
  };
}
