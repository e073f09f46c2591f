import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRtmpServer } from '@sluice/rtmp/node';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  fixture,
  framemd5,
  freePort,
  haveFfmpeg,
  haveOpenssl,
  LIMIT_MS,
  makeCertificate,
  packets,
  probe,
  publish,
  record,
  RunningProcess,
} from '../harness/index.ts';

const example = fileURLToPath(new URL('../../packages/rtmp/examples/broadcast-server.ts', import.meta.url));
const tsx = fileURLToPath(new URL('../../node_modules/tsx/dist/cli.mjs', import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rtmp-library-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Runs the example on a free port. */
async function startExample(): Promise<{ url: string; server: RunningProcess }> {
  const port = await freePort();
  const server = new RunningProcess(process.execPath, [tsx, example, String(port)]);
  await server.wrote((stdout) => stdout.includes(`:${port}`), 'the example listens', LIMIT_MS);
  return { url: `rtmp://127.0.0.1:${port}/live/test`, server };
}

describe.runIf(haveFfmpeg)('the example broadcast-server of @sluice/rtmp', () => {
  it('gives early and late players the whole stream, metadata and a keyframe first, and ends plays', async () => {
    const folder = temporaryFolder();
    const file = await fixture('h264-bframes-aac');
    const { url, server } = await startExample();
    const early = record(url, join(folder, 'early.flv'));
    await server.wrote((stdout) => stdout.includes('plays live/test'), 'the early player is there');
    // In real time and twice over, so that the late players come in the middle.
    const publisher = publish({ file, url, loop: true, seconds: 14 });
    const probed = await probe(url);
    expect(probed.streams.map(({ codec_name: codec }) => codec).sort()).toEqual(['aac', 'h264']);
    expect(probed.streams.find(({ codec_type: type }) => type === 'video')).toMatchObject({
      width: 320,
      height: 180,
    });
    const late = await packets(url, 2);
    expect(late.find(({ kind }) => kind === 'video')?.keyframe).toBe(true);
    // A second publisher of the name is refused, and the first one is not disturbed.
    const second = publish({ file, url });
    expect((await second.process.exited()).code).not.toBe(0);
    expect(second.process.stderr).toContain('the stream is published already');
    await publisher.finished();
    const whole = await framemd5(await early, 'v');
    const sent = await framemd5(file, 'v');
    // Every picture of the first round, from the first one on: nothing was lost or changed.
    expect(whole.slice(0, sent.length).map(({ md5 }) => md5)).toEqual(sent.map(({ md5 }) => md5));
    expect(whole.length).toBeGreaterThan(sent.length);
    server.kill('SIGINT');
    expect(await server.exited()).toMatchObject({ code: 0 });
  });

  it('serves a stream of sound alone, to players that wait for it too', async () => {
    const { url } = await startExample();
    const probed = probe(url);
    const publisher = publish({ file: await fixture('aac-only'), url });
    expect((await probed).streams.map(({ codec_name: codec }) => codec)).toEqual(['aac']);
    await publisher.finished();
  });
});

describe.runIf(haveFfmpeg && haveOpenssl)('createRtmpServer', () => {
  it('speaks RTMPS with ffmpeg, and closes a connection without TLS', async () => {
    const folder = temporaryFolder();
    const { pem, key } = await makeCertificate(folder, 'server', ['127.0.0.1']);
    const ends: string[] = [];
    let bytes = 0;
    const server = createRtmpServer({
      onPublish: ({ connection }) => {
        expect(connection.secure).toBe(true);
      },
      onMedia: (_publisher, { payload }) => {
        bytes += payload.length;
      },
      onClose: (_connection, { reason }) => ends.push(reason),
    });
    onTestFinished(() => server.close());
    const port = await server.listen({
      host: '127.0.0.1',
      port: 0,
      tls: { cert: pem, key: readFileSync(key, 'utf8') },
    });
    const plain = publish({ file: await fixture('aac-only'), url: `rtmp://127.0.0.1:${port}/live/plain` });
    expect((await plain.process.exited()).code).not.toBe(0);
    const publisher = publish({
      file: await fixture('aac-only'),
      url: `rtmps://127.0.0.1:${port}/live/test`,
      realtime: false,
    });
    await publisher.finished();
    await expect.poll(() => ends, { timeout: LIMIT_MS }).toEqual(['closed-by-peer']);
    expect(bytes).toBeGreaterThan(10_000);
  });
});
