import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  awaitPlaylist,
  downloadSegments,
  fixture,
  framemd5,
  freePort,
  haveFfmpeg,
  isListening,
  packets,
  publish,
  record,
  startSluice,
  waitFor,
} from '../harness/index.ts';
import type { SluicePorts, SluiceUnderTest } from '../harness/index.ts';

/** Parts of a configuration that tests change. */
interface Text {
  readonly listen?: string;
  readonly root?: string;
  readonly vhost?: string;
}

function configText(ports: SluicePorts, { listen = '', root = '', vhost = '' }: Text = {}): string {
  return `listen ${ports.rtmp} ${listen};
daemon off;
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; }
${root}
vhost __defaultVhost__ {
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
  ${vhost}
}
`;
}

async function start(text: Text = {}): Promise<SluiceUnderTest> {
  const sluice = await startSluice({ config: (ports) => configText(ports, text) });
  onTestFinished(() => sluice.stop());
  return sluice;
}

/** How many reloads have ended so far, well or not. */
function reloadsOf(sluice: SluiceUnderTest): number {
  return [...sluice.log.matchAll(/configuration reloaded|: not reloaded: \S/g)].length;
}

/** Writes the file anew and sends the signal; answers what the log says of it. */
async function reload(sluice: SluiceUnderTest, text: string): Promise<string> {
  await writeFile(join(sluice.folder, 'sluice.conf'), text);
  const before = reloadsOf(sluice);
  const from = sluice.log.length;
  sluice.process.kill('SIGHUP');
  await waitFor(() => (reloadsOf(sluice) > before ? true : undefined), 'the reload is done');
  return sluice.log.slice(from);
}

/** The video of a recording has every frame of the clip that goes round: none missing and none twice. */
async function expectWhole(file: string, seconds: number): Promise<void> {
  const video = (await packets(file)).filter(({ kind }) => kind === 'video');
  const source = (await packets(await fixture('h264-aac'))).filter(({ kind }) => kind === 'video');
  expect(video.length).toBeGreaterThanOrEqual(seconds * 25 - 2);
  const begins = source.findIndex((_frame, at) =>
    video.every(({ size }, index) => size === source[(at + index) % source.length]?.size),
  );
  const steps = video.slice(1).map(({ dts }, index) => Math.round((dts - (video[index]?.dts ?? 0)) * 1000));
  expect(begins, `steps of ${steps.join(' ')} ms`).toBeGreaterThanOrEqual(0);
  // The sound of the clip is a little longer than its pictures, so a new round begins a little late.
  const odd = steps.filter((step, index) => {
    const isNewRound = (begins + index + 1) % source.length === 0;
    return step < 39 || step > (isNewRound ? 60 : 41);
  });
  expect(odd).toEqual([]);
}

/** Settings that a stream takes while it runs; times stay what they are. */
const liveSettings = [
  'gop_cache off;',
  'mw_latency 20;',
  'min_latency on;',
  'queue_length 5;',
  'mix_correct on;',
  'mr { enabled on; latency 200; }',
  'time_jitter zero;',
  'time_jitter full; chunk_size 4096;',
  'publish { normal_timeout 9000; }',
  'http_static { enabled on; mount [vhost]/files; dir ./; }',
  'hls { enabled on; hls_storage ram; hls_fragment 1; }',
  'dvr { enabled on; dvr_path ./rec/[stream].flv; }',
  '',
];

