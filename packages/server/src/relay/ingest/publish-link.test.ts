import { createServer, type Socket } from 'node:net';

import { FlvTagType } from '@sluice/media/flv';
import { ServerSession } from '@sluice/rtmp';
import { describe, expect, it, onTestFinished } from 'vitest';

import type { Clock } from '../../files/index.ts';
import { PublishLink, unlessAborted } from './publish-link.ts';
import { retryDelay } from './retry-policy.ts';

/** More than the system takes for a peer that doesn't read: a few of the longest messages that RTMP has. */
const MESSAGES = 4;
const MESSAGE_BYTES = 0xffffff;

/** A server that takes a publish, and not a byte more. */
async function deafServer(): Promise<{ url: string; peers: Socket[] }> {
  const peers: Socket[] = [];
  const server = createServer((socket) => {
    peers.push(socket);
    const session = new ServerSession({
      send: (bytes) => socket.write(bytes),
      handler: {
        onConnect: () => {
          session.acceptConnect();
        },
        onPublish: () => {
          socket.pause();
          session.acceptPublish();
        },
        onUnpublish: () => undefined,
        onMedia: () => undefined,
        onPlay: () => undefined,
        onStop: () => undefined,
        onPause: () => undefined,
        onReceiveAudio: () => undefined,
        onReceiveVideo: () => undefined,
      },
    });
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Uint8Array) => {
      session.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { url: `rtmp://127.0.0.1:${port}/live/livestream`, peers };
}

/** A clock on which time passes when the test says so. */
function heldClock(): { clock: Clock; pass: () => void } {
  let wake: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        wake.push(resolve);
        signal?.addEventListener('abort', () => {
          resolve();
        });
      }),
  };
  return {
    clock,
    pass: () => {
      for (const resolve of wake) resolve();
      wake = [];
    },
  };
}

async function openLink() {
  const { url, peers } = await deafServer();
  const { clock, pass } = heldClock();
  const stop = new AbortController();
  const link = await PublishLink.open(url, {
    timeoutMs: 5_000,
    signal: stop.signal,
    clock,
    peer: 'the peer',
  });
  if (link === undefined) throw new Error('no link');
  return { link, peers, stop, pass };
}

/** Sends more than the peer takes; gives what became of the last message. */
async function sendTooMuch(link: PublishLink): Promise<unknown> {
  const body = new Uint8Array(MESSAGE_BYTES);
  const sent = Array.from({ length: MESSAGES }, (_, timestamp) =>
    link.send({ type: FlvTagType.video, timestamp, body }).then(
      () => 'taken',
      (error: unknown) => error,
    ),
  );
  return sent.at(-1);
}

describe('PublishLink', () => {
  it('gives a server up that takes nothing for the time limit', async () => {
    const { link, pass } = await openLink();
    const last = sendTooMuch(link);
    pass();
    expect(await last).toMatchObject({ code: 'timeout', message: 'the peer took nothing for 5000 ms' });
    expect(link.failure).toMatchObject({ code: 'timeout' });
    await expect(link.send({ type: 8, timestamp: 0, body: Uint8Array.of(0xaf, 1) })).rejects.toBe(
      link.failure,
    );
  });

  it('waits no more when it is stopped', async () => {
    const { link, stop } = await openLink();
    const last = sendTooMuch(link);
    stop.abort();
    expect(await last).toMatchObject({ code: 'connection-closed' });
  });

  it('knows when the server has gone', async () => {
    const { link, peers } = await openLink();
    const last = sendTooMuch(link);
    for (const peer of peers) peer.destroy();
    await last;
    await link.close();
    expect(link.failure).toBeDefined();
  });

  it('is not opened when it was stopped before', async () => {
    const { url } = await deafServer();
    const { clock } = heldClock();
    expect(
      await PublishLink.open(url, { timeoutMs: 5_000, signal: AbortSignal.abort(), clock }),
    ).toBeUndefined();
  });
});

describe('unlessAborted', () => {
  it('gives what comes first', async () => {
    expect(await unlessAborted(Promise.resolve(1), undefined)).toBe(1);
    expect(await unlessAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
    expect(await unlessAborted(new Promise(() => undefined), AbortSignal.abort())).toBeUndefined();
    await expect(unlessAborted(Promise.reject(new Error('x')), new AbortController().signal)).rejects.toThrow(
      'x',
    );
  });
});

describe('retryDelay', () => {
  it('doubles up to its limit, and ends', () => {
    const policy = { attempts: 7, firstDelayMs: 100, maxDelayMs: 1_000 };
    const delays = Array.from({ length: 8 }, (_, index) => retryDelay(policy, index + 1));
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000, undefined]);
    expect(retryDelay(undefined, 1)).toBeUndefined();
    expect(retryDelay({ attempts: Infinity }, 10_000)).toBe(30_000);
  });
});
