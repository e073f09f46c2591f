import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';

/** Ports below this one belong to services that a machine may have. */
const LOWEST_PORT = 10_000;
/** Where the system's own choice of ports begins, unless it says something else. */
const USUAL_EPHEMERAL_PORT = 32_768;
/** Fewer ports than these below it are too few to choose among. */
const LEAST_CHOICE = 2_000;
/** Ports that are tried before the system has to choose. */
const MAX_TRIES = 200;

/**
 * Ports above 1023 that `fetch` and browsers refuse ("bad port" of the Fetch standard).
 */
export const PORTS_REFUSED_BY_FETCH: readonly number[] = [
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10_080,
];
const refused = new Set(PORTS_REFUSED_BY_FETCH);

/** Every port that this process has given out: none is given twice. */
const given = new Set<number>();

/**
 * `count` TCP ports that nobody listens on at this moment, all different.
 *
 * They lie below the range from which the system takes the ports of outgoing connections. Else one of those, made
 * between this moment and the server's start, could have the port.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const highest = (await firstEphemeralPort()) - 1;
  const servers: Server[] = [];
  try {
    // All are open at once, so that no port is found twice.
    for (let i = 0; i < count; i++) servers.push(await listenBelow(highest));
    const ports = servers.map(portOf);
    for (const port of ports) given.add(port);
    return ports;
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

/** The first port that the system may take for an outgoing connection. */
async function firstEphemeralPort(): Promise<number> {
  try {
    const [first] = (await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')).split(/\s+/);
    return Number(first) || USUAL_EPHEMERAL_PORT;
  } catch {
    return USUAL_EPHEMERAL_PORT;
  }
}

async function listenBelow(highest: number): Promise<Server> {
  const choice = highest - LOWEST_PORT;
  for (let tries = 0; choice >= LEAST_CHOICE && tries < MAX_TRIES; tries++) {
    const port = LOWEST_PORT + Math.floor(Math.random() * choice);
    const isOut = given.has(port) || refused.has(port);
    const server = isOut ? undefined : await listenOn(port).catch(() => undefined);
    if (server !== undefined) return server;
  }
  return listenOnAny();
}

/** On a port of the system's choice. */
async function listenOnAny(): Promise<Server> {
  const server = await listenOn(0);
  if (!refused.has(portOf(server))) return server;
  // It is held meanwhile: the next choice is another one.
  try {
    return await listenOnAny();
  } finally {
    server.close();
  }
}

/**
 * Takes the ports that `fetch` refuses away from the system's choice, where they are among it: servers under test
 * listen on port 0. They are held until the process ends, and keep nothing running.
 */
export async function holdRefusedPorts(): Promise<void> {
  const first = await firstEphemeralPort();
  await Promise.all(
    PORTS_REFUSED_BY_FETCH.filter((port) => port >= first).map(async (port) => {
      // One that somebody has is out of the choice, too.
      const server = await listenOn(port).catch(() => undefined);
      server?.unref();
    }),
  );
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
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