describe.runIf(haveFfmpeg)('reload', () => {
  it('C004 C005 P019: ffmpeg players lose no frame while settings change under them', async () => {
    const sluice = await start();
    const source = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('clip'), loop: true });
    onTestFinished(() => source.stop());
    await sluice.published('clip');
    const seconds = 7;
    const [rtmp, flv] = [join(sluice.folder, 'rtmp.flv'), join(sluice.folder, 'http.flv')];
    const played = Promise.all([
      record(sluice.rtmpUrl('clip'), rtmp, seconds),
      record(sluice.httpUrl('/live/clip.flv'), flv, seconds),
    ]);
    await waitFor(
      () => ([...sluice.log.matchAll(/(rtmp|flv)-?play|\bplay __default/g)].length >= 2 ? true : undefined),
      'both players are there',
    );
    for (const vhost of liveSettings) {
      expect(await reload(sluice, configText(sluice.ports, { vhost }))).toContain('configuration reloaded');
    }
    await played;
    await expectWhole(rtmp, seconds);
    await expectWhole(flv, seconds);
  });

  it('C004: a syntax error, a bad value and a port in use change nothing, and the log says why', async () => {
    const sluice = await start();
    const source = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('clip'), loop: true });
    onTestFinished(() => source.stop());
    await sluice.published('clip');
    const file = join(sluice.folder, 'rtmp.flv');
    const played = record(sluice.rtmpUrl('clip'), file, 4);
    const good = configText(sluice.ports);
    expect(await reload(sluice, good.trimEnd().slice(0, -1))).toMatch(
      /not reloaded: .*sluice\.conf:\d+:\d+: /,
    );
    expect(await reload(sluice, good.replace('daemon off;', 'max_connections -1;'))).toMatch(
      /not reloaded: .*sluice\.conf:2:\d+: .*max_connections/,
    );
    const api = `http_api { enabled on; listen ${sluice.ports.rtmp}; }`;
    const inUse = good.replace(/http_api.*/, api);
    expect(await reload(sluice, inUse)).toMatch(
      new RegExp(`not reloaded: HTTP port ${sluice.ports.rtmp} is in use`),
    );
    await sluice.published('clip');
    expect(await reload(sluice, good)).toContain('configuration reloaded, 0 changes');
    await played;
    await expectWhole(file, 4);
  });

  it('C004 G003: a storm of SIGHUP is survived without a lost frame', async () => {
    const sluice = await start();
    const source = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('clip'), loop: true });
    onTestFinished(() => source.stop());
    await sluice.published('clip');
    const file = join(sluice.folder, 'rtmp.flv');
    const played = record(sluice.rtmpUrl('clip'), file, 4);
    await writeFile(
      join(sluice.folder, 'sluice.conf'),
      configText(sluice.ports, { vhost: 'queue_length 9;' }),
    );
    for (let round = 0; round < 50; round += 1) {
      for (let signal = 0; signal < 40; signal += 1) sluice.process.kill('SIGHUP');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await sluice.logged(/play\.queue_length: 30000 ms -> 9000 ms/);
    await played;
    await expectWhole(file, 4);
    expect(reloadsOf(sluice)).toBeLessThan(2000);
  });

  it('C005 C006: ports open and close, vhosts come and go', async () => {
    const sluice = await start({ root: 'vhost gone { }' });
    const extra = await freePort();
    const file = await fixture('h264-aac');
    const source = publish({ file, url: `${sluice.rtmpUrl('clip')}?vhost=gone`, loop: true });
    await sluice.published('clip');
    const log = await reload(
      sluice,
      configText(sluice.ports, { listen: String(extra), root: 'vhost fresh { }' }),
    );
    expect(log).toContain('vhost gone: removed');
    expect(log).toContain('vhost fresh: added');
    await source.process.exited();
    await sluice.logged(/closed: vhost-not-found/);
    const fresh = publish({ file, url: `rtmp://127.0.0.1:${extra}/live/other?vhost=fresh`, loop: true });
    onTestFinished(() => fresh.stop());
    await sluice.published('other');
    await reload(sluice, configText(sluice.ports, { root: 'vhost fresh { }' }));
    await waitFor(async () => ((await isListening(extra)) ? undefined : true), 'the port is closed');
    // Who came in by a port that is closed stays.
    await record(`${sluice.rtmpUrl('other')}?vhost=fresh`, join(sluice.folder, 'other.flv'), 2);
  });

  it('L023: HLS that is switched on under a stream plays; V007: so does a recording', async () => {
    const sluice = await start();
    const source = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('clip'), loop: true });
    onTestFinished(() => source.stop());
    await sluice.published('clip');
    const vhost =
      'hls { enabled on; hls_storage ram; hls_fragment 1; } dvr { enabled on; dvr_path ./rec.flv; }';
    await reload(sluice, configText(sluice.ports, { vhost }));
    const playlist = await awaitPlaylist(
      sluice.httpUrl('/live/clip.m3u8'),
      // The first one may hold only the sound before the first keyframe.
      ({ segments }) => segments.length >= 3,
      'three segments are there',
    );
    const segments = await downloadSegments(playlist, join(sluice.folder, 'clip.ts'));
    expect((await framemd5(segments, 'v')).length).toBeGreaterThanOrEqual(50);
    expect((await framemd5(segments, 'a')).length).toBeGreaterThan(60);
    await reload(sluice, configText(sluice.ports));
    const recording = join(sluice.folder, 'rec.flv');
    const frames = await waitFor(async () => framemd5(recording, 'v'), 'the recording is finished');
    expect(frames.length).toBeGreaterThanOrEqual(25);
  });

  it('I007: an ingest starts, goes on, starts again with another file, and stops', async () => {
    const sluice = await start();
    const ingest = async (name: 'h264-aac' | 'aac-only', output = 'looped') => `ingest one {
      enabled on;
      input { type loop; url ${await fixture(name)}; }
      engine { output rtmp://127.0.0.1:${sluice.ports.rtmp}/live/${output}; }
    }`;
    await reload(sluice, configText(sluice.ports, { vhost: await ingest('h264-aac') }));
    await sluice.published('looped');
    const pushes = (): number => [...sluice.log.matchAll(/is played to rtmp/g)].length;
    await waitFor(() => pushes() || undefined, 'the push is told');
    expect(pushes()).toBe(1);
    await reload(sluice, configText(sluice.ports, { vhost: `gop_cache off; ${await ingest('h264-aac')}` }));
    await reload(sluice, configText(sluice.ports, { vhost: await ingest('h264-aac', 'second') }));
    await sluice.published('second');
    await waitFor(() => (pushes() >= 2 ? true : undefined), 'the second push is told');
    expect(pushes()).toBe(2);
    await reload(sluice, configText(sluice.ports));
    await sluice.logged(/ingest one of vhost __defaultVhost__ is stopped/);
  });
});
