import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import { MediaMessage, mediaStreamId, ServerSession } from '../session/index.ts';
import type { ServerSessionHandler } from '../session/index.ts';
import { adoptSocket } from './adopt-socket.ts';
import { play, publish } from './client.ts';
import { connectRtmp } from './connection.ts';

/** A server of one connection at a time, with a session that does what the test says. */
class TestServer {
  readonly server: Server;
  readonly heard: string[] = [];
  readonly media: MediaMessage[] = [];
  session: ServerSession | undefined;
  socket: Socket | undefined;
  /** Fulfilled when the connection is closed. */
  closed: Promise<unknown> = Promise.resolve();
  readonly #handler: (session: () => ServerSession) => Partial<ServerSessionHandler>;

  constructor(
    handler: (session: () => ServerSession) => Partial<ServerSessionHandler> = () => ({}),
    tls?: Certificate,
  ) {
    this.#handler = handler;
    this.server = tls === undefined ? createServer() : createTlsServer(tls);
    this.server.on(tls === undefined ? 'connection' : 'secureConnection', (accepted: Socket) => {
      this.#serve(accepted);
    });
  }

  async url(stream = 'live/x'): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `rtmp://127.0.0.1:${(this.server.address() as AddressInfo).port}/${stream}`;
  }

  sendMedia(type: 8 | 9 | 18, timestamp: number, payload: Uint8Array): void {
    this.session?.sendMessage({ chunkStreamId: 6, type, streamId: mediaStreamId, timestamp, payload });
  }

  #serve(accepted: Socket): void {
    accepted.setNoDelay(true);
    const socket = adoptSocket(accepted, (bytes) => {
      session.write(bytes);
    });
    socket.on('error', () => undefined);
    const session: ServerSession = new ServerSession({
      send: (bytes) => {
        socket.write(bytes);
      },
      handler: {
        onConnect: () => {
          session.acceptConnect();
        },
        onPublish: (request) => {
          this.heard.push(`publish ${request.url.stream}`);
          session.acceptPublish();
        },
        onUnpublish: (cause) => {
          this.heard.push(`unpublish ${cause}`);
          session.finishUnpublish();
        },
        onPlay: (request) => {
          this.heard.push(`play ${request.url.stream}`);
          session.acceptPlay();
        },
        onStop: (cause) => {
          this.heard.push(`stop ${cause}`);
        },
        onPause: () => undefined,
        onReceiveAudio: () => undefined,
        onReceiveVideo: () => undefined,
        onMedia: (kind, timestamp, payload) => {
          this.media.push(new MediaMessage(kind, timestamp, payload));
        },
        ...this.#handler(() => session),
      },
    });
    this.session = session;
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }
}

const servers: TestServer[] = [];

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A certificate for this run only; `undefined` where there is no openssl to make one. */
function makeCertificate(): Certificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'rtmps-'));
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], {
      stdio: 'ignore',
    });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function serve(handler?: (session: () => ServerSession) => Partial<ServerSessionHandler>): TestServer {
  const server = new TestServer(handler);
  servers.push(server);
  return server;
}

afterEach(() => {
  for (const { server, socket } of servers.splice(0)) {
    server.close();
    socket?.destroy();
  }
});

async function failure(promise: Promise<unknown>): Promise<RtmpError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(RtmpError);
    return error as RtmpError;
  }
  throw new Error('did not fail');
}

describe('publish', () => {
  it('delivers what is sent, with backpressure, and ends the publish on close', async () => {
    const server = serve();
    const publisher = await publish(await server.url());
    expect(publisher.connection.server?.fmsVersion).toBe('FMS/3,5,3,888');
    publisher.sendData(0, Uint8Array.of(2, 0, 1, 97));
    let full = 0;
    for (let index = 0; index < 40; index += 1) {
      if (!publisher.sendVideo(index * 40, new Uint8Array(100_000).fill(index))) {
        full += 1;
        await publisher.drained();
      }
    }
    publisher.sendAudio(1600, Uint8Array.of(0xaf, 1));
    await publisher.close();
    expect(full).toBeGreaterThan(0);
    await server.closed;
    expect(server.media.map(({ flvTagType }) => flvTagType)).toEqual([
      18,
      ...new Array<number>(40).fill(9),
      8,
    ]);
    expect(server.media[40]).toMatchObject({ timestamp: 1560, kind: 'video' });
    expect(server.heard).toEqual(['publish x', 'unpublish FCUnpublish']);
    expect(await publisher.connection.closed).toBeUndefined();
  });

  it('says clearly that nothing can be sent after close(), or once the server has gone', async () => {
    const server = serve();
    const closed = await publish(await server.url());
    await closed.close();
    await closed.close();
    expect(() => closed.sendVideo(0, Uint8Array.of(1))).toThrow(
      expect.objectContaining({ code: 'connection-closed', message: 'the connection was ended by close()' }),
    );
    expect((await failure(closed.connection.publish())).code).toBe('connection-closed');
    await expect(closed.drained()).resolves.toBeUndefined();

    const other = serve();
    const left = await publish(await other.url());
    other.socket?.destroy();
    await left.connection.closed;
    expect(() => left.sendAudio(0, Uint8Array.of(1))).toThrow(
      expect.objectContaining({ code: 'connection-closed' }),
    );
    await left.close();
  });

  it("P005 fails with the server's words when the stream is busy", async () => {
    const server = serve((session) => ({
      onPublish: () => {
        session().rejectPublish({ description: 'stream is busy' });
      },
    }));
    const error = await failure(publish(await server.url()));
    expect(error.code).toBe('rejected');
    expect(error.message).toContain('stream is busy');
    expect(error.status?.code).toBe('NetStream.Publish.BadName');
  });
});

