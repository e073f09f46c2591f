import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodeAmf0 } from '@sluice/media/amf';
import { concatBytes } from '@sluice/media/bytes';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RtmpError } from '../errors.ts';
import { MediaMessage } from '../session/index.ts';
import { play, publish } from './client.ts';
import { createRtmpServer } from './server.ts';
import type { RtmpServer, RtmpServerOptions } from './server.ts';
import { RtmpRefusal } from './server-options.ts';
import type { RtmpServerPlayer } from './server-player.ts';

const servers: RtmpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A server on a free port, and what its handlers were told. */
async function serve(
  options: RtmpServerOptions = {},
): Promise<{ url: string; port: number; server: RtmpServer; events: string[] }> {
  const events: string[] = [];
  const server = createRtmpServer({
    onPublish: () => undefined,
    onUnpublish: ({ url }) => events.push(`unpublish ${url.stream}`),
    onPlay: () => undefined,
    onStop: ({ url }) => events.push(`stop ${url.stream}`),
    onClose: (_connection, { reason, error }) => {
      events.push(`close ${reason}${error === undefined ? '' : ` ${error.message}`}`);
    },
    ...options,
  });
  servers.push(server);
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  return { url: `rtmp://127.0.0.1:${port}/live/x`, port, server, events };
}

/** A server that hands what it publishes itself to its players. */
async function serveMedia(
  options: RtmpServerOptions = {},
): Promise<Awaited<ReturnType<typeof serve>> & { players: RtmpServerPlayer[] }> {
  const players: RtmpServerPlayer[] = [];
  const onPlay = (player: RtmpServerPlayer): void => {
    players.push(player);
  };
  return { ...(await serve({ onPlay, ...options })), players };
}

async function rawClient(port: number): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  return { socket, closed };
}

async function failure(promise: Promise<unknown>): Promise<RtmpError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RtmpError);
  return error as RtmpError;
}

const videoHeader = Uint8Array.of(0x17, 0, 0, 0, 0, 1);
const audioHeader = Uint8Array.of(0xaf, 0, 0x12, 0x10);
function keyframe(size = 1): Uint8Array {
  return concatBytes([Uint8Array.of(0x17, 1, 0, 0, 0), new Uint8Array(size)]);
}
function interFrame(size = 1): Uint8Array {
  return concatBytes([Uint8Array.of(0x27, 1, 0, 0, 0), new Uint8Array(size)]);
}
const audioFrame = Uint8Array.of(0xaf, 1, 7);

/** The media that a client's player gets, as `kind timestamp`; the server's own `|RtmpSampleAccess` is left out. */
async function playInto(url: string, seen: string[]): ReturnType<typeof play> {
  return play(url, {
    onMedia: ({ kind, timestamp, payload, configures }) => {
      if (payload[3] !== 0x7c) seen.push(`${configures ?? kind} ${timestamp}`);
    },
  });
}

