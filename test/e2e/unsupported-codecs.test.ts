import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  awaitPlaylist,
  downloadSegments,
  ffmpeg,
  haveFfmpeg,
  probe,
  type Publisher,
  publish,
  record,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

interface ListedStream {
  readonly name: string;
  readonly video: { readonly codec: string; readonly width: number | null; readonly height: number | null };
  readonly audio: { readonly codec: string };
  readonly faults: readonly {
    readonly sink: string;
    readonly code: string;
    readonly message: string;
    readonly count: number;
  }[];
}

const SECONDS = 40;
const PICTURE = { width: 200, height: 120 };

describe.runIf(haveFfmpeg)('codecs that an output can not carry', () => {
  let sluice: SluiceUnderTest;
  const publishers: Publisher[] = [];

  beforeAll(async () => {
    sluice = await startSluice({
      vhost: `http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
        dvr { enabled on; dvr_plan session; dvr_path ./rec/[app]/[stream].mp4; }
        hds { enabled on; hds_path ./; }
        hls { enabled on; hls_path ./; hls_fragment 1; hls_window 60; }`,
    });
  });
  afterAll(async () => {
    for (const publisher of publishers) await publisher.stop();
    await sluice.stop();
  });

  async function start(name: string, video: readonly string[], audio: readonly string[]): Promise<void> {
    const file = join(sluice.folder, `${name}.flv`);
    await ffmpeg([
      ...['-f', 'lavfi', '-i', `testsrc2=s=${PICTURE.width}x${PICTURE.height}:r=10`],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440', '-t', String(SECONDS)],
      ...[...video, ...audio, '-y', file],
    ]);
    publishers.push(publish({ file, url: sluice.rtmpUrl(name) }));
  }

  async function listed(port: 'api' | 'http', name: string): Promise<ListedStream | undefined> {
    const response = await fetch(`http://127.0.0.1:${sluice.ports[port]}/api/v1/streams`);
    const { streams } = (await response.json()) as { readonly streams: readonly ListedStream[] };
    return streams.find((stream) => stream.name === name);
  }

  /** The stream, as soon as these sinks name a codec that they can't carry. */
  async function withFaults(port: 'api' | 'http', name: string, wanted: readonly string[]) {
    return waitFor(
      async () => {
        const stream = await listed(port, name);
        const found = stream?.faults
          .filter(({ code }) => code === 'unsupported-codec')
          .map(({ sink }) => sink);
        return wanted.every((sink) => found?.includes(sink) === true) ? stream : undefined;
      },
      `faults of ${wanted.join(', ')} for ${name}`,
    );
  }

  it.each([
    ['H263', 'Speex', ['-c:v', 'flv'], ['-c:a', 'libspeex', '-ar', '16000', '-ac', '1']],
    ['Screen', 'Nellymoser', ['-c:v', 'flashsv'], ['-c:a', 'nellymoser', '-ar', '22050', '-ac', '1']],
    ['Screen2', 'G711A', ['-c:v', 'flashsv2'], ['-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1']],
    ['H263', 'G711U', ['-c:v', 'flv'], ['-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1']],
  ] as const)('P010 %s and %s: 404s and the API say why', async (videoName, audioName, video, audio) => {
    const name = `${videoName}-${audioName}`.toLowerCase();
    await start(name, video, audio);
    const missing = await waitFor(async () => {
      const response = await fetch(sluice.httpUrl(`/live/${name}.m3u8`));
      const text = await response.text();
      return text.includes(videoName) && text.includes(audioName) ? { response, text } : undefined;
    }, "the 404's body names both codecs");
    expect(missing.response.status).toBe(404);
    expect(missing.text).toContain('publish H.264 or HEVC');
    const ts = await fetch(sluice.httpUrl(`/live/${name}.ts`));
    expect([ts.status, await ts.text()]).toEqual([
      404,
      `MPEG-TS can't carry video of codec ${videoName}: publish H.264 or HEVC, or play it by RTMP or HTTP-FLV; ` +
        `MPEG-TS can't carry audio of codec ${audioName}: publish AAC or MP3, or play it by RTMP or HTTP-FLV`,
    ]);
    const stream = await withFaults('api', name, ['hls', 'ts', 'dvr']);
    expect(stream.video).toMatchObject({ codec: videoName, ...PICTURE });
    // Nobody of the public is given a path; what is said of codecs is for everyone.
    const open = await withFaults('http', name, ['hls', 'ts', 'dvr']);
    expect(JSON.stringify(open.faults)).not.toContain('rec/');
    // HTTP-FLV and HDS carry them all.
    const recorded = await record(
      sluice.httpUrl(`/live/${name}.flv`),
      join(sluice.folder, `${name}-got.flv`),
      1,
    );
    await ffmpeg(['-xerror', '-i', recorded, '-f', 'null', '-']);
    expect((await probe(recorded)).streams[0]).toMatchObject(PICTURE);
    expect(stream.faults.filter(({ sink }) => sink === 'hds')).toEqual([]);
  });

  it('P010 H.264 and Speex: HLS and TS have the picture, and the API says what is left out', async () => {
    const name = 'half';
    const x264 = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast', '-g', '10'];
    await start(name, x264, ['-c:a', 'libspeex', '-ar', '16000', '-ac', '1']);
    const playlist = await awaitPlaylist(
      sluice.httpUrl(`/live/${name}.m3u8`),
      ({ segments }) => segments.length >= 2,
      'two segments',
    );
    const all = await downloadSegments(playlist, join(sluice.folder, 'half.ts'));
    await ffmpeg(['-xerror', '-err_detect', 'explode', '-i', all, '-f', 'null', '-']);
    const { streams } = await probe(all);
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({ codec_name: 'h264', ...PICTURE });
    const live = await record(sluice.httpUrl(`/live/${name}.ts`), join(sluice.folder, 'half-live.ts'), 1);
    expect((await readFile(live)).length).toBeGreaterThan(0);
    const stream = await withFaults('api', name, ['hls', 'ts', 'dvr']);
    for (const fault of stream.faults) expect(fault.message).toContain('Speex');
  });
});
