import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A TCP proxy in front of a port of this machine that keeps what the clients say. */
export interface Capture {
  readonly port: number;
  /** Everything that came from clients so far. */
  bytes(): Uint8Array;
  close(): Promise<void>;
}

/** Starts a {@link Capture}. */
export async function capture(target: number): Promise<Capture> {
  const pieces: Uint8Array[] = [];
  const server = createServer((client) => {
    const upstream = connect({ port: target, host: '127.0.0.1' });
    client.on('data', (bytes) => pieces.push(bytes));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      // One side's end is the other's.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => Buffer.concat(pieces),
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
