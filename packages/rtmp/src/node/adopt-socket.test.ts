import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { adoptSocket } from './adopt-socket.ts';

interface Pair {
  readonly client: Socket;
  readonly adopted: Socket;
  readonly received: Buffer[];
}

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
  }
});

async function openPair(prepare?: (accepted: Socket) => void): Promise<Pair & { readonly server: Server }> {
  const server = createServer();
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const received: Buffer[] = [];
  const adopting = new Promise<Socket>((resolve) => {
    server.once('connection', (accepted) => {
      prepare?.(accepted);
      resolve(adoptSocket(accepted, (bytes) => received.push(Buffer.from(bytes))));
    });
  });
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  await once(client, 'connect');
  return { server, client, adopted: await adopting, received };
}

async function receivedBytes(pair: Pair, count: number): Promise<Buffer> {
  while (Buffer.concat(pair.received).length < count) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Buffer.concat(pair.received);
}

function connectionCount(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error === null) {
        resolve(count);
      } else {
        reject(error);
      }
    });
  });
}

describe('adoptSocket', () => {
  it('re-wraps an accepted socket on this version of Node', async () => {
    let accepted: Socket | undefined;
    const { client, adopted } = await openPair((socket) => (accepted = socket));
    expect(adopted).not.toBe(accepted);
    client.destroy();
    adopted.destroy();
  });

  it('hands over every byte, and writes', async () => {
    const pair = await openPair();
    const sent = Buffer.alloc(300_000, 'abcdefg');
    pair.client.write(sent);
    expect((await receivedBytes(pair, sent.length)).equals(sent)).toBe(true);
    expect(pair.adopted.bytesRead).toBe(sent.length);
    pair.adopted.write('answer');
    const [answer] = (await once(pair.client, 'data')) as [Buffer];
    expect(answer.toString()).toBe('answer');
    pair.client.destroy();
    pair.adopted.destroy();
  });

  it('pauses and resumes', async () => {
    const pair = await openPair();
    pair.client.write('one');
    await receivedBytes(pair, 3);
    pair.adopted.pause();
    await new Promise((resolve) => pair.client.write('two', resolve));
    for (let turn = 0; turn < 50; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Buffer.concat(pair.received).toString()).toBe('one');
    pair.adopted.resume();
    expect((await receivedBytes(pair, 6)).toString()).toBe('onetwo');
    pair.client.destroy();
    pair.adopted.destroy();
  });

  it('ends and closes when the peer ends, also after a pause and a resume', async () => {
    for (const paused of [false, true]) {
      const pair = await openPair();
      if (paused) {
        pair.adopted.pause();
        pair.adopted.resume();
      }
      const ended = once(pair.adopted, 'end');
      const closed = once(pair.adopted, 'close');
      pair.client.end('bye');
      await ended;
      await closed;
      expect(Buffer.concat(pair.received).toString()).toBe('bye');
    }
  });

  it('reports a reset as an error and closes', async () => {
    const pair = await openPair();
    const failed = new Promise<Error>((resolve) => pair.adopted.once('error', resolve));
    const closed = new Promise((resolve) => pair.adopted.once('close', resolve));
    pair.client.resetAndDestroy();
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    await closed;
  });

  it('destroys, and the peer sees the end', async () => {
    const pair = await openPair();
    const closed = once(pair.client, 'close');
    pair.client.resume();
    pair.adopted.destroy();
    await closed;
  });

  it('counts as a connection of its server until it is closed', async () => {
    const pair = await openPair();
    expect(await connectionCount(pair.server)).toBe(1);
    const serverClosed = new Promise((resolve) => pair.server.close(resolve));
    const closed = once(pair.adopted, 'close');
    pair.adopted.destroy();
    await closed;
    await serverClosed;
    pair.client.destroy();
  });

  it('falls back to data events for a socket it can not re-wrap', async () => {
    let accepted: Socket | undefined;
    const pair = await openPair((socket) => {
      accepted = socket;
      Reflect.set(socket, '_server', undefined);
      Reflect.deleteProperty(socket, '_server');
    });
    expect(pair.adopted).toBe(accepted);
    pair.client.write('plain');
    expect((await receivedBytes(pair, 5)).toString()).toBe('plain');
    pair.client.destroy();
    pair.adopted.destroy();
  });

  it('keeps two sockets apart although they share the read buffer', async () => {
    const first = await openPair();
    const second = await openPair();
    for (let round = 0; round < 100; round += 1) {
      first.client.write('a'.repeat(1000));
      second.client.write('b'.repeat(1000));
    }
    expect((await receivedBytes(first, 100_000)).toString()).toBe('a'.repeat(100_000));
    expect((await receivedBytes(second, 100_000)).toString()).toBe('b'.repeat(100_000));
    for (const pair of [first, second]) {
      pair.client.destroy();
      pair.adopted.destroy();
    }
  });
});
