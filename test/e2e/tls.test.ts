import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';

import { FlvReader } from '@sluice/media/flv';
import { play, publish as publishRtmp } from '@sluice/rtmp/node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import {
  bodies,
  type CertificateFiles,
  clipTags,
  fixture,
  freePorts,
  haveFfmpeg,
  haveOpenssl,
  makeCertificate,
  probe,
  publish,
  record,
  runSluice,
  type SluiceUnderTest,
  startSluice,
  waitFor,
} from '../harness/index.ts';

interface TlsPorts {
  readonly rtmps: number;
  readonly https: number;
  readonly api: number;
}

type Certificate = CertificateFiles & { readonly pem: string };

/** The certificate that a port serves to who asks for a name. */
async function served(port: number, servername?: string): Promise<string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
  });
}

async function fetchTls(url: string, ca: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) });
      });
    }).once('error', reject);
  });
}

describe.runIf(haveOpenssl && haveFfmpeg)('TLS', () => {
  let folder: string;
  let local: Certificate;
  let named: Certificate;
  let renewed: Certificate;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-certificates-'));
    local = await makeCertificate(folder, 'local', ['local.example', '127.0.0.1']);
    named = await makeCertificate(folder, 'named', ['named.example']);
    renewed = await makeCertificate(folder, 'renewed', ['renewed.example', '127.0.0.1']);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function start(
    certificates: readonly CertificateFiles[] = [local],
  ): Promise<{ sluice: SluiceUnderTest; ports: TlsPorts }> {
    const [rtmps = 0, https = 0, api = 0] = await freePorts(3);
    const key = `key ${certificates.map((one) => one.key).join(' ')};`;
    const cert = `cert ${certificates.map((one) => one.cert).join(' ')};`;
    const block = (port: number) => `{ enabled on; listen ${port}; ${key} ${cert} }`;
    const sluice = await startSluice({
      config: (plain) => `listen ${plain.rtmp};
        srs_log_tank console;
        rtmps ${block(rtmps)}
        http_api { enabled on; listen ${plain.api}; https ${block(api)} }
        http_server { enabled on; listen ${plain.http}; dir ./; https ${block(https)} }
        vhost __defaultVhost__ {
          min_latency on;
          publish { normal_timeout 600000; }
          http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
          hls { enabled on; hls_fragment 1; hls_path ./; }
        }`,
    });
    onTestFinished(() => sluice.stop());
    await sluice.logged(/is ready/);
    return { sluice, ports: { rtmps, https, api } };
  }

  it('S003 RTMPS: our client publishes, RTMP and RTMPS players get the same frames', async () => {
    const clip = await clipTags('h264-aac');
    const { sluice, ports } = await start();
    const url = `rtmps://127.0.0.1:${ports.rtmps}/live/own`;
    const tls = { ca: local.pem };
    const publisher = await publishRtmp(url, { tls });
    const received = { rtmps: [] as Uint8Array[], rtmp: [] as Uint8Array[] };
    const players = await Promise.all([
      play(url, { tls, onMedia: ({ payload }) => received.rtmps.push(payload.slice()) }),
      play(sluice.rtmpUrl('own'), { onMedia: ({ payload }) => received.rtmp.push(payload.slice()) }),
    ]);
    for (const { type, timestamp, body } of clip.tags) {
      if (type === 8) publisher.sendAudio(timestamp, body);
      else if (type === 9) publisher.sendVideo(timestamp, body);
    }
    const wanted = bodies(clip.frames);
    const lacking = (payloads: readonly Uint8Array[]): readonly string[] => {
      const got = new Set(payloads.map((body) => Buffer.from(body).toString('base64')));
      return wanted.filter((body) => !got.has(body));
    };
    await waitFor(
      () => (Object.values(received).every((list) => lacking(list).length === 0) ? true : undefined),
      'both players have all frames',
    );
    await Promise.all(players.map((player) => player.close()));
    await publisher.close();
    await expect(publishRtmp(url)).rejects.toMatchObject({ code: 'connection-failed' });
  });

  it('S003 RTMPS HTTPS: ffmpeg publishes by RTMPS; RTMPS, HTTP-FLV and HLS play over TLS; the API answers', async () => {
    const { sluice, ports } = await start();
    const url = `rtmps://127.0.0.1:${ports.rtmps}/live/camera`;
    const publisher = publish({ file: await fixture('h264-aac'), url, loop: true });
    onTestFinished(() => publisher.kill());
    await sluice.published('camera');
    const https = `https://127.0.0.1:${ports.https}`;
    const textOf = async (from: string) => (await fetchTls(from, local.pem)).body.toString();
    for (const source of [url, `${https}/live/camera.flv`]) {
      const file = await record(source, join(sluice.folder, 'played.flv'), 2);
      const { streams } = await probe(file);
      expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'h264']);
    }
    const playlist = await waitFor(async () => {
      const text = await textOf(`${https}/live/camera.m3u8`);
      const inner = text.split('\n').find((line) => line.includes('.m3u8'));
      const media = inner === undefined ? text : await textOf(new URL(inner, `${https}/live/`).href);
      return media.includes('.ts') ? media : undefined;
    }, 'the playlist has a segment');
    const [name = ''] = playlist.split('\n').filter((line) => line.includes('.ts'));
    const segment = await fetchTls(new URL(name, `${https}/live/`).href, local.pem);
    expect(segment.status).toBe(200);
    expect([segment.body[0], segment.body[188]]).toEqual([0x47, 0x47]);
    const answer = await fetchTls(`https://127.0.0.1:${ports.api}/api/v1/streams`, local.pem);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 0, streams: [{ name: 'camera' }] });
    await expect(fetchTls(`${https}/`, named.pem)).rejects.toThrow();
  });

  it('S003 RTMPS HTTPS: the name that a client asks for picks the certificate', async () => {
    const { ports } = await start([local, named]);
    for (const port of Object.values(ports) as number[]) {
      expect(await served(port, 'named.example')).toBe('named.example');
      expect(await served(port, 'local.example')).toBe('local.example');
      expect(await served(port, 'else.example')).toBe('local.example');
      expect(await served(port)).toBe('local.example');
    }
  });

  it('S003 RTMPS HTTPS: a replaced certificate is served without a restart, and no player is dropped', async () => {
    const files = { key: join(folder, 'live.key'), cert: join(folder, 'live.crt') };
    const install = async (from: CertificateFiles): Promise<void> => {
      await copyFile(from.cert, files.cert);
      await copyFile(from.key, files.key);
    };
    await install(local);
    const { sluice, ports } = await start([files]);
    const url = `rtmps://127.0.0.1:${ports.rtmps}/live/steady`;
    const clip = await clipTags('h264-aac');
    const [header] = clip.tags.filter(({ type }) => type === 9);
    const keyframe = clip.frames.find(({ type }) => type === 9);
    if (header === undefined || keyframe === undefined) throw new Error('the clip has no video');
    const publisher = await publishRtmp(url, { tls: { ca: local.pem } });
    /** The numbers of the frames that came; each has its own in its last bytes. */
    const numbers: number[] = [];
    const player = await play(url, {
      tls: { ca: local.pem },
      onMedia: ({ payload }) => {
        if (payload.length === keyframe.body.length)
          numbers.push(Buffer.from(payload).readUInt32BE(payload.length - 4));
      },
    });
    const flv = new FlvReader();
    let tags = 0;
    let isFlvOver = false;
    const request = get(`https://127.0.0.1:${ports.https}/live/steady.flv`, { ca: local.pem }, (response) => {
      response.on('data', (part: Buffer) => (tags += flv.write(part).length));
      response.once('close', () => (isFlvOver = true));
    });
    request.on('error', () => undefined);
    onTestFinished(() => void request.destroy());
    publisher.sendVideo(0, header.body);
    let sent = 0;
    const send = (): void => {
      sent += 1;
      const body = Buffer.from(keyframe.body);
      body.writeUInt32BE(sent, body.length - 4);
      publisher.sendVideo(sent * 40, body);
    };
    const arrived = async (): Promise<void> => {
      send();
      const [last, seen] = [numbers.length, tags];
      await waitFor(() => (numbers.length > last && tags > seen ? true : undefined), 'a frame arrives');
    };
    await arrived();
    await install(renewed);
    for (const port of Object.values(ports) as number[]) {
      await waitFor(async () => {
        send();
        return (await served(port)) === 'renewed.example' ? true : undefined;
      }, `port ${port} serves the new certificate`);
    }
    await arrived();
    expect(isFlvOver).toBe(false);
    // Every frame came, in order: no connection was made anew.
    await waitFor(() => (numbers.at(-1) === sent ? true : undefined), 'the last frame arrives');
    expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index));
    expect(sluice.log).toContain('rtmps: certificate');
    expect(sluice.log).not.toMatch(/closed: .*steady/);
    await player.close();
    await publisher.close();
  });

  it('S003 HTTPS: a reload with a certificate that cannot be used changes nothing and says why', async () => {
    const files = { key: join(folder, 'reload.key'), cert: join(folder, 'reload.crt') };
    await copyFile(local.key, files.key);
    await copyFile(local.cert, files.cert);
    const { sluice, ports } = await start([files]);
    await rm(files.key);
    sluice.process.kill('SIGHUP');
    await sluice.logged(
      /SIGHUP: not reloaded: `\w+(\.https)?\.key` .*reload\.key can't be read: there is no such file/,
    );
    expect(await served(ports.https)).toBe('local.example');
  });

  it('S003 RTMPS: a server whose certificate cannot be used does not start, and names the directive', async () => {
    const [rtmp = 0, rtmps = 0] = await freePorts(2);
    const missing = join(folder, 'missing.key');
    const { exit, stdout, stderr } = await runSluice(['-c', '/dev/null'], {
      env: {
        SRS_LISTEN: String(rtmp),
        SRS_DAEMON: 'off',
        SRS_LOG_TANK: 'console',
        SRS_PID: join(folder, 'sluice.pid'),
        SRS_MAX_CONNECTIONS: '100',
        SRS_RTMPS_ENABLED: 'on',
        SRS_RTMPS_LISTEN: String(rtmps),
        SRS_RTMPS_KEY: missing,
        SRS_RTMPS_CERT: local.cert,
      },
    });
    expect(stdout + stderr).toContain(`\`rtmps.key\` ${missing} can't be read: there is no such file`);
    expect(exit?.code).not.toBe(0);
  });
});