describe('createRtmpServer', () => {
  it('hands the media of a publisher to the program, metadata ready for players', async () => {
    const messages: MediaMessage[] = [];
    const { url, events } = await serve({ onMedia: (_publisher, message) => messages.push(message) });
    const publisher = await publish(url);
    const metadata = encodeAmf0('onMetaData', 1);
    publisher.sendData(0, concatBytes([encodeAmf0('@setDataFrame'), metadata]));
    publisher.sendVideo(0, videoHeader);
    publisher.sendAudio(0, audioHeader);
    publisher.sendVideo(5, keyframe());
    publisher.sendVideo(6, interFrame());
    await publisher.close();
    await vi.waitFor(() => expect(events).toEqual(['unpublish x', 'close closed-by-peer']));
    expect(messages.map(({ configures, keyframe: key }) => configures ?? key)).toEqual([
      'metadata',
      'video',
      'audio',
      true,
      false,
    ]);
    expect(messages[0]?.payload).toEqual(metadata);
  });

  it('starts a player with the configuration and at a keyframe, whatever comes before', async () => {
    const players: RtmpServerPlayer[] = [];
    const { url } = await serve({
      onPlay: (player) => {
        player.send(new MediaMessage('video', 0, videoHeader));
        player.send(new MediaMessage('audio', 0, audioHeader));
        players.push(player);
      },
    });
    const seen: string[] = [];
    const client = await playInto(url, seen);
    for (const player of players) {
      player.send(new MediaMessage('audio', 10, audioFrame));
      player.send(new MediaMessage('video', 11, interFrame()));
      player.send(new MediaMessage('video', 12, keyframe()));
      player.send(new MediaMessage('audio', 13, audioFrame));
      player.end();
    }
    await vi.waitFor(() => expect(seen).toEqual(['video 0', 'audio 0', 'video 12', 'audio 13']));
    await client.close();
  });

  it('sends sound at once where there are no pictures', async () => {
    const { url, players } = await serveMedia();
    const seen: string[] = [];
    const client = await playInto(url, seen);
    players[0]?.send(new MediaMessage('audio', 3, audioFrame));
    await vi.waitFor(() => expect(seen).toEqual(['audio 3']));
    await client.close();
  });

  it('encodes a message once for all players', () => {
    const message = new MediaMessage('video', 7, keyframe());
    expect(message.toChunks(60_000)).toBe(message.toChunks(60_000));
    expect(message.toChunks(128)).not.toBe(message.toChunks(60_000));
  });

  it('bounds the queue of a slow player, which continues with the newest configuration at a keyframe', async () => {
    const maxQueuedBytes = 1_000_000;
    const { url, players } = await serveMedia({ maxQueuedBytes });
    const client = await play(url, { highWaterBytes: 1 });
    const player = players[0];
    player?.send(new MediaMessage('video', 0, keyframe()));
    let time = 1;
    while (player?.droppedFrames === 0 && time < 10_000) {
      player.send(new MediaMessage('video', time, interFrame(50_000)));
      expect(player.queuedBytes).toBeLessThanOrEqual(maxQueuedBytes);
      time += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(player?.droppedFrames).toBe(1);
    expect(player?.send(new MediaMessage('video', 20_000, videoHeader))).toBe(true);
    expect(player?.send(new MediaMessage('video', 20_001, videoHeader))).toBe(true);
    expect(player?.send(new MediaMessage('video', 20_002, interFrame()))).toBe(false);
    // The client reads again: what waits arrives, and a keyframe is taken as soon as there is room.
    const seen: string[] = [];
    const reading = (async (): Promise<void> => {
      for await (const { kind, timestamp } of client)
        if (timestamp >= 20_000) seen.push(`${kind} ${timestamp}`);
    })();
    await vi.waitFor(() => expect(player?.send(new MediaMessage('video', 30_000, keyframe()))).toBe(true));
    player?.send(new MediaMessage('video', 30_001, interFrame()));
    player?.end();
    await reading;
    expect(seen).toEqual(['video 20001', 'video 30000', 'video 30001']);
    await client.close();
  });

  it('sends nothing to a player that has paused, and no kind that it does not want', async () => {
    const { url, players } = await serveMedia();
    const seen: string[] = [];
    const client = await playInto(url, seen);
    client.receiveVideo(false);
    await vi.waitFor(() => expect(players[0]?.send(new MediaMessage('video', 1, keyframe()))).toBe(false));
    expect(players[0]?.send(new MediaMessage('audio', 2, audioFrame))).toBe(true);
    client.receiveVideo(true);
    client.receiveAudio(false);
    await vi.waitFor(() => expect(players[0]?.send(new MediaMessage('audio', 3, audioFrame))).toBe(false));
    expect(players[0]?.send(new MediaMessage('video', 4, interFrame()))).toBe(false);
    expect(players[0]?.send(new MediaMessage('video', 5, keyframe()))).toBe(true);
    client.pause(true);
    await vi.waitFor(() => expect(players[0]?.send(new MediaMessage('video', 6, keyframe()))).toBe(false));
    client.pause(false);
    await vi.waitFor(() => expect(players[0]?.send(new MediaMessage('video', 7, keyframe()))).toBe(true));
    await client.close();
  });

  const refusals = [
    ['onConnect', 'NetConnection.Connect.Rejected'],
    ['onPublish', 'NetStream.Publish.BadName'],
    ['onPlay', 'NetStream.Play.Failed'],
  ] as const;
  for (const [handler, usualCode] of refusals) {
    it.each(['at once', 'later'])(`${handler} refuses with a reason %s`, async (when) => {
      for (const code of [undefined, 'NetStream.Own.Code']) {
        const refusal = new RtmpRefusal('not you', code === undefined ? {} : { code });
        const { url, events } = await serve({
          [handler]: () => {
            if (when === 'at once') throw refusal;
            return Promise.reject(refusal);
          },
        });
        const { status } = await failure(handler === 'onPublish' ? publish(url) : play(url));
        expect(status).toMatchObject({ code: code ?? usualCode, description: 'not you' });
        await vi.waitFor(() => expect(events).toEqual(['close refused']));
      }
    });

    it(`${handler} that fails ends the connection without its text`, async () => {
      const { url, events } = await serve({ [handler]: () => Promise.reject(new Error('secret')) });
      const error = await failure(handler === 'onPublish' ? publish(url) : play(url));
      expect(error.status).toMatchObject({ code: usualCode, description: 'internal error' });
      await vi.waitFor(() => expect(events).toEqual(['close handler-failed secret']));
    });
  }

  it('redirects by a refusal of connect', async () => {
    const { url } = await serve({
      onConnect: () => {
        throw new RtmpRefusal('over there', { redirect: 'rtmp://other/live' });
      },
    });
    expect((await failure(play(url))).status).toMatchObject({ redirect: 'rtmp://other/live' });
  });

  it('refuses publishers and players where there is no handler', async () => {
    const server = createRtmpServer();
    servers.push(server);
    const url = `rtmp://127.0.0.1:${await server.listen({ host: '127.0.0.1', port: 0 })}/live/x`;
    expect((await failure(publish(url))).status?.description).toBe('this server accepts no publishers');
    expect((await failure(play(url))).status?.description).toBe('this server accepts no players');
  });

  it('tells of the end of a publisher that has left before its handler was done', async () => {
    let accept = (): void => undefined;
    const { url, events } = await serve({
      onPublish: () => new Promise<void>((resolve) => (accept = resolve)),
    });
    await failure(publish(url, { timeoutMs: 200 }));
    await vi.waitFor(() => expect(events).toEqual(['close closed-by-peer']));
    accept();
    await vi.waitFor(() => expect(events).toEqual(['close closed-by-peer', 'unpublish x']));
  });

  it('adds the fields of the program to the answer to connect, and none by itself', async () => {
    const plain = await serve();
    const named = await serve({ connectData: { server: 'mine' } });
    for (const [{ url }, keys] of [
      [plain, ['version']],
      [named, ['version', 'server']],
    ] as const) {
      const client = await play(url, { onMedia: () => undefined });
      expect([...(client.connection.server?.data.keys() ?? [])]).toEqual(keys);
      await client.close();
    }
  });

  it('closes connections beyond the limits as they come, and takes others when there is room', async () => {
    for (const limit of [{ maxConnections: 2 }, { maxConnectionsPerAddress: 2 }]) {
      const { port, server } = await serve(limit);
      const [first] = [await rawClient(port), await rawClient(port)];
      await (
        await rawClient(port)
      ).closed;
      expect([server.connections.size, server.rejectedConnections]).toEqual([2, 1]);
      first.socket.destroy();
      await vi.waitFor(() => expect(server.connections.size).toBe(1));
      await rawClient(port);
      await vi.waitFor(() => expect(server.connections.size).toBe(2));
    }
  });

  it('ends those who exceed a time limit, with the reason', async () => {
    const { url, port, events } = await serve({
      handshakeTimeoutMs: 1,
      idleTimeoutMs: 1,
      publishTimeoutMs: 1,
    });
    await (
      await rawClient(port)
    ).closed;
    await vi.waitFor(() => expect(events).toEqual(['close handshake-timeout']));
    const silent = await publish(url);
    await silent.connection.closed;
    await vi.waitFor(() => expect(events.slice(1)).toEqual(['unpublish x', 'close publish-timeout']));
    const stopped = await play(url, { onMedia: () => undefined });
    stopped.connection.session.stop();
    await stopped.connection.closed;
    await vi.waitFor(() => expect(events.slice(3)).toEqual(['stop x', 'close idle-timeout']));
  });

  it('ends a player that takes nothing', async () => {
    const { url, players, events } = await serveMedia({ stallTimeoutMs: 1 });
    const client = await play(url, { highWaterBytes: 1 });
    while (players[0]?.droppedFrames === 0) {
      players[0].send(new MediaMessage('audio', 0, new Uint8Array(100_000)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitFor(() => expect(events).toEqual(['stop x', 'close play-stalled']));
    await client.close();
  });

  it('ends a client that breaks the protocol or sends too much', async () => {
    const { port, url, events } = await serve({ limits: { maxMessageBytes: 1000 } });
    const { socket, closed } = await rawClient(port);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await closed;
    await vi.waitFor(() => expect(events).toEqual([expect.stringContaining('close protocol-error')]));
    const publisher = await publish(url);
    publisher.sendVideo(0, new Uint8Array(1001));
    await publisher.connection.closed;
    await vi.waitFor(() =>
      expect(events.slice(1)).toEqual(['unpublish x', expect.stringContaining('close protocol-error')]),
    );
  });

  it('closes with reasons: a client, then the rest; and listens no more', async () => {
    const { url, server, events } = await serve();
    const [first] = [await publish(url), await play(url, { onMedia: () => undefined })];
    for (const connection of server.connections) {
      if (connection.publisher !== undefined) connection.close();
    }
    await first.connection.closed;
    await vi.waitFor(() => expect(events).toEqual(['unpublish x', 'close closed-by-server']));
    await Promise.all([server.close(), server.close()]);
    expect(events.slice(2)).toEqual(['stop x', 'close server-closed']);
    expect(server.connections.size).toBe(0);
    expect((await failure(play(url))).code).toBe('connection-failed');
    await expect(server.listen({ port: 0 })).rejects.toThrow('closed');
  });

  it('ends a client whose onMedia throws, with the error', async () => {
    const { url, events } = await serve({
      onMedia: () => {
        throw new Error('broken');
      },
    });
    const publisher = await publish(url);
    publisher.sendAudio(0, audioFrame);
    await publisher.connection.closed;
    await vi.waitFor(() => expect(events).toEqual(['unpublish x', 'close handler-failed broken']));
  });
});

describe('MediaMessage', () => {
  const enhanced = (fourCC: string, first: number, ...before: number[]): Uint8Array =>
    concatBytes([Uint8Array.of(first, ...before), new TextEncoder().encode(fourCC), Uint8Array.of(2, 0, 0)]);
  it.each([
    ['data', encodeAmf0('onMetaData', 1), 'metadata', false],
    ['data', encodeAmf0('@setDataFrame', 'onMetaData', 1), 'metadata', false],
    ['data', encodeAmf0('onCuePoint', 1), undefined, false],
    ['data', new Uint8Array(0), undefined, false],
    ['audio', audioHeader, 'audio', false],
    ['audio', audioFrame, undefined, false],
    ['video', videoHeader, 'video', false],
    ['video', keyframe(), undefined, true],
    ['video', interFrame(), undefined, false],
    ['video', Uint8Array.of(0x12, 1), undefined, true],
    ['video', Uint8Array.of(0x17), undefined, false],
    ['video', enhanced('hvc1', 0x90), 'video', false],
    ['video', enhanced('av01', 0x91), undefined, true],
    ['video', enhanced('av01', 0x94), 'video metadata', false],
    ['video', enhanced('av01', 0x96, 0x00), 'video/2', false],
    ['audio', enhanced('Opus', 0x90), 'audio', false],
    ['audio', enhanced('Opus', 0x94), 'audio multichannel-config', false],
  ] as const)('%s %s', (kind, payload, configures, key) => {
    const message = new MediaMessage(kind, 0, payload);
    expect([message.configures, message.keyframe]).toEqual([configures, key]);
  });
});
