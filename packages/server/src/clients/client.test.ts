import { describe, expect, it } from 'vitest';

import { resolveConfig, type VhostOptions } from '../config/index.ts';
import { flvFamily, plainFraming } from '../remux/index.ts';
import type { Verdict } from '../security/index.ts';
import type { Client } from './client.ts';
import type { ClientOptions } from './options.ts';
import { testClients } from './test-kit.ts';
import type { ClientEnd } from './transport.ts';

type Answer = (verdict: Verdict) => void;

/** Clients whose authorizer answers later when `isSlow`, and everything that is reported. */
function scene({ vhost = {}, isSlow = true }: { vhost?: VhostOptions; isSlow?: boolean } = {}) {
  let options = vhost;
  const config = () => resolveConfig({ vhosts: { __defaultVhost__: options, 'other.test': {} } });
  let current = config();
  const reported: string[] = [];
  const answers: Answer[] = [];
  const kit = testClients(() => current, {
    authorizer: {
      check: (action) => {
        reported.push(`check ${action}`);
        return isSlow ? new Promise<Verdict>((resolve) => answers.push(resolve)) : undefined;
      },
      began: (action) => reported.push(`began ${action}`),
      ended: (action, _client, reason) => reported.push(`ended ${action} ${reason ?? ''}`.trimEnd()),
      closed: (_client, reason, bytes) => reported.push(`closed ${reason} ${bytes.in} ${bytes.out}`),
    },
    nameProblem: (_vhost, _app, stream) => (stream === '..' ? 'it leads out' : undefined),
  });
  const ends: ClientEnd[] = [];
  const open = (changes: Partial<ClientOptions> = {}): Client =>
    kit.clients.open({
      ip: '192.0.2.1',
      hasConnect: true,
      transport: {
        bytesIn: 1,
        bytesOut: 2,
        close: (end) => ends.push(end),
        onWaiting: () => reported.push('waiting'),
      },
      ...changes,
    });
  const answer = async (verdict?: Verdict): Promise<void> => {
    answers.shift()?.(verdict);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const reload = (changed: VhostOptions): void => {
    options = changed;
    current = config();
    kit.clients.reconfigure();
  };
  return { ...kit, reported, ends, open, answer, reload };
}

const target = { host: '', app: 'live', stream: 'test', param: '', type: 'rtmp-play' } as const;
const sink = {
  ...{ writableLength: 0, writableNeedDrain: false, destroyed: false },
  write: () => true,
  cork: () => undefined,
  uncork: () => undefined,
};

function startPlay(client: Client): void {
  client.startPlay({
    sink,
    family: () => flvFamily(plainFraming),
    endsWithPublisher: 'always',
  });
}

function notAdmitted(): never {
  throw new Error('the client was admitted');
}

describe('Client', () => {
  it('goes on in the same turn where nobody has to be asked', () => {
    const { open, reported, sessions, hub } = scene({ isSlow: false });
    const client = open();
    const steps: string[] = [];
    client.connect(target, () => steps.push('connected'));
    client.play(target, () => {
      startPlay(client);
      steps.push('plays');
    });
    expect(steps).toEqual(['connected', 'plays']);
    expect(reported).toEqual(['check connect', 'check play', 'began play']);
    expect(sessions.get(client.id)?.session).toBe(client);
    client.closed();
    expect(reported.slice(3)).toEqual(['ended play closed-by-peer', 'closed closed-by-peer 1 2']);
    expect([sessions.size, hub.size]).toEqual([0, 0]);
  });

  it('waits for an answer, and reports the end once', async () => {
    const { open, reported, answer } = scene();
    const client = open();
    client.play(target, () => {
      startPlay(client);
    });
    await answer();
    await answer();
    client.leave();
    client.leave();
    expect(reported).toEqual([
      ...['check connect', 'waiting', 'check play', 'waiting', 'began play'],
      'ended play',
    ]);
  });

  it('S002 K003 a refusal ends it with the reason, and nothing else is reported', async () => {
    const { open, reported, ends, answer, reasons } = scene();
    const client = open({ hasConnect: false });
    client.publishTo({ ...target, type: 'fmle-publish' }, notAdmitted);
    await answer({ reason: 'hook-denied', detail: 'the answer of 10.0.0.1' });
    expect(ends).toMatchObject([{ reason: 'hook-denied', detail: 'the answer of 10.0.0.1' }]);
    expect(ends[0]?.publicText).not.toContain('10.0.0.1');
    client.closed();
    expect(reported).toEqual(['check publish', 'waiting']);
    expect(reasons()).toEqual(['hook-denied']);
  });

  it.each(['play', 'publishTo'] as const)(
    'reports the end of a client that went before its answer (%s)',
    async (what) => {
      const { open, reported, answer } = scene();
      const client = open({ hasConnect: false });
      client[what](target, notAdmitted);
      client.closed();
      await answer();
      const action = what === 'play' ? 'play' : 'publish';
      expect(reported).toEqual([`check ${action}`, 'waiting', `ended ${action} closed-by-peer`]);
    },
  );

  it.each([true, false])(
    'reports the close of a client that went while it connected (before the answer: %s)',
    async (before) => {
      const { open, reported, answer } = scene();
      const client = open();
      client.connect(target, notAdmitted);
      client.end('socket-error');
      if (before) client.closed();
      await answer();
      if (!before) client.closed();
      expect(reported).toEqual(['check connect', 'waiting', 'closed socket-error 1 2']);
    },
  );

  it('reports nothing of a client that went and is refused', async () => {
    const { open, reported, answer } = scene();
    const client = open();
    client.connect(target, notAdmitted);
    client.closed();
    await answer({ reason: 'hook-denied', detail: 'no' });
    expect(reported).toEqual(['check connect', 'waiting']);
  });

  it('ends by its first reason, and leaves one closing line', () => {
    const { open, ends, reasons, sessions, clients } = scene();
    let releases = 0;
    const client = open({ release: () => (releases += 1) });
    client.end('kicked');
    client.end('play-stalled');
    client.closed();
    client.closed();
    expect(ends.map(({ reason }) => reason)).toEqual(['kicked']);
    expect(reasons()).toEqual(['kicked']);
    expect(sessions.ended.counts.kicked).toBe(1);
    expect([releases, clients.size]).toEqual([1, 0]);
  });

  it.each([
    ['vhost-not-found', { host: 'gone.test' }, { enabled: false }],
    ['refer-denied', {}, { refer: { enabled: true, all: ['a.test'] } }],
    ['refer-denied', {}, { refer: { enabled: true, publish: ['a.test'] } }],
    ['bandwidth-rejected', {}, { bandcheck: { enabled: true } }],
    ['bad-stream-name', { stream: '..' }, {}],
  ] as const)('a vhost alone refuses a publisher: %s %o %o', (reason, changes, vhost) => {
    const { open, ends, reported } = scene({ vhost: vhost });
    const client = open();
    client.publishTo({ ...target, ...changes, type: 'fmle-publish' }, notAdmitted);
    expect(ends.map((end) => end.reason)).toEqual([reason]);
    expect(reported).toEqual([]);
  });

  it('ends who asks for something else before the answer', () => {
    const { open, ends } = scene();
    const client = open();
    client.play(target, notAdmitted);
    client.play(target, notAdmitted);
    expect(ends.map(({ reason }) => reason)).toEqual(['protocol-error']);
  });

  it('a reload between question and answer counts', async () => {
    const { open, ends, answer, reload } = scene();
    const client = open({ hasConnect: false });
    client.play(target, () => {
      startPlay(client);
    });
    reload({ enabled: false });
    await answer();
    expect(ends.map(({ reason }) => reason)).toEqual(['vhost-not-found']);
  });

  it('ends with what its transport makes of an error, else with a fault of the server', () => {
    const { open, ends } = scene({ isSlow: false });
    const close = (end: ClientEnd) => ends.push(end);
    const failureOf = (error: unknown) =>
      error instanceof RangeError
        ? ({ reason: 'protocol-error', detail: 'out of range' } as const)
        : undefined;
    const transport = { bytesIn: 0, bytesOut: 0, close, failureOf };
    open({ transport }).fail(new RangeError());
    open({ transport }).fail(new Error('broken'));
    expect(ends).toMatchObject([
      { reason: 'protocol-error', detail: 'out of range' },
      { reason: 'internal-error', detail: 'broken' },
    ]);
  });
});

describe('ClientRegistry', () => {
  it('ends a client by its id', () => {
    const { clients, open, ends } = scene();
    const client = open();
    expect(clients.kick('nobody')).toBe(false);
    expect(clients.kick(client.id)).toBe(true);
    expect(ends.map(({ reason }) => reason)).toEqual(['kicked']);
  });

  it('a publisher that takes its players along leaves each the reason that counts', async () => {
    const { clients, open, reasons, ends } = scene({ isSlow: false });
    const order: string[] = [];
    const transport = (name: string) => ({
      ...{ bytesIn: 0, bytesOut: 0 },
      close: (end: ClientEnd) => {
        order.push(name);
        ends.push(end);
      },
    });
    const player = open({ transport: transport('player') });
    player.play(target, () => {
      startPlay(player);
    });
    const publisher = open({ transport: transport('publisher') });
    publisher.publishTo({ ...target, type: 'fmle-publish' }, () => {
      publisher.startPublish(() => undefined);
    });
    clients.endAll('server-shutdown');
    expect(ends.map(({ reason }) => reason)).toEqual(['server-shutdown', 'server-shutdown']);
    expect(order).toContain('publisher');
    const gone = clients.allClosed();
    player.closed();
    publisher.closed();
    await gone;
    expect(reasons()).toEqual(['server-shutdown', 'server-shutdown']);
    const late = open();
    late.play(target, notAdmitted);
    expect(late.reason).toBe('server-shutdown');
  });

  it('a second client of an id is a fault of the caller', () => {
    const { open } = scene();
    open({ id: 'abcdefgh' });
    expect(() => open({ id: 'abcdefgh' })).toThrow('already');
  });

  it('R002 counts connections, and logs those that are refused once in a while', () => {
    const kit = testClients(() => resolveConfig({ maxConnections: 1 }));
    expect(kit.clients.admit('192.0.2.1')).toBeUndefined();
    expect(kit.clients.admit('192.0.2.1')).toBe('too-many-connections');
    expect(kit.clients.admit('192.0.2.1')).toBe('too-many-connections');
    expect(kit.lines.map(({ msg }) => msg)).toEqual(['refused 1 connections: max_connections 1 is reached']);
    kit.clients.release('192.0.2.1');
    expect(kit.clients.admit('192.0.2.1')).toBeUndefined();
  });
});
