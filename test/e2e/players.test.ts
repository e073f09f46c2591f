import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  fixture,
  framemd5,
  haveChromium,
  haveFfmpeg,
  haveRtmpdump,
  launchBrowser,
  openPage,
  probe,
  publish,
  readTags,
  rtmpdump,
  startSluice,
  waitFor,
} from '../harness/index.ts';
import type { Publisher, SluiceUnderTest } from '../harness/index.ts';

describe.runIf(haveFfmpeg)('players', () => {
  let sluice: SluiceUnderTest;
  let publishers: readonly Publisher[];

  beforeAll(async () => {
    sluice = await startSluice();
    publishers = [
      publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('clip'), loop: true }),
      publish({ file: await fixture('h264-bframes-aac'), url: sluice.rtmpUrl('b-frames'), loop: true }),
      publish({ file: await fixture('aac-only'), url: sluice.rtmpUrl('sound'), loop: true }),
    ];
    await Promise.all(['clip', 'b-frames', 'sound'].map(async (name) => sluice.published(name)));
  });
  afterAll(async () => {
    await Promise.all(publishers.map((publisher) => publisher.stop()));
    await sluice.stop();
  });

  it('O001: ffprobe finds the media and nothing else', async () => {
    const { streams } = await probe(sluice.rtmpUrl('clip'));
    expect(streams.map(({ codec_type }) => codec_type).sort()).toEqual(['audio', 'video']);
  });

  it.runIf(haveRtmpdump)(
    'R006 O001 O004: rtmpdump plays from a keyframe, without a decoding fault',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sluice-rtmpdump-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = await rtmpdump(sluice.rtmpUrl('clip'), join(folder, 'dump.flv'), 3);
      const { streams } = await probe(file);
      expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'h264']);
      const media = (await readTags(file)).filter(({ type }) => type !== 18);
      expect(media[0]?.timestamp).toBe(0);
      // The last frame of a recording that is cut off is not whole.
      expect((await framemd5(file, 'v', 2)).length).toBeGreaterThanOrEqual(45);
    },
  );

  describe.runIf(haveChromium)('mpegts.js in Chromium, on the page of the server', () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await launchBrowser();
    });
    afterAll(() => browser.close());

    interface Playback {
      readonly time: number;
      readonly frames: number;
      readonly state: string;
      readonly width: number;
      readonly error: string;
    }

    /** What the page shows now. */
    async function playback(page: Page): Promise<Playback> {
      const found: unknown = await page.evaluate(`(() => {
        const video = document.getElementById('video');
        return {
          time: video.currentTime,
          frames: video.getVideoPlaybackQuality().totalVideoFrames,
          state: document.getElementById('screen').dataset.state,
          width: video.videoWidth,
          error: document.getElementById('veil-title').textContent,
        };
      })()`);
      return found as Playback;
    }

    async function until(page: Page, what: string, wanted: (now: Playback) => boolean): Promise<Playback> {
      return waitFor(async () => {
        const now = await playback(page);
        return wanted(now) ? now : undefined;
      }, what);
    }

    async function open(stream: string, transport: 'http' | 'websocket'): Promise<Page> {
      const page = await openPage(browser);
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      onTestFinished(async () => {
        await page.close();
        expect(faults).toEqual([]);
      });
      await page.goto(sluice.httpUrl(`/?stream=${stream}`));
      await page.waitForSelector('#now:not([hidden])');
      if (transport === 'websocket') await page.check('input[value=websocket]', { force: true });
      await page.click('#veil-action');
      return page;
    }

    it.each([
      ['clip', 'http'],
      ['clip', 'websocket'],
      ['b-frames', 'http'],
      ['b-frames', 'websocket'],
    ] as const)('H008 H009: plays %s by %s', async (stream, transport) => {
      const page = await open(stream, transport);
      const { time, frames, state, width } = await until(
        page,
        'the picture moves',
        (now) => now.time > 2 && now.frames > 40 && now.state === 'playing',
      );
      expect(state).toBe('playing');
      expect(width).toBe(320);
      expect(time).toBeGreaterThan(2);
      expect(frames).toBeGreaterThan(40);
      const kind = transport === 'http' ? 'http' : 'websocket';
      await sluice.logged(new RegExp(`flv-play \\S+/live/${stream} by ${kind} from`));
    });

    it.each(['http', 'websocket'] as const)('H009 P010: plays sound alone by %s', async (transport) => {
      const page = await open('sound', transport);
      const { state, error } = await until(
        page,
        'the sound plays',
        (now) => now.time > 2 && now.state === 'playing',
      );
      expect(state, error).toBe('playing');
    });

    it('lists what is live, and plays it with a click', async () => {
      const page = await openPage(browser);
      onTestFinished(() => page.close());
      await page.goto(sluice.httpUrl('/'));
      // The page allows no eval, so its state is asked for from outside.
      await waitFor(
        async () => ((await page.locator('#list .stream').count()) === 3 ? true : undefined),
        'three streams are listed',
      );
      await page.click('#list .stream:has-text("b-frames")');
      await until(page, 'the stream plays', ({ state }) => state === 'playing');
      expect(await page.textContent('#now-title')).toBe('b-frames');
    });
  });
});
