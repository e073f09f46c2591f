import { createServer, type Server } from 'node:net';

import { FlvTagType } from '@sluice/media/flv';
import type { MediaMessage } from '@sluice/rtmp';
import { RtmpError } from '@sluice/rtmp';
import { play, publish } from '@sluice/rtmp/node';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { SluiceServer } from '../../app/index.ts';
import { type Config, resolveConfig } from '../../config/index.ts';
import { MediaFileError } from '../../files/index.ts';
import { avcHeaderTag, clipTags, flvBytes, metadataTag, temporaryFile } from '../../files/test-kit.ts';
import { quietLog } from '../../log/index.ts';
import { OutboundRule } from '../../security/index.ts';
import { FilePush, type FilePushEvent } from './file-push.ts';
import { IngestLoops, type OutputLimit } from './ingest-loops.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A whole server on a free port; returns the URL of a stream of it. */
async function startServer(port = 0): Promise<{ server: SluiceServer; port: number; url: string }> {
  const vhosts = { __defaultVhost__: { minLatency: true } };
  const listen = [{ host: '127.0.0.1', port }];
  const off = { enabled: false };
  const server = new SluiceServer(
    resolveConfig({ listen, maxConnections: 100, httpApi: off, httpServer: off, vhosts }),
    quietLog(),
  );
  cleanups.push(() => server.close());
  await server.start();
  const bound = server.addresses.rtmp[0]?.port ?? 0;
  return { server, port: bound, url: `rtmp://127.0.0.1:${bound}/live/livestream` };
}

/** Plays until `enough` says so, or the stream ends. */
async function watch(
  url: string,
  enough: (messages: readonly MediaMessage[]) => boolean,
): Promise<MediaMessage[]> {
  const player = await play(url);
  const messages: MediaMessage[] = [];
  for await (const message of player) {
    messages.push(message);
    if (enough(messages)) break;
  }
  await player.connection.close();
  return messages;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The times of the frames of a track. */
function times(messages: readonly MediaMessage[], type: number): number[] {
  const header = type === FlvTagType.video ? 0x17 : 0xaf;
  return messages
    .filter(
      (message) =>
        message.flvTagType === type && !(message.payload[0] === header && message.payload[1] === 0),
    )
    .map((message) => message.timestamp);
}

describe('FilePush', () => {
  it('X007 plays a file to a server: metadata, headers and every frame', async () => {
    const { url } = await startServer();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(1_000)));
    const frames = 25 + 50;
    const watched = watch(
      url,
      (messages) => times(messages, 8).length + times(messages, 9).length === frames,
    );
    // The player is there before the stream is: it gets everything.
    const push = new FilePush({ file, url, speed: 50 });
    await push.run();
    const messages = await watched;
    expect(messages[0]?.kind).toBe('data');
    const videoTimes = times(messages, 9);
    expect(videoTimes.map((time) => time - (videoTimes[0] ?? 0))).toEqual(
      Array.from({ length: 25 }, (_, index) => index * 40),
    );
    expect(push.totals).toMatchObject({ videoFrames: 25, audioFrames: 50, mediaMs: 980, rounds: 1 });
  });

  it('says why a file or a server cannot be used', async () => {
    const { url } = await startServer();
    const good = await temporaryFile('x.flv', flvBytes(clipTags(100)));
    const empty = await temporaryFile('empty.flv', flvBytes([metadataTag(), avcHeaderTag()]));
    const cases: [string, string, string][] = [
      ['/nowhere/x.flv', url, 'missing'],
      [empty, url, 'no-media'],
      [good, `rtmp://127.0.0.1:${await freePort()}/live/x`, 'connection-failed'],
    ];
    for (const [file, target, code] of cases) {
      const error = await rejection(new FilePush({ file, url: target }).run());
      expect(error instanceof MediaFileError || error instanceof RtmpError ? error.code : error).toBe(code);
    }
    const other = await publish(url);
    cleanups.push(() => other.close());
    const busy = await rejection(new FilePush({ file: good, url }).run());
    expect(busy).toMatchObject({ code: 'rejected' });
  });

  it('stops in order when it is asked to', async () => {
    const { server, url } = await startServer();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(1_000)));
    const push = new FilePush({ file, url, rounds: Infinity });
    const done = push.run();
    await vi.waitUntil(() => push.totals.videoFrames > 0);
    push.stop();
    await done;
    await vi.waitUntil(() => server.streams.size === 0);
  });

  it('connects again, with headers and from a keyframe on', async () => {
    const events: FilePushEvent[] = [];
    const file = await temporaryFile('x.flv', flvBytes(clipTags(400, 200)));
    const first = await startServer();
    const push = new FilePush({
      file,
      url: first.url,
      rounds: Infinity,
      retry: { attempts: Infinity, firstDelayMs: 5, maxDelayMs: 5 },
      onEvent: (event) => {
        events.push(event);
      },
    });
    const done = push.run();
    await vi.waitUntil(() => push.totals.videoFrames > 10);
    await first.server.close();
    await vi.waitUntil(() => events.some((event) => event.kind === 'retry'));
    await startServer(first.port);
    const messages = await watch(first.url, (all) => times(all, 9).length >= 12);
    push.stop();
    await done;
    expect(push.totals.reconnects).toBe(1);
    const video = messages.filter(({ kind }) => kind === 'video');
    expect(video.slice(0, 2).map(({ payload }) => [...payload.subarray(0, 2)])).toEqual([
      [0x17, 0],
      [0x17, 1],
    ]);
  });

  it('gives up after so many failures in a row', async () => {
    const delays: number[] = [];
    const file = await temporaryFile('x.flv', flvBytes(clipTags(100)));
    const push = new FilePush({
      file,
      url: `rtmp://127.0.0.1:${await freePort()}/live/x`,
      retry: { attempts: 4, maxDelayMs: 3_000 },
      clock: { now: () => 0, sleep: () => Promise.resolve() },
      onEvent: (event) => {
        if (event.kind === 'retry') delays.push(event.delayMs);
      },
    });
    expect(await rejection(push.run())).toMatchObject({ code: 'connection-failed' });
    expect(delays).toEqual([1_000, 2_000, 3_000, 3_000]);
  });
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server: Server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}

