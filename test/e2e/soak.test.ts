import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FlvViewer, openPlayer, openPublisher, startSluice, waitFor } from '../harness/index.ts';
import type { RtmpPeer, SluiceUnderTest } from '../harness/index.ts';

const ROUNDS = 300;
/** Rounds under way at the same time. */
const AT_ONCE = 10;

const keyframe = { type: 9, timestamp: 0, body: Uint8Array.of(0x17, 1, 0, 0, 0, 1, 2, 3) } as const;

async function rounds(one: (round: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < ROUNDS) await one(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe('coming and going', () => {
  let sluice: SluiceUnderTest;

  beforeAll(async () => {
    sluice = await startSluice({ vhost: 'mw_latency 20; publish { normal_timeout 600000; }' });
  });
  afterAll(() => sluice.stop());

  async function listed(): Promise<readonly [streams: number, clients: number]> {
    const { streams } = (await sluice.api('/api/v1/streams?count=1000')) as { streams: readonly unknown[] };
    const { clients } = (await sluice.api('/api/v1/clients?count=1000')) as { clients: readonly unknown[] };
    return [streams.length, clients.length];
  }

  async function untilListed(streams: number, clients: number): Promise<void> {
    await waitFor(async () => {
      const [foundStreams, foundClients] = await listed();
      return foundStreams === streams && foundClients === clients ? true : undefined;
    }, `${streams} streams and ${clients} clients are listed`);
  }

  it(`leaves nothing behind after ${ROUNDS} rounds of publish and leave`, async () => {
    await rounds(async (round) => {
      const publisher = await openPublisher(sluice.ports.rtmp, `round-${round}`);
      publisher.sendMedia(keyframe);
      if (round % 3 === 0) publisher.socket.destroy();
      else await publisher.close();
    });
    await untilListed(0, 0);
  });

  it(`leaves nothing behind after ${ROUNDS} rounds of join and leave, and the publisher feels nothing`, async () => {
    const publisher = await openPublisher(sluice.ports.rtmp, 'joined');
    publisher.sendMedia(keyframe);
    const witness = await openPlayer(sluice.ports.rtmp, 'joined');
    await witness.untilMedia(1);
    await rounds(async (round) => {
      if (round % 3 === 0) {
        const viewer = await FlvViewer.open(sluice.httpUrl('/live/joined.flv'));
        await viewer.untilMedia(1);
        viewer.close();
        return;
      }
      const player: RtmpPeer = await openPlayer(sluice.ports.rtmp, 'joined');
      await player.untilMedia(1);
      if (round % 3 === 1) player.socket.destroy();
      else await player.close();
    });
    // Players of a stream that never comes are forgotten as well.
    const waiting = await openPlayer(sluice.ports.rtmp, 'never');
    await untilListed(2, 3);
    await waiting.close();
    await untilListed(1, 2);
    publisher.sendMedia({ ...keyframe, timestamp: 40 });
    expect(await witness.untilMedia(2)).toHaveLength(2);
    await Promise.all([witness.close(), publisher.close()]);
    await untilListed(0, 0);
  });
});
