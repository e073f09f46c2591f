import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { SluiceServer } from '../app/index.ts';
import { resolveConfig } from '../config/index.ts';
import { clipTags, flvBytes } from '../files/test-kit.ts';
import { quietLog } from '../log/index.ts';
import { runCommandLine } from './index.ts';
import { type PublishTerminal, runPublish } from './publish.ts';
import { ToolExit } from './tools/terminal.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(): Promise<string> {
  const off = { enabled: false };
  const server = new SluiceServer(
    resolveConfig({
      listen: [{ host: '127.0.0.1', port: 0 }],
      maxConnections: 100,
      httpApi: off,
      httpServer: off,
      vhosts: { __defaultVhost__: {} },
    }),
    quietLog(),
  );
  cleanups.push(() => server.close());
  await server.start();
  return `rtmp://127.0.0.1:${server.addresses.rtmp[0]?.port ?? 0}/live/livestream`;
}

function clip(ms: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-publish-'));
  cleanups.push(() => {
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, 'clip.flv');
  writeFileSync(path, flvBytes(clipTags(ms)));
  return path;
}

/** A terminal that remembers what was written, and the wish to stop. */
function fakeTerminal(interactive = false): PublishTerminal & { text: string; stop: () => void } {
  const terminal = {
    text: '',
    stop: (): void => undefined,
    interactive,
    write: (text: string): void => {
      terminal.text += text;
    },
    onStop: (listener: () => void) => {
      terminal.stop = listener;
      return () => undefined;
    },
  };
  return terminal;
}

describe('sluice publish', () => {
  it('X007 sends a file and tells the totals', async () => {
    const url = await startServer();
    const file = clip(1_000);
    const terminal = fakeTerminal();
    const flags = { speed: 0, timeout: 10, rounds: 3 };
    expect(await runPublish(file, url, flags, terminal)).toBe(ToolExit.done);
    const lines = terminal.text.split('\n');
    expect(lines[0]).toBe(`publishing ${file} to ${url}`);
    expect(lines[1]).toMatch(
      /^done: 0:03\.0 of media in 0:0\d\.\d; 75 video and 150 audio frames; \d+ bytes, \d+ kbps; 3 rounds$/,
    );
  });

  it('ends well when the user stops it, and shows progress to a person only', async () => {
    const url = await startServer();
    const terminal = fakeTerminal(true);
    const done = runPublish(clip(1_000), url, { speed: 1, timeout: 10, loop: true }, terminal);
    await vi.waitUntil(() => terminal.text.includes('kbps  '), { timeout: 5_000 });
    terminal.stop();
    expect(await done).toBe(ToolExit.done);
    expect(terminal.text).toContain('stopped: ');
    expect(terminal.text).toContain('\r\u001b[K0:0');
    expect(terminal.text).toMatch(/0:0\d\.\d {2}\d+ kbps {2}\d+ video, \d+ audio/);
  });

  it.each([
    [
      'a file that is not there',
      '/nowhere/x.flv',
      'rtmp://127.0.0.1:1/live/x',
      ToolExit.file,
      'no such file',
    ],
    ['a URL that is none', undefined, 'http://127.0.0.1/live/x', ToolExit.usage, 'rtmp://host/app/stream'],
    ['a URL without a stream', undefined, 'rtmp://127.0.0.1/live', ToolExit.usage, 'names no stream'],
    ['a server that is not there', undefined, 'rtmp://127.0.0.1:1/live/x', ToolExit.connection, 'refused'],
  ])('%s: one line and its own exit code', async (_, file, url, exit, words) => {
    const terminal = fakeTerminal();
    expect(await runPublish(file ?? clip(100), url, { speed: 1, timeout: 5 }, terminal)).toBe(exit);
    expect(terminal.text).toMatch(/^sluice publish: [^\n]+\n$/);
    expect(terminal.text).toContain(words);
  });

  it.each([
    ['no URL', ['publish', 'x.flv'], 'url'],
    ['a speed that is none', ['publish', '--speed', 'fast', 'x.flv', 'rtmp://a/b/c'], '--speed'],
    ['no rounds', ['publish', '--rounds', '0', 'x.flv', 'rtmp://a/b/c'], '--rounds'],
  ])('%s: exit 2', async (_, words, name) => {
    let err = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      err += String(text);
      return true;
    });
    expect(await runCommandLine(words)).toBe(2);
    expect(err).toContain(name);
  });
});