describe('IngestLoops', () => {
  interface Ingest {
    readonly label?: string;
    readonly file: string;
    readonly output?: string;
    readonly enabled?: boolean;
    readonly type?: 'file' | 'loop';
    /** Turns the engine on. */
    readonly videoCodec?: string;
  }

  function configOf(...ingests: Ingest[]): Pick<Config, 'vhosts'> {
    const base = resolveConfig();
    const vhost = base.vhosts.get('__defaultVhost__');
    if (vhost === undefined) throw new Error('no default vhost');
    const made = ingests.map(
      ({ label = 'a', file, output = '', enabled = true, type = 'loop', videoCodec = '' }) => ({
        label,
        enabled,
        input: { type, url: file },
        ffmpeg: '',
        engines: [{ output, enabled: videoCodec !== '', videoCodec, audioCodec: 'copy' }],
      }),
    );
    return {
      vhosts: new Map([['__defaultVhost__', { ...vhost, ingests: made as unknown as typeof vhost.ingests }]]),
    };
  }

  function makeLoops(outbound?: OutputLimit): { loops: IngestLoops; lines: string[] } {
    const lines: string[] = [];
    const log = pino(
      { level: 'info' },
      { write: (json: string) => lines.push((JSON.parse(json) as { msg: string }).msg) },
    );
    const loops = new IngestLoops({
      log,
      restartDelayMs: 10,
      ...(outbound === undefined ? {} : { outbound }),
    });
    cleanups.push(() => loops.close());
    return { loops, lines };
  }

  const output = 'rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream';

  it('I005 I006 plays a file for ever to the output, with [port] and [vhost] replaced', async () => {
    const { server, port, url } = await startServer();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(200, 200)));
    const { loops, lines } = makeLoops();
    loops.apply(configOf({ file, output }), port);
    const messages = await watch(url, (all) => times(all, 9).length >= 15);
    const videoTimes = times(messages, 9);
    expect(videoTimes.map((time) => time - (videoTimes[0] ?? 0))).toEqual(
      videoTimes.map((_, index) => index * 40),
    );
    await loops.close();
    await vi.waitUntil(() => server.streams.size === 0);
    expect(lines[0]).toBe(
      `ingest a of vhost __defaultVhost__: ${file} is played to rtmp://127.0.0.1:${port}/live?vhost=__defaultVhost__/livestream`,
    );
    expect(lines.at(-1)).toBe('ingest a of vhost __defaultVhost__ is stopped');
  });

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '0x7f.1', 'localhost.'])(
    'S002 an output of others to %s is not connected to',
    async (host) => {
      const connections: unknown[] = [];
      const listener = createServer((socket) => {
        connections.push(socket.destroy());
      });
      cleanups.push(() => listener.close());
      await new Promise<void>((resolve) => listener.listen(0, resolve));
      const address = listener.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const file = await temporaryFile('x.flv', flvBytes(clipTags(200, 200)));
      const given = `rtmp://${host}:${port}/live/x`;
      const rule = new OutboundRule(() => []);
      const { loops, lines } = makeLoops({ isLimited: (url) => url === given, rule });
      loops.apply(configOf({ file, output: given }), 1);
      await vi.waitUntil(() => lines.length > 0);
      expect(lines[0]).toMatch(/is not a public address|could not be looked up|not found/);
      expect(connections).toEqual([]);
    },
  );

  it('S002 an output of others may be this server itself', async () => {
    const { server, port } = await startServer();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(200, 200)));
    const { loops } = makeLoops({ isLimited: () => true, rule: new OutboundRule(() => []) });
    loops.apply(configOf({ file, output }), port);
    await vi.waitUntil(() => server.streams.size === 1);
  });

  it('I005 starts again after a failure, which is told once', async () => {
    const port = await freePort();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(200, 200)));
    const { loops, lines } = makeLoops();
    loops.apply(configOf({ file, output }), port);
    await vi.waitUntil(() => lines.length > 0);
    const { server } = await startServer(port);
    await vi.waitUntil(() => server.streams.size === 1);
    expect(lines.filter((line) => line.includes('connection refused'))).toEqual([
      `ingest a of vhost __defaultVhost__: ${file} to rtmp://127.0.0.1:${port}/live?vhost=__defaultVhost__/livestream: can't connect to 127.0.0.1:${port}: connection refused; tried again each 0.01 s`,
    ]);
  });

  it('I006 says what is missing, and does not start', () => {
    const { loops, lines } = makeLoops();
    loops.apply(configOf({ label: 'a', file: '', output }, { label: 'b', file: 'x.flv' }), 1935);
    expect(lines).toEqual([
      'ingest a of vhost __defaultVhost__ is not started: its input names no file (`url`)',
      'ingest b of vhost __defaultVhost__ is not started: no engine of it has an `output`',
    ]);
  });

  it('I006 an engine that would transcode is told of', async () => {
    const { loops, lines } = makeLoops();
    const file = '/nowhere/x.flv';
    loops.apply(
      configOf({ file, output, videoCodec: 'copy' }, { label: 'b', file, output, videoCodec: 'libx264' }),
      1,
    );
    expect(lines).toEqual([
      'ingest b of vhost __defaultVhost__ is not transcoded: an ingest of type `loop` plays the file as it is',
    ]);
    await loops.close();
  });

  it('is off when it is disabled or of another type', async () => {
    const { loops, lines } = makeLoops();
    loops.apply(
      configOf({ file: 'x', output, enabled: false }, { label: 'b', file: 'x', output, type: 'file' }),
      1,
    );
    await loops.close();
    expect(lines).toEqual([]);
  });

  it('I007 a changed configuration restarts what changed, and nothing else', async () => {
    const { server, port } = await startServer();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(200, 200)));
    const { loops, lines } = makeLoops();
    const at = (name: string): string => `rtmp://127.0.0.1:[port]/live/${name}`;
    const one = { label: 'one', file, output: at('one') };
    loops.apply(configOf(one, { label: 'two', file, output: at('two') }), port);
    await vi.waitUntil(() => server.streams.size === 2);
    lines.length = 0;
    loops.apply(configOf(one, { label: 'two', file, output: at('three') }), port);
    await vi.waitUntil(() => lines.length === 2 && server.streams.size === 2);
    expect(lines.every((line) => line.startsWith('ingest two'))).toBe(true);
    loops.apply(configOf(one), port);
    await vi.waitUntil(() => server.streams.size === 1);
  });

  it('I005 a file that is not there is named', async () => {
    const { loops, lines } = makeLoops();
    loops.apply(configOf({ file: '/nowhere/x.flv', output }), 1935);
    await vi.waitUntil(() => lines.length > 0);
    expect(lines[0]).toContain('/nowhere/x.flv: no such file');
  });
});
