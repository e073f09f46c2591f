import { connect, type Socket } from 'node:net';

import { RtmpError } from '@sluice/rtmp';
import {
  connectRtmp,
  play,
  publish,
  type RtmpClientConnection,
  type RtmpClientPlayer,
  type RtmpClientPublisher,
} from '@sluice/rtmp/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { BandwidthGate } from '../../bandwidth/index.ts';
import { allowAll, type Authorizer } from '../../clients/index.ts';
import { clientTimes } from '../../clients/limits.ts';
import { testClients, type TestClients } from '../../clients/test-kit.ts';
import { resolveConfig, type ServerOptions, type VhostOptions } from '../../config/index.ts';
import { audio, avcHeader, numberIn, streamId, video } from '../../remux/test-kit.ts';
import type { ClientRequest, Verdict } from '../../security/index.ts';
import { RtmpServer } from './server.ts';
import { rtmpTimeouts, SWEEP_INTERVAL_MS } from './timeouts.ts';

/** A server on a free port of the loopback, and all that tests look at. */
interface TestServer extends TestClients {
  readonly server: RtmpServer;
  readonly port: number;
  readonly url: string;
}

const opened: TestServer[] = [];
const sockets: Socket[] = [];

async function start(
  vhost: VhostOptions = {},
  options: ServerOptions = {},
  authorizer: Authorizer = allowAll,
): Promise<TestServer> {
  const config = resolveConfig({
    ...options,
    vhosts: {
      __defaultVhost__: { minLatency: true, ...vhost },
      ...options.vhosts,
    },
  });
  const kit = testClients(() => config, {
    authorizer,
    nameProblem: (_vhost, app, stream) => (stream.includes('..') ? `${app}/${stream} leads out` : undefined),
  });
  const { clients, context } = kit;
  const server = new RtmpServer({
    version: '1.2.3',
    log: context.log,
    clients,
    bandwidth: new BandwidthGate(),
    config: () => config,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const started = { ...kit, server, port, url: `rtmp://127.0.0.1:${port}/live/test` };
  opened.push(started);
  return started;
}

/** Stops the server as the application does. */
async function close({ clients, server }: Pick<TestServer, 'clients' | 'server'>): Promise<void> {
  server.close();
  clients.endAll('server-shutdown');
  await clients.allClosed();
}

/** Lets the event loop turn until something is so. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUp = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > giveUp) throw new Error(`not so in time: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A plain TCP connection. */
function dial(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Plays and notes the numbers of the frames that come. */
async function watch(
  url: string,
): Promise<{ player: RtmpClientPlayer<RtmpClientConnection>; numbers: number[]; times: number[] }> {
  const numbers: number[] = [];
  const times: number[] = [];
  const player = await play(url, {
    onMedia: ({ flvTagType, payload, timestamp }) => {
      const number = numberIn(flvTagType, payload);
      if (number < 0) return;
      numbers.push(number);
      times.push(timestamp);
    },
  });
  return { player, numbers, times };
}

function send(publisher: RtmpClientPublisher, from: number, to: number): void {
  for (let number = from; number < to; number += 1) {
    if (number % 3 === 2) publisher.sendAudio(number * 20, audio(number));
    else publisher.sendVideo(number * 20, video(number, { key: number % 30 === 0, size: 400 }));
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  const closing = Promise.all(opened.splice(0).map(close));
  vi.advanceTimersByTime(60_000);
  await closing;
  vi.useRealTimers();
});

describe('RtmpServer: publish and play', () => {
  it('P001 O001 plays what is published, before and after the player comes', async () => {
    const { url, hub, sessions, reasons, clients } = await start();
    const early = await watch(url);
    const publisher = await publish(url);
    publisher.sendVideo(0, avcHeader());
    send(publisher, 0, 40);
    await until('all came', () => early.numbers.length === 40);
    const late = await watch(url);
    send(publisher, 40, 50);
    await until('the rest came', () => early.numbers.length === 50 && late.numbers.length === 20);
    expect(early.numbers).toEqual(range(0, 50));
    expect(early.times).toEqual(range(0, 50).map((number) => number * 20));
    expect(late.numbers).toEqual(range(30, 50));
    expect(late.times[0]).toBe(0);
    expect(hub.find(streamId)).toMatchObject({ players: 2, video: { width: 1280, height: 720 } });
    expect([...sessions.all()].map(({ session }) => session.type).sort()).toEqual([
      'fmle-publish',
      'rtmp-play',
      'rtmp-play',
    ]);
    await Promise.all([publisher.close(), early.player.close(), late.player.close()]);
    await until('all are gone', () => clients.size === 0);
    expect(reasons()).toEqual(['closed-by-peer', 'closed-by-peer', 'closed-by-peer']);
    expect(hub.size).toBe(0);
    expect(sessions.size).toBe(0);
  });

  it('one closing line for each connection, with its id, kind, seconds and bytes', async () => {
    const { url, lines, clients } = await start();
    const publisher = await publish(url);
    send(publisher, 0, 10);
    await publisher.close();
    await until('it is gone', () => clients.size === 0);
    const closing = lines.filter(({ msg }) => msg.startsWith('closed:'));
    expect(closing).toHaveLength(1);
    expect(closing[0]?.msg).toMatch(
      /^closed: closed-by-peer \(.+\), fmle-publish live\/test, \d+\.\d s, in \d{4,} B, out \d{4,} B, dropped 0 frames$/,
    );
    expect(closing[0]?.id).toMatch(/^[0-9a-z]{8}$/);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(1);
  });

  it('O003 the player stays through a republish, and times go on', async () => {
    const { url, hub } = await start();
    const { numbers, times } = await watch(url);
    const first = await publish(url);
    send(first, 0, 10);
    await until('all came', () => numbers.length === 10);
    await first.close();
    await until('nobody publishes', () => hub.find(streamId)?.publisherId === undefined);
    const second = await publish(url);
    send(second, 30, 40);
    await until('the rest came', () => numbers.length === 20);
    expect(numbers).toEqual([...range(0, 10), ...range(30, 40)]);
    expect(times.every((time, at) => at === 0 || time >= (times[at - 1] ?? 0))).toBe(true);
  });

  it('P003 FCUnpublish, then publish again on the same connection, also another stream', async () => {
    const { url, hub, lines, reasons } = await start();
    const publisher = await publish(url);
    send(publisher, 0, 10);
    publisher.connection.session.stop();
    await until('nobody publishes', () => hub.size === 0);
    const again = await publisher.connection.publish('other');
    send(again, 0, 10);
    await until('it is there', () => hub.find({ ...streamId, stream: 'other' })?.videoFrames === 7);
    expect(lines.some(({ msg }) => msg.includes('unpublish live/test by FCUnpublish'))).toBe(true);
    expect(reasons()).toEqual([]);
  });

  it('P003 who unpublished and does not publish again is dropped after 3 min', async () => {
    const { url, hub, reasons } = await start();
    const publisher = await publish(url);
    publisher.connection.session.stop();
    await until('nobody publishes', () => hub.size === 0);
    vi.advanceTimersByTime(rtmpTimeouts.republish);
    expect(reasons()).toEqual([]);
    vi.advanceTimersByTime(SWEEP_INTERVAL_MS * 2);
    await publisher.connection.closed;
    await until('it is logged', () => reasons().length > 0);
    expect(reasons()).toEqual(['republish-timeout']);
  });

  it('O008 closeStream, then play again on the same connection', async () => {
    const { url, hub, reasons } = await start({ publish: { normalTimeoutMs: 3_600_000 } });
    const publisher = await publish(url);
    send(publisher, 0, 10);
    const { player, numbers } = await watch(url);
    await until('all came', () => numbers.length === 10);
    player.connection.session.call('closeStream', [null]);
    await until('it stopped', () => hub.find(streamId)?.players === 0);
    vi.advanceTimersByTime(rtmpTimeouts.idle * 2);
    send(publisher, 10, 20);
    const again: number[] = [];
    await player.connection.play({
      onMedia: ({ flvTagType, payload }) => {
        const number = numberIn(flvTagType, payload);
        if (number >= 0) again.push(number);
      },
    });
    await until('it plays again', () => again.length === 20);
    expect(again).toEqual(range(0, 20));
    expect(numbers).toHaveLength(10);
    expect(reasons()).toEqual([]);
  });

  it('O007 pause and go on; receiveVideo off leaves audio', async () => {
    const { url, hub } = await start();
    const publisher = await publish(url);
    send(publisher, 0, 10);
    const { player, numbers } = await watch(url);
    await until('all came', () => numbers.length === 10);
    player.receiveVideo(false);
    player.pause(true);
    player.pause(false);
    const paused: string[] = [];
    player.connection.onStatus(({ code }) => paused.push(code));
    await until('both notices came', () => paused.length === 2);
    expect(paused).toEqual(['NetStream.Pause.Notify', 'NetStream.Unpause.Notify']);
    send(publisher, 10, 40);
    await until('audio came', () => numbers.includes(38));
    expect(numbers.slice(10)).toEqual(range(10, 40).filter((number) => number % 3 === 2));
    expect(hub.find(streamId)?.players).toBe(1);
  });

  it('R043 a play with a duration ends with its reason', async () => {
    const { url, reasons } = await start();
    const publisher = await publish(url);
    const numbers: number[] = [];
    const player = await play(url, {
      duration: 400,
      onMedia: ({ flvTagType, payload }) => numbers.push(numberIn(flvTagType, payload)),
    });
    for (let at = 0; at < 60; at += 3) {
      send(publisher, at, at + 3);
      await until('it came or it is over', () => numbers.includes(at + 2) || reasons().length > 0);
    }
    await player.connection.closed;
    await until('it is logged', () => reasons().length > 0);
    expect(reasons()).toEqual(['play-duration']);
    expect(numbers.at(-1)).toBeLessThan(30);
  });
});

describe('RtmpServer: gates', () => {
  /** An authorizer that answers later, and notes its calls. */
  function slowAuthorizer(verdict: (action: string) => Verdict): Authorizer & { readonly told: string[] } {
    const told: string[] = [];
    const name = ({ app, stream, param }: ClientRequest) => `${app}/${stream}${param}`;
    return {
      told,
      check: (action, client) => {
        told.push(`${action} ${name(client)}`);
        return new Promise((resolve) => {
          setImmediate(() => {
            resolve(verdict(action));
          });
        });
      },
      began: (action, client) => told.push(`entered ${action} ${name(client)}`),
      ended: (action, client, reason) => told.push(`left ${action} ${name(client)} ${String(reason)}`),
      closed: (client, reason) => told.push(`closed ${name(client)} ${reason}`),
    };
  }

  it('K003 asks before it answers, in order, and tells the ends', async () => {
    const authorizer = slowAuthorizer(() => undefined);
    const { url } = await start({}, {}, authorizer);
    const publisher = await publish(`${url}?token=x`);
    // What is sent before the answer is not lost.
    send(publisher, 0, 3);
    void publisher.connection.close();
    await until('it is closed', () => authorizer.told.some((line) => line.startsWith('closed')));
    expect(authorizer.told).toEqual([
      'connect live/',
      'publish live/test?token=x',
      'entered publish live/test?token=x',
      'left publish live/test?token=x closed-by-peer',
      'closed live/ closed-by-peer',
    ]);
  });

  it.each(['connect', 'publish', 'play'] as const)(
    'K003 S002 a refusal at %s ends the client',
    async (refused) => {
      const authorizer = slowAuthorizer((action) =>
        action === refused ? { reason: 'hook-denied', detail: 'not today' } : undefined,
      );
      const { url, reasons, hub } = await start({}, {}, authorizer);
      await expect(refused === 'play' ? play(url) : publish(url)).rejects.toMatchObject({ code: 'rejected' });
      await until('it is logged', () => reasons().length > 0);
      expect(reasons()).toEqual(['hook-denied']);
      expect(hub.size).toBe(0);
      expect(authorizer.told.some((line) => line.startsWith('left'))).toBe(false);
      expect(authorizer.told.some((line) => line.startsWith('closed'))).toBe(refused !== 'connect');
    },
  );

  it('K003 on_connect_at identified: asks on_connect with the stream, before on_publish, once for each vhost', async () => {
    const authorizer = slowAuthorizer(() => undefined);
    const httpHooks = { onConnectAt: 'identified' } as const;
    const { url } = await start({ httpHooks }, { vhosts: { 'other.test': {} } }, authorizer);
    const publisher = await publish(`${url}?token=x`);
    publisher.connection.session.call('FCUnpublish', [null, 'test']);
    await until('it is unpublished', () => authorizer.told.some((line) => line.startsWith('left')));
    await publisher.connection.publish('next?vhost=other.test');
    await publisher.close();
    await until(
      'it is closed',
      () => authorizer.told.filter((line) => line.startsWith('closed')).length === 2,
    );
    expect(authorizer.told.filter((line) => !/^(entered|left)/.test(line))).toEqual([
      'connect live/test?token=x',
      'publish live/test?token=x',
      'connect live/next?vhost=other.test',
      'publish live/next?vhost=other.test',
      'closed live/test?token=x closed-by-peer',
      'closed live/next?vhost=other.test closed-by-peer',
    ]);
  });

  it('K003 on_connect_at identified: its refusal is one of the publish', async () => {
    const authorizer = slowAuthorizer((action) =>
      action === 'connect' ? { reason: 'hook-denied', detail: 'no' } : undefined,
    );
    const { url, reasons } = await start({ httpHooks: { onConnectAt: 'identified' } }, {}, authorizer);
    await expect(publish(url)).rejects.toMatchObject({ status: { code: 'NetStream.Publish.Denied' } });
    await until('it is logged', () => reasons().length > 0);
    expect(authorizer.told).toEqual(['connect live/test']);
  });

  it('K003 at connect, stream and param are what the tcUrl tells of them', async () => {
    const authorizer = slowAuthorizer(() => undefined);
    const { port } = await start({}, {}, authorizer);
    // The name that this client publishes by comes later: its tcUrl ends before it.
    const connection = await connectRtmp(`rtmp://127.0.0.1:${port}/live?token=t/name/later`);
    await connection.close();
    expect(authorizer.told[0]).toBe('connect live/name?token=t');
  });

  it('K003 a client that was let in by an answer, and does nothing, is ended as any other', async () => {
    const { url, reasons } = await start(
      {},
      {},
      slowAuthorizer(() => undefined),
    );
    const connection = await connectRtmp(url);
    vi.advanceTimersByTime(rtmpTimeouts.idle + 2 * SWEEP_INTERVAL_MS);
    await connection.closed;
    await until('it is logged', () => reasons().length > 0);
    expect(reasons()).toEqual(['idle-timeout']);
  });

  it('a client that goes while it is asked for leaves nothing behind', async () => {
    let answer: (verdict: Verdict) => void = () => undefined;
    const authorizer: Authorizer = {
      ...allowAll,
      check: (action) =>
        action === 'publish' ? new Promise<Verdict>((resolve) => (answer = resolve)) : undefined,
    };
    const { url, reasons, hub, server, clients } = await start({}, {}, authorizer);
    const attempt = publish(url);
    attempt.catch(() => undefined);
    await until('it is connected', () => clients.size === 1);
    await close({ clients, server });
    answer(undefined);
    await until('it is logged', () => reasons().length > 0);
    expect(hub.size).toBe(0);
  });
});

describe('RtmpServer: names', () => {
  it('L007 V002 a name that leads out of the directory of files is refused with its reason', async () => {
    const { url, reasons, hub } = await start();
    await expect(publish(`${url}..x`)).rejects.toMatchObject({
      code: 'rejected',
      status: { code: 'NetStream.Publish.BadName' },
    });
    await until('it is logged', () => reasons().length > 0);
    expect(reasons()).toEqual(['bad-stream-name']);
    expect(hub.size).toBe(0);
  });
});

describe('RtmpServer: busy streams', () => {
  it('P005 a second publisher is refused after the pause, the first is not hurt', async () => {
    const { url, reasons, hub, lines } = await start();
    const first = await publish(url);
    send(first, 0, 10);
    const second = publish(url);
    const refused = expect(second).rejects.toMatchObject({
      code: 'rejected',
      status: { code: 'NetStream.Publish.BadName' },
    });
    await until('it waits', () => lines.some(({ msg }) => msg.includes('waiting')));
    const firstId = hub.find(streamId)?.publisherId;
    vi.advanceTimersByTime(clientTimes.busyWait - 1);
    expect(reasons()).toEqual([]);
    vi.advanceTimersByTime(1);
    await refused;
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['stream-busy']);
    expect(hub.find(streamId)?.publisherId).toBe(firstId);
    send(first, 10, 19);
    await until('the first goes on', () => hub.find(streamId)?.videoFrames === 13);
  });

  it('P005 gets the stream when the first one leaves during the pause', async () => {
    const { url, lines, reasons, hub } = await start();
    const first = await publish(url);
    const second = publish(url);
    await until('it waits', () => lines.some(({ msg }) => msg.includes('waiting')));
    await first.close();
    await until('the first is gone', () => reasons().length === 1);
    vi.advanceTimersByTime(clientTimes.busyWait);
    const publisher = await second;
    send(publisher, 0, 10);
    await until('it publishes', () => hub.find(streamId)?.videoFrames === 7);
  });

  it('P005 a second publisher that goes during the pause leaves nothing behind', async () => {
    const { url, lines, reasons, hub, clients } = await start();
    await publish(url);
    const connection = await connectRtmp(url);
    const second = connection.publish();
    const failed = expect(second).rejects.toBeInstanceOf(RtmpError);
    await until('it waits', () => lines.some(({ msg }) => msg.includes('waiting')));
    void connection.close();
    await failed;
    await until('it is gone', () => clients.size === 1);
    expect(reasons()).toEqual(['closed-by-peer']);
    vi.advanceTimersByTime(clientTimes.busyWait);
    expect(hub.find(streamId)?.publisherId).toBeDefined();
  });

  it('P005 conflict takeover: the second publisher at once, the first is closed', async () => {
    const { url, reasons, hub } = await start({ publish: { conflict: 'takeover' } });
    const watcher = await watch(url);
    const first = await publish(url);
    send(first, 0, 10);
    await until('all came', () => watcher.numbers.length === 10);
    const second = await publish(url);
    await first.connection.closed;
    send(second, 30, 40);
    await until('the rest came', () => watcher.numbers.length === 20);
    expect(reasons()).toEqual(['taken-over']);
    expect(hub.size).toBe(1);
  });

  it('P005 takeover of a stream without players keeps it where players find it', async () => {
    const { url } = await start({ publish: { conflict: 'takeover' } });
    await publish(url);
    const second = await publish(url);
    send(second, 0, 10);
    const { numbers } = await watch(url);
    await until('it plays', () => numbers.length === 10);
  });

  it('P005 of publishers that race one wins', async () => {
    const { url, lines, hub } = await start();
    const racers = range(0, 8).map(() => publish(url));
    const settled = Promise.allSettled(racers);
    await until('seven wait', () => lines.filter(({ msg }) => msg.includes('waiting')).length === 7);
    vi.advanceTimersByTime(clientTimes.busyWait);
    const results = await settled;
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(hub.find(streamId)?.publisherId).toBeDefined();
  });
});

describe('RtmpServer: time limits', () => {
  it('P007 publish_1stpkt_timeout and publish_normal_timeout', async () => {
    const { url, reasons, hub } = await start();
    const silent = await publish(url);
    vi.advanceTimersByTime(19_000);
    expect(reasons()).toEqual([]);
    vi.advanceTimersByTime(2000);
    await silent.connection.closed;
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['publish-first-packet-timeout']);
    const second = await publish(url);
    for (let round = 0; round < 10; round += 1) {
      send(second, round * 3, round * 3 + 3);
      await until('it came', () => hub.find(streamId)?.videoFrames === round * 2 + 2);
      vi.advanceTimersByTime(4000);
    }
    expect(reasons()).toHaveLength(1);
    vi.advanceTimersByTime(3000);
    await second.connection.closed;
    await until('it is logged', () => reasons().length === 2);
    expect(reasons()[1]).toBe('publish-timeout');
    expect(hub.size).toBe(0);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['half a handshake', Uint8Array.from([3, ...new Array<number>(700).fill(1)])],
    ['C0 and C1 but no C2', Uint8Array.from([3, ...new Array<number>(1536).fill(0)])],
  ])('a client that sends %s is closed after limits.handshake_timeout', async (_, bytes) => {
    const { port, reasons, clients } = await start({}, { limits: { handshakeTimeoutMs: 5000 } });
    const socket = dial(port);
    socket.write(bytes);
    await until('it is accepted', () => clients.size === 1);
    await until('it is read', () => bytes.length < 1537 || socket.bytesRead > 3000);
    vi.advanceTimersByTime(4900);
    expect(clients.size).toBe(1);
    vi.advanceTimersByTime(1100);
    await until('it is closed', () => clients.size === 0);
    expect(reasons()).toEqual(['handshake-timeout']);
  });

  it('R044 a client that neither publishes nor plays is closed after 30 s', async () => {
    const { url, reasons } = await start();
    const connection = await connectRtmp(url);
    vi.advanceTimersByTime(rtmpTimeouts.idle - 1000);
    expect(reasons()).toEqual([]);
    vi.advanceTimersByTime(2000);
    await connection.closed;
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['idle-timeout']);
  });

  it('a player of a stream that nobody publishes may wait', async () => {
    const { url, reasons } = await start();
    await watch(url);
    vi.advanceTimersByTime(3_600_000);
    expect(reasons()).toEqual([]);
  });
});

