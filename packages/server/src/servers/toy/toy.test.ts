import { FlvReader } from '@sluice/media/flv';
import { afterEach, describe, expect, it } from 'vitest';

import { createApiSource } from '../../app/api-source.ts';
import { ServerAuthorizer } from '../../app/authorizer.ts';
import { testClients } from '../../clients/test-kit.ts';
import { resolveConfig, type VhostOptions } from '../../config/index.ts';
import { HttpCallbacks } from '../../hooks/index.ts';
import { answers, TestServer } from '../../hooks/test-kit.ts';
import { avcHeader, numberIn, video } from '../../remux/test-kit.ts';
import { AccessControl, signedQuery } from '../../security/index.ts';
import { SystemStats } from '../../stats/index.ts';
import { ToyPeer, type ToyRequest, ToyServer, toyMessage } from './test-kit.ts';

const closers: (() => unknown)[] = [];
const identity = { version: '1.2.3', serverId: 's', serviceId: 'v' };
const secret = '0123456789abcdef';

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The toy's server on a free port, beside the real rules, tokens, callbacks and API. */
async function start(vhost: VhostOptions = {}) {
  const config = resolveConfig({ vhosts: { __defaultVhost__: { minLatency: true, ...vhost } } });
  const log = { info: () => undefined, warn: () => undefined };
  const callbacks = new HttpCallbacks({ log, ...identity, streamId: () => 'id', deadLetterFile: '' });
  const access = new AccessControl({ log, limits: () => config.limits });
  const files = { settled: () => undefined };
  const authorizer = new ServerAuthorizer(access, callbacks, files, (current) => current);
  const { clients, hub, sessions, admission, reasons } = testClients(() => config, { authorizer });
  const api = createApiSource({
    ...identity,
    hub,
    sessions,
    faults: () => [],
    hlsReady: () => false,
    config: () => config,
    connections: () => admission.open,
    internalFaults: () => 0,
    descriptorRefusals: () => 0,
    system: new SystemStats(),
  });
  const server = new ToyServer(clients);
  const port = await server.listen();
  const dial = (changes: Partial<ToyRequest>): ToyPeer => {
    const peer = new ToyPeer(port, { action: 'play', app: 'live', stream: 'test', param: '', ...changes });
    closers.push(() => {
      peer.close();
    });
    return peer;
  };
  closers.push(async () => {
    server.close();
    clients.endAll('server-shutdown');
    await clients.allClosed();
    await callbacks.close();
  });
  return { dial, clients, hub, admission, api, reasons };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUp = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > giveUp) throw new Error(`not so in time: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function numbers({ stream }: ToyPeer): number[] {
  return new FlvReader()
    .write(stream)
    .map(({ type, body }) => numberIn(type, body))
    .filter((number) => number >= 0);
}

async function publishTen(dial: (changes: Partial<ToyRequest>) => ToyPeer, param = ''): Promise<ToyPeer> {
  const publisher = dial({ action: 'publish', param });
  await until('it is answered', () => publisher.answer !== undefined);
  publisher.media(9, 0, avcHeader());
  for (let number = 0; number < 10; number += 1) {
    publisher.media(9, number * 40, video(number, { key: number === 0 }));
  }
  return publisher;
}

describe('a protocol that is nothing but transport and dialogue', () => {
  it('publishes and plays, and is listed', async () => {
    const { dial, api, admission, reasons } = await start();
    const publisher = await publishTen(dial);
    expect(publisher.answer).toBe('accepted');
    const player = dial({});
    await until('all came', () => numbers(player).length === 10);
    expect(numbers(player)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...api.clients()].map(({ type, publish, name, ip }) => ({ type, publish, name, ip }))).toEqual([
      { type: 'toy-publish', publish: true, name: 'test', ip: '127.0.0.1' },
      { type: 'toy-play', publish: false, name: 'test', ip: '127.0.0.1' },
    ]);
    expect([...api.streams()]).toMatchObject([{ name: 'test', clients: 2, players: 1 }]);
    expect(admission.open).toBe(2);
    publisher.close();
    await until('both are gone', () => reasons().length === 2);
    expect(reasons().sort()).toEqual(['closed-by-peer', 'publisher-gone']);
    expect([...api.ended()].map(({ type }) => type).sort()).toEqual(['toy-play', 'toy-publish']);
    expect(admission.open).toBe(0);
  });

  it.each([
    ['security-denied', { security: { enabled: true, deny: ['publish all'] } }, ''],
    ['token-denied', { token: { enabled: true, publish: true, secrets: [secret] } }, '?token=x'],
    ['refer-denied', { refer: { enabled: true, publish: ['page.test'] } }, ''],
  ] as const)('is refused: %s', async (reason, vhost, param) => {
    const { dial, reasons, hub } = await start(vhost as unknown as VhostOptions);
    const publisher = dial({ action: 'publish', param });
    await until('it is closed', () => publisher.isClosed && reasons().length === 1);
    expect(publisher.answer).toMatch(/^refused /);
    expect(reasons()).toEqual([reason]);
    expect(hub.size).toBe(0);
  });

  it('publishes with a token, and callbacks are asked and told in order', async () => {
    const callbackServer = new TestServer(answers(200, '0'));
    await callbackServer.up();
    closers.push(() => callbackServer.down());
    const url = (name: string): string[] => [callbackServer.url(`/${name}`)];
    const hooks = { onConnect: url('c'), onClose: url('x'), onPublish: url('p'), onUnpublish: url('u') };
    const { dial, reasons } = await start({
      token: { enabled: true, publish: true, secrets: [secret] },
      httpHooks: { enabled: true, ...hooks },
    });
    const grant = { action: 'publish', vhost: '__defaultVhost__', app: 'live', stream: 'test' } as const;
    const param = `?${signedQuery(secret, { ...grant, expires: Math.floor(Date.now() / 1000) + 600 })}`;
    const publisher = await publishTen(dial, param);
    expect(publisher.answer).toBe('accepted');
    publisher.close();
    await until('it is gone', () => reasons().length === 1);
    await callbackServer.calls(2);
    // It has no step to connect of its own, so on_connect and on_close are not for it.
    expect(callbackServer.field('action')).toEqual(['on_publish', 'on_unpublish']);
  });

  it('is kicked by its id', async () => {
    const { dial, api, clients, reasons } = await start();
    const publisher = await publishTen(dial);
    const [client] = api.clients();
    expect(clients.kick(client?.id ?? '')).toBe(true);
    await until('it is closed', () => publisher.isClosed && reasons().length === 1);
    expect(reasons()).toEqual(['kicked']);
    expect([...api.clients()]).toEqual([]);
  });

  it('ends with the server, players too', async () => {
    const { dial, clients, hub, reasons } = await start();
    await publishTen(dial);
    const player = dial({});
    await until('it plays', () => numbers(player).length === 10);
    clients.endAll('server-shutdown');
    await clients.allClosed();
    expect(reasons()).toEqual(['server-shutdown', 'server-shutdown']);
    expect([hub.size, clients.size]).toEqual([0, 0]);
  });

  it('bad input ends its connection and nothing else', async () => {
    const { dial, reasons } = await start();
    const good = await publishTen(dial);
    const bad = dial({ stream: 'other' });
    bad.send(Buffer.alloc(64, 0xff));
    const badJson = dial({ stream: 'another' });
    badJson.send(toyMessage('request', 'nothing'));
    await until('both are gone', () => reasons().length === 2);
    expect(reasons()).toEqual(['protocol-error', 'protocol-error']);
    expect(good.isClosed).toBe(false);
  });
});
