import { spawnSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import {
  FlvViewer,
  openPlayer,
  openPublisher,
  pathOf,
  type RtmpPeer,
  startSluice,
  type SluiceUnderTest,
} from '../harness/index.ts';

const promtool = pathOf('promtool');

/** A whole second of video at 25 frames a second, a keyframe first, and then ten seconds that are missing. */
const TIMES = [...Array.from({ length: 25 }, (_, nth) => nth * 40), 11_000];

/** H.264 frames without a configuration, as they are counted all the same. */
function sendFrames(publisher: RtmpPeer): void {
  for (const [nth, timestamp] of TIMES.entries()) {
    const keyframe = nth % 5 === 0;
    const body = Uint8Array.of(keyframe ? 0x17 : 0x27, 1, 0, 0, 0, nth);
    publisher.sendMedia({ type: 9, timestamp, body });
    publisher.sendMedia({ type: 8, timestamp, body: Uint8Array.of(0xaf, 1, nth) });
  }
}

/** A server with a stream that is published, one that is waited for, and players of both. */
async function busyServer(): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ vhost: 'min_latency on; publish { normal_timeout 600000; }' });
  const publisher = await openPublisher(sluice.ports.rtmp, 'x');
  const player = await openPlayer(sluice.ports.rtmp, 'x');
  const waiting = await openPlayer(sluice.ports.rtmp, 'nobody');
  const viewer = await FlvViewer.open(sluice.httpUrl('/live/x.flv'));
  sendFrames(publisher);
  await publisher.synced();
  await player.untilMedia(2 * TIMES.length);
  expect([waiting.closed, viewer.status]).toEqual([false, 200]);
  return sluice;
}

async function metricsOf(sluice: SluiceUnderTest): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${sluice.ports.api}/metrics`);
  expect(response.status).toBe(200);
  return response.text();
}

function valueOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

describe('/metrics', () => {
  it.runIf(promtool !== undefined)(
    'A004 promtool has nothing to say against the text of a server with streams and players',
    async ({ onTestFinished }) => {
      const sluice = await busyServer();
      onTestFinished(() => sluice.stop());
      const input = await metricsOf(sluice);
      const { status, stdout, stderr } = spawnSync(promtool ?? '', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      });
      expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
    },
  );

  it('A004 A005 what is measured of a stream is in the API and the sums are in the metrics', async ({
    onTestFinished,
  }) => {
    const sluice = await busyServer();
    onTestFinished(() => sluice.stop());
    const { streams } = (await sluice.api('/api/v1/streams')) as { readonly streams: readonly object[] };
    const frames = TIMES.length;
    expect(streams[0]).toMatchObject({
      ...{ name: 'x', clients: 3, players: 2, frames, audio_frames: frames, dropped_frames: 0 },
      gop: { frames: 5, ms: 200 },
      // Video and audio, 10 s each.
      jitter: { corrections: 2, ms: 2 * 10_000 },
    });
    expect(streams[1]).toMatchObject({ name: 'nobody', players: 1, fps: 0, gop: null, flush: null });
    const text = await metricsOf(sluice);
    expect(valueOf(text, 'srs_streams')).toBe(2);
    expect(valueOf(text, 'srs_clients')).toBe(4);
    expect(valueOf(text, 'sluice_frames_received_total{kind="video"}')).toBe(frames);
    expect(valueOf(text, 'sluice_timestamp_corrections_total')).toBe(2);
    expect(valueOf(text, 'sluice_timestamp_corrected_seconds_total')).toBe(20);
    expect(valueOf(text, 'sluice_flush_duration_seconds_count')).toBeGreaterThan(0);
    const { data } = (await sluice.api('/api/v1/summaries')) as {
      readonly data: { readonly traffic: object };
    };
    expect(data.traffic).toMatchObject({
      publishers: 1,
      players: 3,
      streams: 2,
      frames,
      audio_frames: frames,
    });
  });
});
