import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  awaitPlaylist,
  downloadSegments,
  ffmpeg,
  FlvViewer,
  haveFfmpeg,
  isSequenceHeader,
  probe,
  publish,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const SECONDS = 3;
const sizes = [
  { size: '320x180', profile: 'main' },
  { size: '640x360', profile: 'high' },
] as const;

describe.runIf(haveFfmpeg)('parameter sets that change inside the pictures', () => {
  let sluice: SluiceUnderTest;

  beforeAll(async () => {
    sluice = await startSluice({
      vhost: `dvr { enabled on; dvr_plan session; dvr_path ./rec/[app]/[stream].flv; }
        hls { enabled on; hls_path ./; hls_fragment 1; hls_window 60; }`,
    });
  });
  afterAll(() => sluice.stop());

  /** Two pictures one after the other, in TS; what sends it as FLV writes one sequence header. */
  async function twoSizes(): Promise<string> {
    const parts: string[] = [];
    for (const { size, profile } of sizes) {
      const part = join(sluice.folder, `${size}.ts`);
      await ffmpeg([
        ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=10`, '-t', String(SECONDS)],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-profile:v', profile],
        ...['-x264-params', 'cabac=1:keyint=10:scenecut=0:bframes=0', '-y', part],
      ]);
      parts.push(part);
    }
    const file = join(sluice.folder, 'both.ts');
    const list = join(sluice.folder, 'both.txt');
    await writeFile(list, parts.map((part) => `file '${part}'\n`).join(''));
    await ffmpeg(['-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy', '-y', file]);
    return file;
  }

  it('P012 are a change of configuration for HTTP-FLV, HLS and recordings', async () => {
    const name = 'two-sizes';
    const viewer = await FlvViewer.open(sluice.httpUrl(`/live/${name}.flv`));
    const publisher = publish({
      file: await twoSizes(),
      url: sluice.rtmpUrl(name),
      // The sequence header is that of the first part.
      inputArgs: ['-analyzeduration', '500000'],
    });
    await publisher.finished();
    const frames = 2 * SECONDS * 10;
    const video = await viewer.until('every picture came by HTTP-FLV', () => {
      const tags = viewer.media().filter(({ type }) => type === 9);
      return tags.filter((tag) => !isSequenceHeader(tag)).length >= frames - 1 ? tags : undefined;
    });
    viewer.close();
    const headers = video.filter(isSequenceHeader).map(({ body }) => body);
    expect(headers.map((body) => body[6])).toEqual([77, 100]);

    const playlist = await awaitPlaylist(
      sluice.httpUrl(`/live/${name}.m3u8`),
      ({ text }) => text.includes('#EXT-X-DISCONTINUITY\n'),
      'a playlist with a discontinuity',
    );
    expect(playlist.text.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(1);
    const all = await downloadSegments(playlist, join(sluice.folder, 'all.ts'));
    await ffmpeg(['-xerror', '-err_detect', 'explode', '-i', all, '-f', 'null', '-']);
    const second = playlist.text.slice(playlist.text.indexOf('#EXT-X-DISCONTINUITY\n'));
    const late = playlist.segments.filter(({ url }) =>
      second.includes(new URL(url).pathname.split('/').at(-1) ?? '?'),
    );
    const part = await downloadSegments({ ...playlist, segments: late }, join(sluice.folder, 'late.ts'));
    expect((await probe(part)).streams[0]).toMatchObject({ width: 640, height: 360 });

    const folder = join(sluice.folder, 'rec/live');
    await waitFor(
      async () =>
        (await readdir(folder).catch((): string[] => [])).includes(`${name}.flv`) ? true : undefined,
      'the recording',
    );
    await ffmpeg(['-xerror', '-err_detect', 'explode', '-i', join(folder, `${name}.flv`), '-f', 'null', '-']);
  });
});
