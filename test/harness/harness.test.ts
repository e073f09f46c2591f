import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  accepts,
  FIXTURE_SECONDS,
  fixture,
  framemd5,
  freePort,
  freePorts,
  haveChromium,
  haveFfmpeg,
  isListening,
  launchBrowser,
  openPage,
  packets,
  PORTS_REFUSED_BY_FETCH,
  probe,
  record,
  RunningProcess,
  waitFor,
  waitForEvent,
} from './index.ts';

describe('the ports of tests', () => {
  it('are never those that fetch refuses', async () => {
    for (const port of PORTS_REFUSED_BY_FETCH) {
      const refusal = await fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ cause: { message: 'bad port' } });
    }
    const ports = await freePorts(100);
    expect(ports.filter((port) => PORTS_REFUSED_BY_FETCH.includes(port))).toEqual([]);
  });
});

describe('RunningProcess', () => {
  it('runs in an empty folder of its own, which goes with it', async () => {
    const list = "console.log(process.cwd()); console.log(require('node:fs').readdirSync('.').length)";
    const programs = [1, 2].map(() => new RunningProcess(process.execPath, ['-e', list]));
    const outputs: string[][] = [];
    for (const program of programs) {
      await program.succeeded(30_000);
      outputs.push(program.stdout.trim().split('\n'));
    }
    const folders = outputs.map(([folder = '']) => folder);
    expect(outputs.map(([, count]) => count)).toEqual(['0', '0']);
    expect(new Set([...folders, process.cwd()]).size).toBe(3);
    expect(folders.some((folder) => existsSync(folder))).toBe(false);
  });

  it('keeps the output and the exit code', async () => {
    const program = new RunningProcess(process.execPath, ['-e', 'console.log("out"); process.exit(3)']);
    expect(await program.exited(10_000)).toEqual({ code: 3, signal: undefined });
    expect(program.stdout).toBe('out\n');
  });

  it('says what a failed program wrote', async () => {
    const program = new RunningProcess(process.execPath, [
      '-e',
      'console.error("no such thing"); process.exit(1)',
    ]);
    await expect(program.succeeded(10_000)).rejects.toThrow('no such thing');
  });

  it('kills what does not end within its limit', async () => {
    const program = new RunningProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await expect(program.exited(50)).rejects.toThrow('still ran after 50 ms');
  });

  it('waits for a line, and no longer than the program lives', async () => {
    const program = new RunningProcess(process.execPath, ['-e', 'console.log("ready")']);
    await program.wrote((stdout) => stdout.includes('ready'), 'ready', 10_000);
    await expect(program.wrote((stdout) => stdout.includes('never'), 'never', 10_000)).rejects.toThrow(
      'ended before never',
    );
  });

  it('answers 127 for a program that is not there', async () => {
    expect((await new RunningProcess('sluice-no-such-program', []).exited(10_000)).code).toBe(127);
  });
});

describe('waiting and ports', () => {
  it('waits for a condition, and names it when the limit passes', async () => {
    let asked = 0;
    expect(await waitFor(() => (++asked === 3 ? 'done' : undefined), 'the third question')).toBe('done');
    await expect(waitFor(() => undefined, 'what never comes', 30)).rejects.toThrow('before what never comes');
  });

  it('gives different ports', async () => {
    expect(new Set(await freePorts(20)).size).toBe(20);
  });

  it('tells whether somebody listens', async () => {
    const port = await freePort();
    expect(await isListening(port)).toBe(false);
    const server = createServer().listen(port, '127.0.0.1');
    onTestFinished(() => void server.close());
    await waitForEvent(server, 'listening');
    expect(await isListening(port)).toBe(true);
    expect(await accepts(port)).toBe(true);
  });
});

describe.runIf(haveFfmpeg)('clips', () => {
  it.each([
    ['h264-aac', ['h264', 'aac'], 0],
    ['h264-bframes-aac', ['h264', 'aac'], 1],
    ['h264-mp3', ['h264', 'mp3'], 0],
    ['aac-only', ['aac'], 0],
    ['mp3-only', ['mp3'], 0],
    ['h264-only', ['h264'], 0],
    ['hevc-aac', ['hevc', 'aac'], 0],
  ] as const)('%s has what its name says', async (name, codecs, bFrames) => {
    const { streams } = await probe(await fixture(name));
    expect(streams.map((stream) => stream.codec_name).sort()).toEqual([...codecs].sort());
    const video = streams.find((stream) => stream.codec_type === 'video');
    if (video !== undefined) expect(Math.min(video.has_b_frames ?? 0, 1)).toBe(bFrames);
  });

  it('has a keyframe each second, and the same frames after a copy', async () => {
    const file = await fixture('h264-bframes-aac');
    const video = (await packets(file)).filter((packet) => packet.kind === 'video');
    expect(video).toHaveLength(FIXTURE_SECONDS * 25);
    expect(video.filter((packet) => packet.keyframe)).toHaveLength(FIXTURE_SECONDS);
    const folder = await mkdtemp(join(tmpdir(), 'sluice-harness-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const copy = await record(file, join(folder, 'copy.flv'));
    const hashes = async (source: string): Promise<readonly string[]> =>
      (await framemd5(source, 'v')).map((frame) => frame.md5);
    expect(await hashes(copy)).toEqual(await hashes(file));
  });
});

describe.runIf(haveChromium)('the browser', () => {
  it('plays H.264 and AAC through Media Source Extensions', async () => {
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const page = await openPage(browser);
    const plays: unknown = await page.evaluate(
      'MediaSource.isTypeSupported(\'video/mp4; codecs="avc1.64001f,mp4a.40.2"\')',
    );
    expect(plays).toBe(true);
  });
});
