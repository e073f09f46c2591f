import { mkdir, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { FlvReader } from '@sluice/media/flv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bodies,
  clipTags,
  FlvViewer,
  haveFfmpeg,
  isKeyframe,
  isSequenceHeader,
  openPublisher,
  startSluice,
  waitFor,
} from '../harness/index.ts';
import type { Clip, RtmpPeer, SluiceUnderTest } from '../harness/index.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly localPort: number | undefined;
}

/** One request with every header in the caller's hands, unlike with fetch. */
async function ask(url: string, options: RequestOptions = {}): Promise<Answer> {
  const outgoing = request(url, { agent: false, ...options });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { localPort } = response.socket;
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += String(piece);
  return { status: response.statusCode ?? 0, headers: response.headers, body, localPort };
}

describe.runIf(haveFfmpeg)('HTTP', () => {
  let clip: Clip;
  let sluice: SluiceUnderTest;
  let live: RtmpPeer;

  beforeAll(async () => {
    clip = await clipTags('h264-aac');
    sluice = await startSluice({
      config: ({ rtmp, http, api }, folder) => `listen ${rtmp};
        srs_log_tank console;
        http_api { enabled on; listen ${api}; }
        http_server { enabled on; listen ${http}; dir ${join(folder, 'html')}; }
        vhost __defaultVhost__ {
          mw_latency 50;
          publish { normal_timeout 600000; }
          http_remux { enabled on; mount [vhost]/[app]/[stream].flv [vhost]/flv/[app]/of/[stream].flv; hstrs off; }
        }
        vhost waits.example.com {
          mw_latency 50;
          publish { normal_timeout 600000; }
          http_remux { enabled on; mount [vhost]/[app]/[stream].flv; hstrs on; }
        }
        vhost plain.example.com { }
        vhost files.example.com {
          http_static { enabled on; mount [vhost]/own; dir ${join(folder, 'own')}; }
        }
      `,
    });
    await mkdir(join(sluice.folder, 'html', 'live'), { recursive: true });
    await mkdir(join(sluice.folder, 'html', 'tree'), { recursive: true });
    await mkdir(join(sluice.folder, 'own'), { recursive: true });
    await writeFile(join(sluice.folder, 'html', 'live', 'recorded.flv'), 'a file');
    await writeFile(join(sluice.folder, 'html', 'hello.txt'), 'hello');
    await writeFile(join(sluice.folder, 'html', 'index.html'), '<p>home</p>');
    await writeFile(join(sluice.folder, 'html', 'crossdomain.xml'), '<cross-domain-policy/>');
    await writeFile(join(sluice.folder, 'html', 'tree', 'index.html'), '<p>tree</p>');
    await writeFile(join(sluice.folder, 'own', 'mine.txt'), 'mine');
    live = await openPublisher(sluice.ports.rtmp, 'on');
    live.sendAllMedia(clip.tags);
    await live.synced();
  });
  afterAll(async () => {
    await live.close();
    await sluice.stop();
  });

  const lastGop = (): Clip['frames'] => clip.frames.slice(clip.frames.findLastIndex(isKeyframe));

  describe('live FLV', () => {
    it('H009: has its headers, and starts with metadata, sequence headers and the newest GOP', async () => {
      const viewer = await FlvViewer.open(sluice.httpUrl('/live/on.flv'));
      expect(viewer.status).toBe(200);
      expect(viewer.headers['content-type']).toBe('video/x-flv');
      expect(viewer.headers['transfer-encoding']).toBe('chunked');
      expect(viewer.headers['access-control-allow-origin']).toBe('*');
      expect(viewer.headers['server']).toMatch(/^Sluice\//);
      const gop = lastGop();
      await viewer.untilMedia(gop.length + 2);
      expect(viewer.tags[0]?.type).toBe(18);
      expect(viewer.media().slice(0, 2).every(isSequenceHeader)).toBe(true);
      const frames = viewer.media().filter((tag) => !isSequenceHeader(tag));
      expect(bodies(frames)).toEqual(bodies(gop));
      expect(frames[0]?.timestamp).toBe(0);
      viewer.close();
    });

    it('H009: fetch decodes the body, which ends when the publisher goes', async () => {
      const publisher = await openPublisher(sluice.ports.rtmp, 'ends');
      publisher.sendAllMedia(clip.tags.slice(0, 60));
      await publisher.synced();
      const response = await fetch(sluice.httpUrl('/live/ends.flv'));
      expect(response.status).toBe(200);
      const reader = new FlvReader();
      const body = response.arrayBuffer();
      await sluice.logged(/flv-play \S+\/live\/ends by http/);
      publisher.sendAllMedia(clip.tags.slice(60));
      await publisher.close();
      const tags = reader.write(new Uint8Array(await body));
      expect(reader.end().cut).toBe(false);
      const frames = tags.filter((tag) => tag.type !== 18 && !isSequenceHeader(tag));
      expect(bodies(frames).at(-1)).toBe(bodies(clip.frames).at(-1));
      await sluice.logged(/closed: publisher-gone \([^)]+\), flv-play live\/ends/);
    });

    it('H008: each mount of a vhost serves the stream', async () => {
      const viewer = await FlvViewer.open(sluice.httpUrl('/flv/live/of/on.flv'));
      await viewer.untilMedia(10);
      viewer.close();
      expect((await ask(sluice.httpUrl('/flv/live/on.flv'))).status).toBe(404);
    });

    it('H009: HTTP/1.0 gets a body without chunks', async () => {
      const socket = connect({ port: sluice.ports.http, host: '127.0.0.1' });
      socket.write('GET /live/on.flv HTTP/1.0\r\n\r\n');
      let bytes = Buffer.alloc(0);
      for await (const piece of socket) {
        bytes = Buffer.concat([bytes, piece as Uint8Array]);
        if (bytes.length > 10_000) break;
      }
      const head = bytes.indexOf('\r\n\r\n') + 4;
      expect(bytes.toString('latin1', 0, head)).not.toMatch(/transfer-encoding/i);
      expect(new FlvReader().write(bytes.subarray(head)).length).toBeGreaterThan(3);
    });

    it('H009: HEAD gets the head alone', async () => {
      const { status, headers, body } = await ask(sluice.httpUrl('/live/on.flv'), { method: 'HEAD' });
      expect([status, headers['content-type'], body]).toEqual([200, 'video/x-flv', '']);
    });

    it('H012: a stream that nobody publishes is 404 with hstrs off, by HTTP and by WebSocket', async () => {
      expect((await ask(sluice.httpUrl('/live/off.flv'))).status).toBe(404);
      expect((await FlvViewer.open(sluice.wsUrl('/live/off.flv'))).status).toBe(404);
      expect((await ask(sluice.httpUrl('/live/on.flv?vhost=plain.example.com'))).status).toBe(404);
    });

    it.each(['http', 'ws'] as const)(
      'H009 H012: hstrs waits for the publisher, and the response ends with it (%s)',
      async (scheme) => {
        const url = `${scheme}://127.0.0.1:${sluice.ports.http}/live/wait-${scheme}.flv`;
        const connecting = { tcUrl: 'rtmp://waits.example.com/live' };
        // A player comes back by itself, and waits for the next one.
        for (let round = 1; round <= 2; round++) {
          const viewer = await FlvViewer.open(url, { Host: 'waits.example.com' });
          expect(viewer.status).toBe(scheme === 'ws' ? 101 : 200);
          const publisher = await openPublisher(sluice.ports.rtmp, `wait-${scheme}`, connecting);
          publisher.sendAllMedia(clip.tags);
          await publisher.synced();
          await publisher.close();
          await viewer.untilEnded();
          expect(bodies(viewer.media().filter((tag) => !isSequenceHeader(tag)))).toEqual(bodies(clip.frames));
        }
      },
    );

    it('H008 R032 R034: the vhost comes from ?vhost=, from ?domain= or from the Host header', async () => {
      const publisher = await openPublisher(sluice.ports.rtmp, 'hosted?vhost=waits.example.com');
      publisher.sendAllMedia(clip.tags);
      await publisher.synced();
      const byQuery = await FlvViewer.open(sluice.httpUrl('/live/hosted.flv?vhost=waits.example.com'));
      await byQuery.untilMedia(10);
      const byDomain = await FlvViewer.open(sluice.httpUrl('/live/hosted.flv?domain=waits.example.com'));
      await byDomain.untilMedia(10);
      byDomain.close();
      const byHost = await FlvViewer.open(sluice.httpUrl('/live/hosted.flv'), {
        Host: `waits.example.com:${sluice.ports.http}`,
      });
      await byHost.untilMedia(10);
      expect((await ask(sluice.httpUrl('/live/hosted.flv'))).status).toBe(404);
      byQuery.close();
      byHost.close();
      await publisher.close();
    });

    it('H009: what a player sends over its WebSocket does not disturb the stream', async () => {
      const publisher = await openPublisher(sluice.ports.rtmp, 'talks');
      publisher.sendAllMedia(clip.tags.slice(0, 100));
      await publisher.synced();
      const viewer = await FlvViewer.open(sluice.wsUrl('/live/talks.flv'));
      await viewer.untilMedia(5);
      const masked = (opcode: number, text: string): Uint8Array =>
        Buffer.concat([Uint8Array.of(0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)]);
      for (let i = 0; i < 50; i++) viewer.socket.write(masked(i % 2 === 0 ? 1 : 9, `word ${i}`));
      publisher.sendAllMedia(clip.tags.slice(100));
      const last = bodies(clip.frames).at(-1);
      await viewer.until('the last frame', () => (bodies(viewer.media()).at(-1) === last ? true : undefined));
      const got = bodies(viewer.media().filter((tag) => !isSequenceHeader(tag)));
      expect(got).toEqual(bodies(clip.frames).slice(-got.length));
      viewer.close();
      await publisher.close();
    });
  });

  describe('files and the server itself', () => {
    it('H001 H003: files and live streams share a port and a folder', async () => {
      const file = await ask(sluice.httpUrl('/live/recorded.flv'));
      expect([file.status, file.headers['content-type'], file.body]).toEqual([200, 'video/x-flv', 'a file']);
      const text = await ask(sluice.httpUrl('/hello.txt'));
      expect([text.status, text.body]).toEqual([200, 'hello']);
      expect(text.headers['server']).toMatch(/^Sluice\//);
      const home = await ask(sluice.httpUrl('/'));
      expect([home.body, home.headers['content-type']]).toEqual([
        '<p>home</p>',
        expect.stringContaining('text/html'),
      ]);
      const missing = await ask(sluice.httpUrl('/none.txt'));
      expect([missing.status, missing.body]).toEqual([404, 'Not Found']);
    });

    it('H002 H003: /tree leads to /tree/, and no path leads out of the folder', async () => {
      const tree = await ask(sluice.httpUrl('/tree'));
      expect(tree.status).toBe(301);
      // Relative, so that it holds below a path prefix of a proxy, too.
      const location = new URL(tree.headers.location ?? '', sluice.httpUrl('/tree'));
      expect(location.pathname).toBe('/tree/');
      expect((await ask(sluice.httpUrl('/tree/'))).body).toBe('<p>tree</p>');
      for (const path of ['/../sluice.conf', '/%2e%2e/sluice.conf', '/tree/..%2f..%2fsluice.conf']) {
        const { status, body } = await ask(sluice.httpUrl('/'), { path });
        expect([path, status >= 300 && status < 500]).toEqual([path, true]);
        expect(body).not.toContain('srs_log_tank');
      }
    });

    it('H007: http_static serves a folder of its own under its mount', async () => {
      const headers = { Host: 'files.example.com' };
      expect((await ask(sluice.httpUrl('/own/mine.txt'), { headers })).body).toBe('mine');
      expect((await ask(sluice.httpUrl('/own/mine.txt'))).status).toBe(404);
    });

    it('H016: crossdomain.xml is a file like others', async () => {
      const { status, headers } = await ask(sluice.httpUrl('/crossdomain.xml'));
      expect(status).toBe(200);
      expect(headers['content-type']).toMatch(/^(text|application)\/xml/);
    });

    it('H006: requests share a connection, come in pieces, and are answered in order', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const first = await ask(sluice.httpUrl('/hello.txt'), { agent });
      const second = await ask(sluice.httpUrl('/none.txt'), { agent });
      const third = await ask(sluice.httpUrl('/hello.txt'), { agent });
      agent.destroy();
      expect(new Set([first.localPort, second.localPort, third.localPort]).size).toBe(1);

      const socket = connect({ port: sluice.ports.http, host: '127.0.0.1' }).setNoDelay(true);
      const requests =
        'GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n' +
        'GET /tree/ HTTP/1.1\r\nHost: a\r\n\r\n' +
        'GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      for (const character of requests) {
        await new Promise<void>((resolve) => {
          socket.write(character, () => {
            resolve();
          });
        });
      }
      let text = '';
      for await (const piece of socket.setEncoding('utf8')) text += String(piece);
      const found = [...text.matchAll(/HTTP\/1\.1 (\d+)|(hello)|(<p>tree<\/p>)/g)].map(([match]) => match);
      expect(found).toEqual(['HTTP/1.1 200', 'hello', 'HTTP/1.1 200', '<p>tree</p>', 'HTTP/1.1 404']);
    });

    it('lets pages of other origins in', async () => {
      const { status, headers } = await ask(sluice.httpUrl('/live/on.flv'), {
        method: 'OPTIONS',
        headers: { Origin: 'http://other.example', 'Access-Control-Request-Method': 'GET' },
      });
      expect(status).toBe(200);
      expect(headers['access-control-allow-origin']).toBe('*');
    });
  });

  describe('API', () => {
    it('H015: versions are told on both ports', async () => {
      for (const port of [sluice.ports.http, sluice.ports.api]) {
        const { status, headers, body } = await ask(`http://127.0.0.1:${port}/api/v1/versions`);
        expect(status).toBe(200);
        expect(headers['content-type']).toMatch(/^application\/json/);
        expect(headers['access-control-allow-origin']).toBe('*');
        expect(JSON.parse(body)).toEqual({
          code: 0,
          server: expect.stringMatching(/^vid-/) as string,
          service: expect.any(String) as string,
          pid: String(sluice.process.pid),
          data: {
            major: expect.any(Number) as number,
            minor: expect.any(Number) as number,
            revision: expect.any(Number) as number,
            version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
          },
        });
      }
    });

    it('P012 P013: streams tell codecs, size and profile; clients tell who they are', async () => {
      const viewer = await FlvViewer.open(sluice.httpUrl('/live/on.flv'));
      await viewer.untilMedia(5);
      // Players of the tests before may still be on their way out.
      const stream = await waitFor(async () => {
        const { streams } = (await sluice.api('/api/v1/streams')) as {
          readonly streams: readonly Readonly<Record<string, unknown>>[];
        };
        return streams.find(({ name, clients }) => name === 'on' && clients === 2);
      }, 'one player and one publisher are there');
      expect(stream).toMatchObject({
        app: 'live',
        url: '/live/on',
        clients: 2,
        publish: { active: true, cid: expect.any(String) as string },
        video: { codec: 'H264', profile: expect.any(String) as string, width: 320, height: 180 },
        audio: { codec: 'AAC', sample_rate: 44100, channel: 2, profile: 'LC' },
      });
      const one = (await sluice.api(`/api/v1/streams/${String(stream['id'])}`)) as {
        readonly stream: Readonly<Record<string, unknown>>;
      };
      expect(one.stream['name']).toBe('on');
      expect(await sluice.api('/api/v1/streams/none')).toEqual({ code: 2048 });
      expect(await sluice.api('/api/v1/clients/none')).toEqual({ code: 2049 });
      const { clients } = (await sluice.api('/api/v1/clients')) as {
        readonly clients: readonly Readonly<Record<string, unknown>>[];
      };
      const watching = clients.filter((client) => client['stream'] === stream['id']);
      expect(watching.map((client) => [client['type'], client['publish'], client['ip']]).sort()).toEqual([
        ['flv-play', false, '127.0.0.1'],
        ['fmle-publish', true, '127.0.0.1'],
      ]);
      viewer.close();
    });

    it('does not tell the clients on the port of the page', async () => {
      expect((await ask(sluice.httpUrl('/api/v1/clients'))).status).toBe(404);
      expect((await ask(sluice.httpUrl('/api/v1/streams'))).status).toBe(200);
    });
  });
});
