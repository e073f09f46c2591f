import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';

/** `count` TCP ports that nobody listens on at this moment, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    // All are open at once, so that no port is given twice.
    for (let i = 0; i < count; i++) servers.push(await listenAnywhere());
    return servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
      return address.port;
    });
  } finally {
    await Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** One free TCP port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port');
  return port;
}

async function listenAnywhere(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, resolve);
  });
  return server;
}

/** Whether somebody accepts connections on the port of this machine. */
export async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * Whether somebody listens on the port. Linux tells without a connection, which the server under test would
 * count and log.
 */
export async function isListening(port: number): Promise<boolean> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  try {
    const tables = await Promise.all(
      ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8')),
    );
    return tables
      .flatMap((table) => table.split('\n'))
      .some((line) => {
        const [, address = '', , state] = line.trim().split(/\s+/);
        return address.endsWith(local) && state === '0A';
      });
  } catch {
    return accepts(port);
  }
}
