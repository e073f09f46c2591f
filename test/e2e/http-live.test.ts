import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import {
  fixture,
  type FixtureName,
  framemd5,
  haveFfmpeg,
  packets,
  probe,
  publish,
  type Publisher,
  record,
  startSluice,
  type SluiceUnderTest,
  waitFor,
} from '../harness/index.ts';

async function live(
  onTestFinished: TestContext['onTestFinished'],
  name: FixtureName,
  remux = '',
): Promise<SluiceUnderTest & { readonly publisher: Publisher }> {
  const sluice = await startSluice({
    config: (ports) => `listen ${ports.rtmp};
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; }
vhost __defaultVhost__ { publish { normal_timeout 600000; } http_remux { enabled on; ${remux} } }
`,
  });
  const publisher = publish({ file: await fixture(name), url: sluice.rtmpUrl('x'), loop: true });
  onTestFinished(async () => {
    await publisher.kill();
    await sluice.stop();
  });
  await sluice.published('x');
  return Object.assign(sluice, { publisher });
}

describe.runIf(haveFfmpeg).concurrent('live streams over HTTP', () => {
  it('H008 H010 one vhost gives every form at once, and each decodes', async ({ onTestFinished }) => {
    const sluice = await live(onTestFinished, 'h264-aac');
    const forms = [
      ['ts', ['h264', 'aac']],
      ['flv', ['h264', 'aac']],
      ['aac', ['aac']],
    ] as const;
    await Promise.all(
      forms.map(async ([extension, codecs]) => {
        const file = await record(
          sluice.httpUrl(`/live/x.${extension}`),
          join(sluice.folder, `${extension}.mkv`),
          4,
        );
        const { streams } = await probe(file);
        expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual([...codecs].sort());
        expect((await framemd5(file, 'a')).length).toBeGreaterThan(150);
        if (extension !== 'aac') expect((await framemd5(file, 'v')).length).toBeGreaterThan(90);
      }),
    );
  });

  it.for([
    ['h264-bframes-aac', 'ts', ['h264', 'aac'], 'video/MP2T'],
    ['h264-mp3', 'ts', ['h264', 'mp3'], 'video/MP2T'],
    ['aac-only', 'ts', ['aac'], 'video/MP2T'],
    ['mp3-only', 'mp3', ['mp3'], 'audio/mpeg'],
    ['h264-mp3', 'mp3', ['mp3'], 'audio/mpeg'],
    ['aac-only', 'aac', ['aac'], 'audio/x-aac'],
  ] as const)('H010 %s as .%s', async ([name, extension, codecs, type], { onTestFinished }) => {
    const sluice = await live(onTestFinished, name);
    const url = sluice.httpUrl(`/live/x.${extension}`);
    const abort = new AbortController();
    const response = await fetch(url, { signal: abort.signal });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    abort.abort();
    const file = await record(url, join(sluice.folder, 'out.mkv'), 4);
    const { streams } = await probe(file);
    expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual([...codecs].sort());
    const all = await packets(file);
    for (const kind of ['video', 'audio'] as const) {
      const times = all.filter((packet) => packet.kind === kind).map(({ dts }) => dts);
      expect(times).toEqual([...times].sort((left, right) => left - right));
    }
    if (name.startsWith('h264') && extension === 'ts') {
      expect(all.find(({ kind }) => kind === 'video')?.keyframe).toBe(true);
      await framemd5(file, 'v');
    }
  });

  it('H011 fast_cache gives a listener the last seconds at once', async ({ onTestFinished }) => {
    const sluice = await live(onTestFinished, 'aac-only', 'mount [vhost]/[app]/[stream].aac; fast_cache 3;');
    await record(sluice.httpUrl('/live/x.aac'), join(sluice.folder, 'wait.mkv'), 4);
    // Nothing new comes, so what a second listener gets is what the first one waited three seconds for.
    sluice.publisher.process.kill('SIGSTOP');
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const response = await fetch(sluice.httpUrl('/live/x.aac'), { signal: abort.signal });
    const reader = response.body?.getReader();
    let bytes = 0;
    // 48 kbit/s for some 3 s.
    while (bytes < 12_000) {
      const piece = await reader?.read();
      expect(piece?.done).toBe(false);
      bytes += piece?.value?.length ?? 0;
    }
  });

  it.for([
    ['ts', 'h264-aac'],
    ['aac', 'h264-aac'],
    ['mp3', 'h264-mp3'],
    ['mp3', 'mp3-only'],
  ] as const)(
    'H010 H012 with hstrs on .%s of %s waits for its publisher, and the response ends with it',
    async ([extension, clip], { onTestFinished }) => {
      const mount = `mount [vhost]/[app]/[stream].${extension}; hstrs on;`;
      const sluice = await live(onTestFinished, 'h264-aac', mount);
      const response = await fetch(sluice.httpUrl(`/live/late.${extension}`));
      expect(response.status).toBe(200);
      const publisher = publish({
        file: await fixture(clip),
        url: sluice.rtmpUrl('late'),
        realtime: false,
      });
      await publisher.finished();
      const file = join(sluice.folder, `late.${extension}`);
      await writeFile(file, new Uint8Array(await response.arrayBuffer()));
      const source = await framemd5(await fixture(clip), 'a');
      expect((await framemd5(file, 'a')).map(({ md5 }) => md5)).toEqual(source.map(({ md5 }) => md5));
    },
  );

  it('H012 with hstrs off an unpublished stream is 404, and a sibling form never waits', async ({
    onTestFinished,
  }) => {
    const sluice = await live(onTestFinished, 'aac-only', 'mount [vhost]/[app]/[stream].flv; hstrs off;');
    for (const path of ['/live/none.flv', '/live/none.ts', '/live/x-12.ts']) {
      expect((await fetch(sluice.httpUrl(path))).status).toBe(404);
    }
  });

  it('each form is counted under its own type', async ({ onTestFinished }) => {
    const sluice = await live(onTestFinished, 'h264-aac');
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    for (const extension of ['ts', 'aac', 'flv']) {
      await fetch(sluice.httpUrl(`/live/x.${extension}`), { signal: abort.signal });
    }
    const types = await waitFor(async () => {
      const answer = (await sluice.api('/api/v1/clients?count=100')) as {
        readonly clients: readonly { readonly type: string }[];
      };
      const found = answer.clients.map(({ type }) => type).filter((type) => type.endsWith('-play'));
      return found.length === 3 ? found.sort() : undefined;
    }, 'three players are there');
    expect(types).toEqual(['aac-play', 'flv-play', 'ts-play']);
  });
});
