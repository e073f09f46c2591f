import { describe, expect, it } from 'vitest';

import { resolveConfig } from '../../config/index.ts';
import { type ClientAction, openGates, type Verdict } from '../../security/index.ts';
import type { EndReason, Session } from '../../stats/index.ts';
import { ClientGates } from './client-gates.ts';

const session: Session = {
  ...{ id: 'abcdefgh', startedAt: 0, since: 0, ip: '1.2.3.4', type: 'rtmp-play', publish: false },
  ...{ vhost: '__defaultVhost__', app: 'live', stream: 'test', tcUrl: '', pageUrl: '', swfUrl: '' },
  ...{ bytesIn: 0, bytesOut: 0, videoFrames: 0, droppedFrames: 0 },
};

/** A connection whose gates answer when the test says so, and all that happens to it. */
function scene() {
  const [vhost] = resolveConfig({}).vhosts.values();
  if (vhost === undefined) throw new Error('there is a default vhost');
  const told: string[] = [];
  const answers: ((verdict: Verdict) => void)[] = [];
  const connection = {
    reason: undefined as EndReason | undefined,
    onAsking: () => told.push('asking'),
    onRefused: ({ reason }: { reason: EndReason }) => told.push(`refused ${reason}`),
    onAnswered: () => told.push('answered'),
    onFailed: (error: unknown) => told.push(String(error)),
  };
  const gates = new ClientGates(
    {
      ...openGates,
      check: () => new Promise<Verdict>((resolve) => answers.push(resolve)),
      entered: (action) => told.push(`entered ${action}`),
      left: (action, _client, reason) => told.push(`left ${action} ${reason ?? ''}`),
      closed: (_client, reason, bytes) => told.push(`closed ${reason} ${bytes.in} ${bytes.out}`),
    },
    connection,
  );
  const ask = (action: ClientAction): void => {
    gates.ask(action, session, vhost, '', () => {
      told.push(`let in ${action}`);
    });
  };
  const answer = async (verdict: Verdict): Promise<void> => {
    answers.shift()?.(verdict);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { gates, connection, told, ask, answer };
}

describe('ClientGates', () => {
  it('lets a client in, and tells when it has left', async () => {
    const { gates, told, ask, answer } = scene();
    ask('play');
    await answer(undefined);
    gates.entered();
    gates.left();
    gates.left();
    expect(told).toEqual(['asking', 'let in play', 'answered', 'entered play', 'left play ']);
  });

  it('refuses, and tells of no leaving then', async () => {
    const { gates, told, ask, answer } = scene();
    ask('publish');
    await answer({ reason: 'hook-denied', detail: 'no' });
    gates.left();
    expect(told).toEqual(['asking', 'refused hook-denied', 'answered']);
  });

  it.each(['play', 'publish'] as const)(
    'tells of the leaving of a client who was let in to %s, but had gone before the answer',
    async (action) => {
      const { gates, connection, told, ask, answer } = scene();
      ask(action);
      connection.reason = 'closed-by-peer';
      gates.left();
      await answer(undefined);
      gates.closed('closed-by-peer', { in: 1, out: 2 });
      expect(told).toEqual(['asking', `left ${action} closed-by-peer`]);
    },
  );

  it.each([true, false])(
    'tells of the end of a connection that was let in while it was gone (before the answer: %s)',
    async (before) => {
      const { gates, connection, told, ask, answer } = scene();
      ask('connect');
      connection.reason = 'socket-error';
      if (before) gates.closed('socket-error', { in: 1, out: 2 });
      await answer(undefined);
      if (!before) gates.closed('socket-error', { in: 1, out: 2 });
      expect(told).toEqual(['asking', 'closed socket-error 1 2']);
    },
  );

  it('says nothing of a client who was gone and is refused', async () => {
    const { gates, connection, told, ask, answer } = scene();
    ask('connect');
    connection.reason = 'closed-by-peer';
    gates.closed('closed-by-peer', { in: 1, out: 2 });
    await answer({ reason: 'hook-denied', detail: 'no' });
    expect(told).toEqual(['asking']);
  });
});