describe('RtmpServer: who may', () => {
  it('R034 a vhost that is not there, and one that is off, are refused', async () => {
    const { port, reasons } = await start({ enabled: false }, { vhosts: { 'here.test': {} } });
    for (const host of ['127.0.0.1', 'elsewhere.test']) {
      await expect(connectRtmp(`rtmp://127.0.0.1:${port}/live?vhost=${host}/test`)).rejects.toMatchObject({
        code: 'rejected',
      });
    }
    await until('it is logged', () => reasons().length === 2);
    expect(reasons()).toEqual(['vhost-not-found', 'vhost-not-found']);
    const connection = await connectRtmp(`rtmp://127.0.0.1:${port}/live?vhost=here.test/test`);
    await connection.close();
  });

  it.each([
    ['all', { all: ['good.test'] }, 'connect'],
    ['play', { play: ['good.test'] }, 'play'],
    ['publish', { publish: ['good.test'] }, 'publish'],
  ] as const)('R035 refer %s', async (_, refer, what) => {
    const { url, reasons } = await start({ refer: { enabled: true, ...refer } });
    const act = async (pageUrl: string): Promise<void> => {
      const connection = await connectRtmp(url, { pageUrl });
      if (what === 'play') await connection.play({ onMedia: () => undefined });
      else await connection.publish();
      await connection.close();
    };
    await act('http://www.good.test/page.html');
    await until('the good one is over', () => reasons().length === 1);
    for (const page of ['http://evilgood.test/page.html', 'http://good.test.evil/', '']) {
      await expect(act(page)).rejects.toMatchObject({ code: 'rejected' });
    }
    await until('all are logged', () => reasons().length === 4);
    expect(reasons()).toEqual(['closed-by-peer', 'refer-denied', 'refer-denied', 'refer-denied']);
  });

  it('R016 R033 one that plays from another vhost than it connected to gets the chunk size that it was told', async () => {
    const { port } = await start({}, { vhosts: { 'small.test': { minLatency: true, chunkSize: 128 } } });
    const publisher = await publish(`rtmp://127.0.0.1:${port}/live/test?vhost=small.test`);
    send(publisher, 0, 10);
    const { player, numbers } = await watch(`rtmp://127.0.0.1:${port}/live/test?vhost=small.test`);
    await until('all came', () => numbers.length === 10);
    expect(numbers).toEqual(range(0, 10));
    await player.close();
  });

  it('R033 R034 R035 the vhost that the stream name asks for has its say: its refer list, and whether it is there', async () => {
    const { port, reasons } = await start(
      {},
      {
        vhosts: {
          'closed.test': { refer: { enabled: true, all: ['good.test'] } },
          'off.test': { enabled: false },
        },
      },
    );
    const act = (name: string): Promise<unknown> => play(`rtmp://127.0.0.1:${port}/live/test?vhost=${name}`);
    await expect(act('closed.test')).rejects.toMatchObject({ code: 'rejected' });
    await expect(act('off.test')).rejects.toMatchObject({ code: 'rejected' });
    await until('both are logged', () => reasons().length === 2);
    expect(reasons()).toEqual(['refer-denied', 'vhost-not-found']);
  });

  it('R002 connections above max_connections are refused at once, and closed when they say nothing', async () => {
    const { url, port, lines, admission, reasons, clients } = await start({}, { maxConnections: 2 });
    const publisher = await publish(url);
    const { numbers } = await watch(url);
    const silent = dial(port);
    await expect(publish(`${url}2`)).rejects.toMatchObject({
      code: 'rejected',
      status: { code: 'NetConnection.Connect.Rejected', description: 'max_connections is reached' },
    });
    await until('it is there', () => clients.size === 3);
    expect(admission.open).toBe(2);
    vi.advanceTimersByTime(rtmpTimeouts.refusalLinger + 2 * SWEEP_INTERVAL_MS);
    await until('it is closed', () => silent.closed && reasons().length === 2);
    expect(reasons()).toEqual(['too-many-connections', 'too-many-connections']);
    // No more than so many a second are told so: the others are closed at accept.
    const many = Array.from({ length: 40 }, () => dial(port));
    await until('most are closed', () => many.filter(({ closed }) => closed).length >= 24);
    expect(clients.size).toBeLessThanOrEqual(18);
    expect(lines.filter(({ msg }) => msg.includes('max_connections 2 is reached'))).toHaveLength(1);
    send(publisher, 0, 10);
    await until('the others go on', () => numbers.length === 10);
    await publisher.close();
    await until('there is room', () => admission.open === 1);
    await (await connectRtmp(url)).close();
  });

  it('closes a client by its id', async () => {
    const { url, hub, reasons, clients } = await start();
    const publisher = await publish(url);
    const id = hub.find(streamId)?.publisherId ?? '';
    expect(clients.kick('nobody')).toBe(false);
    expect(clients.kick(id)).toBe(true);
    await publisher.connection.closed;
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['kicked']);
  });
});

