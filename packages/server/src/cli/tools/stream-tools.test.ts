import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { FlvReader, FlvTagType } from '@sluice/media/flv';
import type { MediaMessage } from '@sluice/rtmp';
import { play } from '@sluice/rtmp/node';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { clipTags, flvBytes, temporaryDirectory, temporaryFile } from '../../files/test-kit.ts';
import { FilePush } from '../../relay/ingest/index.ts';
import { runCommandLine } from '../index.ts';
import { runDetect } from './detect.ts';
import { runDump } from './dump.ts';
import { runIngestRtmp } from './ingest-rtmp.ts';
import { StreamRelay } from './stream-relay.ts';
import { ToolExit } from './terminal.ts';
import { fakeTerminal, startServer } from './test-kit.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Publishes a clip in a loop until the test ends, ten times as fast as life. */
async function publishForEver(url: string): Promise<FilePush> {
  const file = await temporaryFile('x.flv', flvBytes(clipTags(4_000)));
  const push = new FilePush({ file, url, rounds: Infinity, speed: 10 });
  const done = push.run().catch(() => undefined);
  onTestFinished(async () => {
    push.stop();
    await done;
  });
  await vi.waitUntil(() => push.totals.videoFrames > 0, { timeout: 5_000 });
  return push;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

describe('sluice dump', () => {
  it('X007 plays a stream into a file, for some seconds of it', async () => {
    const { app } = await startServer();
    const url = `${app}/livestream`;
    await publishForEver(url);
    const output = join(await temporaryDirectory(), 'out.flv');
    const terminal = fakeTerminal();
    expect(await runDump(url, { output, time: 2, timeout: 10 }, terminal)).toBe(ToolExit.done);
    const [first, last] = terminal.said.split('\n');
    expect(first).toBe(`playing ${url}`);
    expect(last).toMatch(
      /^done: 0:02\.\d of media in 0:0\d\.\d; \d+ video and \d+ audio frames; \d+ bytes, \d+ kbps$/,
    );
    const reader = new FlvReader();
    const tags = reader.write(await readFile(output));
    expect(reader.end().cut).toBe(false);
    expect(tags[0]?.type).toBe(FlvTagType.script);
    expect(tags.filter(({ type }) => type === FlvTagType.script)).toHaveLength(1);
    expect(tags.filter(({ type }) => type === FlvTagType.video).length).toBeGreaterThan(40);
    expect(tags.find(({ type }) => type !== FlvTagType.script)?.timestamp).toBe(0);
    expect(tags.at(-1)?.timestamp).toBeGreaterThanOrEqual(2_000);
  });

  it('X007 writes to the standard output, and ends when the user says so', async () => {
    const { app } = await startServer();
    await publishForEver(`${app}/livestream`);
    const terminal = fakeTerminal();
    const done = runDump(`${app}/livestream`, { output: '-', timeout: 10 }, terminal);
    await vi.waitUntil(() => terminal.printed.length > 2_000, { timeout: 5_000 });
    terminal.stop();
    expect(await done).toBe(ToolExit.done);
    expect(terminal.printed.startsWith('FLV')).toBe(true);
    expect(terminal.said).toContain('stopped: ');
  });

  it.each([
    ['a URL that is none', 'http://a/b/c', ToolExit.usage, 'rtmp://host/app/stream'],
    ['a URL without a stream', 'rtmp://a/b', ToolExit.usage, 'names no stream'],
    ['a server that is not there', 'rtmp://127.0.0.1:1/live/x', ToolExit.connection, 'refused'],
  ])('%s: one line, its own exit code, and no file', async (_, url, exit, words) => {
    const output = join(await temporaryDirectory(), 'out.flv');
    const terminal = fakeTerminal();
    expect(await runDump(url, { output, timeout: 5 }, terminal)).toBe(exit);
    expect(terminal.said).toMatch(/^sluice dump: [^\n]+\n$/);
    expect(terminal.said).toContain(words);
    expect(existsSync(output)).toBe(false);
  });

  it('says that nothing comes', async () => {
    const { app } = await startServer();
    const terminal = fakeTerminal();
    expect(await runDump(`${app}/nobody`, { timeout: 0.5 }, terminal)).toBe(ToolExit.lost);
    expect(terminal.said).toContain('the server sent nothing for 500 ms');
  });

  it('says that the disk takes nothing', async () => {
    const { app } = await startServer();
    await publishForEver(`${app}/livestream`);
    const terminal = fakeTerminal();
    const flags = { output: '/nowhere/out.flv', timeout: 5 };
    expect(await runDump(`${app}/livestream`, flags, terminal)).toBe(ToolExit.file);
    expect(terminal.said).toContain("/nowhere/out.flv can't be written");
  });
});

describe('sluice detect', () => {
  it('X007 prints one line of JSON about a stream', async () => {
    const { app } = await startServer();
    const url = `${app}/livestream`;
    await publishForEver(url);
    const terminal = fakeTerminal();
    expect(await runDetect(url, { duration: 0.3, timeout: 10 }, terminal)).toBe(ToolExit.done);
    expect(terminal.printed).toMatch(/^[^\n]+\n$/);
    const answer = JSON.parse(terminal.printed) as Record<string, number>;
    expect(answer).toMatchObject({ code: 0, up: true, url });
    expect(answer['video_frames']).toBeGreaterThan(0);
    expect(answer['bytes']).toBeGreaterThan(0);
    const { connect_ms: connect = -1, play_ms: played = -1, first_frame_ms: frame = -1 } = answer;
    expect([connect, played, frame, answer['total_ms']]).toEqual(
      [connect, played, frame, answer['total_ms'] ?? -1].sort((left, right) => left - right),
    );
  });

  it('X007 says that nobody publishes, or that there is no server', async () => {
    const { app } = await startServer();
    for (const [url, exit, error] of [
      [`${app}/nobody`, ToolExit.lost, 'timeout'],
      ['rtmp://127.0.0.1:1/live/x', ToolExit.connection, 'connection-failed'],
    ] as const) {
      const terminal = fakeTerminal();
      expect(await runDetect(url, { duration: 1, timeout: 0.5 }, terminal)).toBe(exit);
      expect(JSON.parse(terminal.printed)).toMatchObject({ code: 1, up: false, bytes: 0, error });
    }
  });
});

describe('sluice ingest-rtmp', () => {
  it('X007 carries a stream from one server to another, until the user stops it', async () => {
    const [from, to] = [await startServer(), await startServer()];
    await publishForEver(`${from.app}/a`);
    const terminal = fakeTerminal();
    const flags = { input: `${from.app}/a`, output: `${to.app}/b`, timeout: 10 };
    const done = runIngestRtmp(flags, terminal);
    await vi.waitUntil(() => terminal.said.includes('publishing'), { timeout: 5_000 });
    const player = await play(flags.output);
    const messages: MediaMessage[] = [];
    for await (const message of player) {
      messages.push(message);
      if (messages.filter(({ kind }) => kind === 'video').length > 20) break;
    }
    expect(messages.some(({ kind }) => kind === 'data')).toBe(true);
    expect(messages.some(({ kind }) => kind === 'audio')).toBe(true);
    terminal.stop();
    expect(await done).toBe(ToolExit.done);
    expect(terminal.said).toMatch(/stopped: 0:\d\d\.\d of media in /);
  });

  it('X007 connects again when the output comes back', async () => {
    const from = await startServer();
    const to = await startServer();
    await publishForEver(`${from.app}/a`);
    const stop = new AbortController();
    const events: string[] = [];
    const relay = new StreamRelay(
      {
        input: `${from.app}/a`,
        output: `${to.app}/b`,
        retry: { attempts: Infinity, firstDelayMs: 10, maxDelayMs: 50 },
        timeoutMs: 5_000,
        onEvent: ({ kind }) => events.push(kind),
      },
      stop.signal,
    );
    const done = relay.run();
    await vi.waitUntil(() => relay.count.videoFrames > 10, { timeout: 5_000 });
    await to.server.close();
    await vi.waitUntil(() => events.includes('retry'), { timeout: 5_000 });
    await startServer(to.port);
    await vi.waitUntil(() => relay.reconnects > 0, { timeout: 5_000 });
    const { videoFrames } = relay.count;
    await vi.waitUntil(() => relay.count.videoFrames > videoFrames + 10, { timeout: 5_000 });
    stop.abort();
    await done;
    expect(events[0]).toBe('publishing');
    expect(events.at(-1)).toBe('publishing');
  });

  it('gives up after the attempts that it has', async () => {
    const port = await freePort();
    const terminal = fakeTerminal();
    const flags = { input: `rtmp://127.0.0.1:${port}/a/b`, output: 'rtmp://127.0.0.1:1/c/d', timeout: 5 };
    expect(await runIngestRtmp({ ...flags, retries: 0 }, terminal)).toBe(ToolExit.connection);
    expect(terminal.said).toMatch(/^sluice ingest-rtmp: [^\n]*refused[^\n]*\n$/);
    expect(await runIngestRtmp({ ...flags, output: 'x' }, terminal)).toBe(ToolExit.usage);
  });
});

describe('the words of the tools', () => {
  it('X007 ingest-flv plays a file once', async () => {
    const { app } = await startServer();
    const file = await temporaryFile('x.flv', flvBytes(clipTags(200)));
    let said = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
    expect(await runCommandLine(['ingest-flv', '-i', file, '-y', `${app}/x`])).toBe(0);
    expect(said).toContain('done: 0:00.2 of media');
  });

  it.each([
    ['dump without a URL', ['dump'], 'url'],
    ['dump for no time', ['dump', '-t', '0', 'rtmp://a/b/c'], '--time'],
    ['detect for no time', ['detect', '--duration', 'x', 'rtmp://a/b/c'], '--duration'],
    ['ingest-rtmp without an input', ['ingest-rtmp', '-y', 'rtmp://a/b/c'], '--input'],
    ['ingest-flv without an output', ['ingest-flv', '-i', 'x.flv'], '--output'],
    ['flv info without a file', ['flv', 'info'], 'file'],
  ])('%s: exit 2', async (_, words, name) => {
    let said = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
    expect(await runCommandLine(words)).toBe(2);
    expect(said).toContain(name);
  });
});
