import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fixture,
  framemd5,
  haveFfmpeg,
  packets,
  probe,
  publish,
  record,
  startSluice,
  waitFor,
} from '../harness/index.ts';
import type { FixtureName, Packet, SluiceUnderTest } from '../harness/index.ts';

/** A frame of 25 a second, and a little: the farthest from 0 that a player may begin, seconds. */
const ONE_FRAME = 0.045;

/** Waits until so much of the stream has been published that a player of it is late. */
async function isUnderWay(sluice: SluiceUnderTest, stream: string, hasVideo: boolean): Promise<void> {
  await waitFor(async () => {
    const { streams } = (await sluice.api('/api/v1/streams')) as {
      readonly streams: readonly {
        readonly name: string;
        readonly frames: number;
        readonly live_ms: number;
      }[];
    };
    const found = streams.find(({ name }) => name === stream);
    if (found === undefined) return undefined;
    return (hasVideo ? found.frames > 40 : found.live_ms > 1500) ? true : undefined;
  }, `${stream} is under way`);
}

/** Where in the source what a player got begins, seconds; undefined when sizes don't tell. */
function offsetInSource(
  kind: Packet['kind'],
  got: readonly Packet[],
  source: readonly Packet[],
): number | undefined {
  const wanted = got.filter((packet) => packet.kind === kind).slice(0, 20);
  const all = source.filter((packet) => packet.kind === kind);
  const places = all.flatMap((packet, at) =>
    wanted.every(({ size }, index) => all[at + index]?.size === size) ? [packet.pts] : [],
  );
  const [first] = wanted;
  const [place] = places;
  return places.length === 1 && first !== undefined && place !== undefined ? place - first.pts : undefined;
}

describe.runIf(haveFfmpeg)('ffmpeg publishes, ffmpeg plays', () => {
  const variants = [
    ['h264-aac', ['h264', 'aac']],
    ['h264-bframes-aac', ['h264', 'aac']],
    ['h264-mp3', ['h264', 'mp3']],
    ['h264-only', ['h264']],
    ['aac-only', ['aac']],
    ['mp3-only', ['mp3']],
  ] as const satisfies readonly (readonly [FixtureName, readonly string[]])[];

  it.concurrent.each(variants)(
    'P001 P009 P010 O003 O004 H008 H009 H012: %s by RTMP and HTTP-FLV',
    async (name, codecs) => {
      const file = await fixture(name);
      const hasVideo = codecs.some((codec) => codec === 'h264');
      const hasAudio = codecs.length === 2 || !hasVideo;
      // With hstrs, HTTP players may come first, as RTMP players may.
      const sluice = await startSluice({
        config: ({ rtmp, http, api }) => `listen ${rtmp};
          srs_log_tank console;
          http_api { enabled on; listen ${api}; }
          http_server { enabled on; listen ${http}; dir ./; }
          vhost __defaultVhost__ { publish { normal_timeout 600000; } http_remux { enabled on; mount [vhost]/[app]/[stream].flv; hstrs on; } }
        `,
      });
      try {
        const rtmpUrl = sluice.rtmpUrl(name);
        const httpUrl = sluice.httpUrl(`/live/${name}.flv`);
        const early = ['rtmp', 'http'].map((door) => join(sluice.folder, `${door}.flv`));
        const recordings = Promise.all([
          record(rtmpUrl, early[0] ?? ''),
          record(httpUrl, early[1] ?? ''),
          sluice.logged(/\] play \S+ from/),
          sluice.logged(/\] flv-play \S+ by http from/),
        ]);
        // Both players are there before the publisher.
        await Promise.race([
          recordings,
          Promise.all([
            sluice.logged(/\] play \S+ from \S+, nobody publishes yet/),
            sluice.logged(/\] flv-play \S+ by http from \S+, nobody publishes yet/),
          ]),
        ]);
        const publisher = publish({ file, url: rtmpUrl });
        await sluice.published(name);
        await isUnderWay(sluice, name, hasVideo);
        // However long the late players take to start, the stream does not end before they are there.
        publisher.process.kill('SIGSTOP');
        const joins = (): number => [...sluice.log.matchAll(/\] (flv-)?play \S+ /g)].length;
        const before = joins();
        const joining = Promise.all([packets(rtmpUrl, 2), packets(httpUrl, 2)]);
        await Promise.race([
          joining,
          waitFor(() => (joins() >= before + 2 ? true : undefined), 'the late players are there'),
        ]);
        publisher.process.kill('SIGCONT');
        const late = await joining;
        await publisher.finished();
        await sluice.logged(/closed: \S+ \([^)]+\), fmle-publish /);
        // What the recorders still lack comes before the server is gone.
        sluice.process.kill('SIGTERM');
        expect((await sluice.process.exited()).code).toBe(0);
        await recordings;

        const source = await packets(file);
        for (const got of late) {
          expect(Math.min(...got.map(({ dts }) => dts))).toBeLessThan(ONE_FRAME);
          if (hasVideo) expect(got.find(({ kind }) => kind === 'video')?.keyframe).toBe(true);
          for (const track of ['video', 'audio'] as const) {
            const dts = got.filter(({ kind }) => kind === track).map((packet) => packet.dts);
            expect(dts.length > 10).toBe(track === 'video' ? hasVideo : hasAudio);
            expect([...dts].sort((a, b) => a - b)).toEqual(dts);
          }
          const audio = offsetInSource('audio', got, source);
          const video = offsetInSource('video', got, source);
          if (video !== undefined) expect(video).toBeGreaterThan(0);
          if (name.includes('h264') && name.includes('aac')) {
            expect(audio).toBeDefined();
            expect(video).toBeDefined();
          }
          if (audio !== undefined && video !== undefined)
            expect(Math.abs(audio - video)).toBeLessThanOrEqual(0.002);
        }
        for (const recording of early) {
          const { streams } = await probe(recording);
          expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual([...codecs].sort());
          for (const kind of [...(hasVideo ? ['v'] : []), ...(hasAudio ? ['a'] : [])] as ('v' | 'a')[]) {
            const [theirs, ours] = await Promise.all([framemd5(file, kind), framemd5(recording, kind)]);
            expect(ours.map(({ md5 }) => md5)).toEqual(theirs.map(({ md5 }) => md5));
          }
        }
      } finally {
        await sluice.stop();
      }
    },
  );
});