describe('RtmpServer: bad input', () => {
  it.each([
    ['garbage', Buffer.alloc(4000, 0x5a)],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['RTMPE', Buffer.concat([Buffer.of(6), Buffer.alloc(1536)])],
  ])('R003 %s ends its connection and nothing else', async (_, bytes) => {
    const { url, port, reasons } = await start();
    const publisher = await publish(url);
    const { numbers } = await watch(url);
    const socket = dial(port);
    socket.write(bytes);
    await until('it is closed', () => socket.closed);
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['protocol-error']);
    send(publisher, 0, 10);
    await until('the others go on', () => numbers.length === 10);
  });

  it('a message beyond limits.max_message_size ends its connection', async () => {
    const { url, reasons } = await start({}, { limits: { maxMessageBytes: 70_000 } });
    const publisher = await publish(url);
    publisher.sendVideo(0, video(0, { key: true, size: 70_001 }));
    await publisher.connection.closed;
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['protocol-error']);
  });

  it('odd frames are dropped with a warning, and the publisher stays', async () => {
    const { url, lines, reasons } = await start();
    const publisher = await publish(url);
    const { numbers } = await watch(url);
    publisher.sendVideo(0, Uint8Array.of(0x1f, 1, 2));
    publisher.sendAudio(0, Uint8Array.of(0xaf));
    publisher.sendData(0, Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff));
    send(publisher, 0, 10);
    await until('the good ones came', () => numbers.length === 10);
    const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
    expect(warnings.filter((text) => text.startsWith('bad '))).toHaveLength(3);
    expect(reasons()).toEqual([]);
  });
});