describe('play', () => {
  it('iterates the media, and leaving the loop closes', async () => {
    const server = serve();
    const player = await play(await server.url());
    for (let index = 0; index < 5; index += 1) {
      server.sendMedia(9, index * 40, Uint8Array.of(0x17, index));
    }
    const seen: number[] = [];
    for await (const { kind, timestamp } of player) {
      if (kind === 'video') {
        seen.push(timestamp);
        if (seen.length === 5) {
          break;
        }
      }
    }
    expect(seen).toEqual([0, 40, 80, 120, 160]);
    await player.connection.closed;
    expect(server.heard).toEqual(['play x', 'stop deleteStream']);
  });

  it('calls onMedia instead', async () => {
    const server = serve();
    const kinds: string[] = [];
    let done: (() => void) | undefined;
    const all = new Promise<void>((resolve) => (done = resolve));
    const player = await play(await server.url(), {
      onMedia: ({ kind }) => {
        kinds.push(kind);
        if (kind === 'audio') {
          done?.();
        }
      },
    });
    server.sendMedia(8, 0, Uint8Array.of(0xaf));
    await all;
    expect(kinds).toEqual(['data', 'audio']);
    await player.close();
  });

  it('ends the iteration when the server ends the play, and when it closes', async () => {
    for (const end of ['play', 'connection']) {
      const server = serve();
      const player = await play(await server.url());
      server.sendMedia(9, 1, Uint8Array.of(1));
      if (end === 'play') {
        server.session?.endPlay();
      } else {
        server.socket?.end();
      }
      let count = 0;
      for await (const message of player) {
        count += message.kind === 'video' ? 1 : 0;
      }
      expect(count).toBe(1);
      await player.connection.close();
    }
  });

  it('makes the server wait when nobody iterates', async () => {
    const server = serve();
    const player = await play(await server.url(), { highWaterBytes: 100_000 });
    const payload = new Uint8Array(50_000);
    let sent = 0;
    // More than the queue and both sides' socket buffers hold: at some point the server's socket stays full.
    while (server.socket?.writableNeedDrain !== true && sent < 10_000) {
      server.sendMedia(9, sent, payload);
      sent += 1;
      if (sent % 20 === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    expect(sent).toBeLessThan(10_000);
    let received = 0;
    for await (const { kind } of player) {
      received += kind === 'video' ? 1 : 0;
      if (received === sent) {
        break;
      }
    }
    expect(received).toBe(sent);
  });
});

describe('connectRtmp', () => {
  it('says why there is no connection', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const refused = await failure(connectRtmp(`rtmp://127.0.0.1:${port}/live/x`));
    expect(refused.code).toBe('connection-failed');
    expect(refused.message).toBe(`can't connect to 127.0.0.1:${port}: connection refused`);
    const unknown = await failure(connectRtmp('rtmp://name.invalid/live/x'));
    expect(unknown.code).toBe('connection-failed');
    expect(unknown.message).toMatch(/host name/);
    expect((await failure(connectRtmp('http://h/live/x'))).code).toBe('tc-url');
  });

  it('gives up on a server that does not answer', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const error = await failure(connectRtmp(`rtmp://127.0.0.1:${port}/live/x`, { timeoutMs: 30 }));
    expect(error.code).toBe('timeout');
    expect(error.message).toContain('handshake and connect');
    server.close();
  });

  it('fails on a server that speaks something else, and on one that closes', async () => {
    for (const [answer, code] of [
      ['HTTP/1.1 400 Bad Request\r\n\r\n', 'handshake-version'],
      ['', 'connection-closed'],
    ] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.resume();
        socket.end(answer);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      expect((await failure(connectRtmp(`rtmp://127.0.0.1:${port}/live/x`))).code).toBe(code);
      server.close();
    }
  });

  it('hands on a redirect', async () => {
    const server = serve((session) => ({
      onConnect: () => {
        session().rejectConnect({ description: 'moved', redirect: { url: 'rtmp://o/live' } });
      },
    }));
    const error = await failure(connectRtmp(await server.url()));
    expect(error.status?.redirect).toBe('rtmp://o/live');
  });

  it('plays and publishes on one connection, one after the other, and tells of status notices', async () => {
    const server = serve();
    const connection = await connectRtmp(await server.url('live'));
    expect((await failure(connection.play())).code).toBe('stream-name');
    const codes: string[] = [];
    const stop = connection.onStatus(({ code }) => codes.push(code));
    await connection.play({}, 'a');
    connection.session.stop();
    stop();
    await connection.publish('b');
    expect(server.heard).toEqual(['play a', 'stop deleteStream', 'publish b']);
    expect(codes).toEqual(['NetStream.Play.Reset', 'NetStream.Play.Start']);
    await connection.close();
    await connection.close();
    expect((await failure(connection.publish('c'))).code).toBe('connection-closed');
  });

  it('speaks rtmps, and refuses a certificate that it does not know', async (context) => {
    const certificate = makeCertificate();
    if (certificate === undefined) {
      context.skip();
      return;
    }
    const server = new TestServer(undefined, certificate);
    servers.push(server);
    const url = (await server.url()).replace('rtmp:', 'rtmps:');
    const publisher = await publish(url, { tls: { ca: certificate.cert } });
    publisher.sendAudio(5, Uint8Array.of(0xaf, 1));
    await publisher.close();
    await server.closed;
    expect(server.media.map(({ kind, timestamp }) => [kind, timestamp])).toEqual([['audio', 5]]);
    expect((await failure(connectRtmp(url))).code).toBe('connection-failed');
  });
});