describe('RtmpServer: merged reads', () => {
  it('P019 all frames arrive, read in few reads', async () => {
    const { url } = await start({
      minLatency: false,
      play: { mergedWriteLatencyMs: 0 },
      publish: { mergedRead: { enabled: true, latencyMs: 350 } },
    });
    const { numbers } = await watch(url);
    const publisher = await publish(url);
    for (let sent = 0; sent < 600; sent += 3) {
      send(publisher, sent, sent + 3);
      await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(60);
    }
    vi.advanceTimersByTime(400);
    await until('all came', () => numbers.length === 600);
    expect(numbers).toEqual(range(0, 600));
  });

  it('P019 what was sent before the end is delivered, though the socket rests', async () => {
    const { url, hub, reasons } = await start({
      minLatency: false,
      play: { mergedWriteLatencyMs: 0 },
      publish: { mergedRead: { enabled: true, latencyMs: 350 } },
    });
    const { numbers } = await watch(url);
    const publisher = await publish(url);
    send(publisher, 0, 3);
    // The read of the publish command was the first one to be followed by a rest.
    vi.advanceTimersByTime(400);
    await until('the first read is done', () => numbers.length > 0);
    send(publisher, 3, 60);
    void publisher.close();
    await until('all came', () => {
      vi.advanceTimersByTime(10);
      return numbers.length === 60;
    });
    await until('the publisher is gone', () => {
      vi.advanceTimersByTime(10);
      return hub.find(streamId)?.publisherId === undefined;
    });
    expect(numbers).toEqual(range(0, 60));
    await until('it is logged', () => reasons().length === 1);
    expect(reasons()).toEqual(['closed-by-peer']);
  });
});

describe('RtmpServer: stop', () => {
  it('lets the players have what was published last, and ends every connection', async () => {
    const { url, server, reasons, hub, admission, sessions, clients } = await start({
      minLatency: false,
      play: { mergedWriteLatencyMs: 10_000 },
    });
    const first = await watch(url);
    const publisher = await publish(url);
    const second = await watch(url);
    send(publisher, 0, 30);
    await until('all is read', () => hub.find(streamId)?.videoFrames === 20);
    await close({ clients, server });
    await Promise.all([first.player.connection.closed, second.player.connection.closed]);
    expect(first.numbers).toEqual(range(0, 30));
    expect(second.numbers).toEqual(range(0, 30));
    expect(reasons()).toEqual(['server-shutdown', 'server-shutdown', 'server-shutdown']);
    expect(hub.size).toBe(0);
    expect(admission.open).toBe(0);
    expect(sessions.size).toBe(0);
  });

  it('does not wait for ever for a player that takes nothing', async () => {
    const { url, server, hub, reasons, clients } = await start();
    const publisher = await publish(url);
    const connection = await connectRtmp(url);
    const player = await connection.play({ highWaterBytes: 1 });
    for (let at = 0; at < 200; at += 1) {
      publisher.sendVideo(at * 40, video(at, { key: at === 0, size: 100_000 }));
      await publisher.drained();
    }
    await until('all is read', () => hub.find(streamId)?.videoFrames === 200);
    expect(player.connection).toBe(connection);
    const closed = close({ clients, server });
    await until('the publisher is gone', () => reasons().length >= 1);
    vi.advanceTimersByTime(rtmpTimeouts.linger + 1000);
    await closed;
    expect(reasons()).toEqual(['server-shutdown', 'server-shutdown']);
    void connection.close();
  });
});
