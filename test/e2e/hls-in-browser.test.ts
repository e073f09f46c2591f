import { copyFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  awaitPlaylist,
  fixture,
  haveChromium,
  haveFfmpeg,
  launchBrowser,
  LIMIT_MS,
  openPage,
  publish,
  type Publisher,
  startSluice,
  type SluiceUnderTest,
  waitFor,
} from '../harness/index.ts';

/** How long every player has to play without a stall, seconds. */
const PLAY_SECONDS = 60;

const { resolve } = createRequire(import.meta.url);

/** How much a player has in hand before it begins, seconds: a busy machine is late now and then. */
const IN_HAND_SECONDS = 6;

/**
 * A page that plays one URL by hls.js or mpegts.js and counts what a viewer would notice. A stall is that of the
 * stream when there is nothing left to play; with seconds in hand it is the machine's that decodes too slowly.
 */
const PAGE = `<!doctype html><title>player</title><video muted playsinline></video>
<script src="hls.min.js"></script><script src="mpegts.js"></script>
<script>
  const video = document.querySelector('video');
  const url = new URLSearchParams(location.search).get('url');
  const state = { errors: [], stalls: 0, started: false };
  video.addEventListener('timeupdate', () => { if (video.currentTime > 0) state.started = true; });
  const inHand = () => video.buffered.length === 0 ? 0 : video.buffered.end(video.buffered.length - 1) - video.currentTime;
  video.addEventListener('waiting', () => { if (state.started && inHand() < 0.5) state.stalls += 1; });
  if (url.includes('.m3u8')) {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_name, data) => state.errors.push(data.details + ' ' + (data.reason ?? '')));
    hls.loadSource(url);
    hls.attachMedia(video);
  } else {
    const player = mpegts.createPlayer({ type: 'mpegts', isLive: true, url });
    player.on(mpegts.Events.ERROR, (type, detail, info) => state.errors.push(type + ' ' + detail + ' ' + info.msg));
    player.attachMediaElement(video);
    player.load();
  }
  // A live edge has only what has come: a player that wants no stall begins with some seconds in hand.
  const begin = setInterval(() => {
    const { buffered } = video;
    if (buffered.length === 0 || buffered.end(0) - buffered.start(0) < ${IN_HAND_SECONDS}) return;
    clearInterval(begin);
    if (video.currentTime < buffered.start(0)) video.currentTime = buffered.start(0);
    video.play();
  }, 100);
  window.report = () => ({
    ...state,
    time: video.currentTime,
    width: video.videoWidth,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
  });
</script>`;

interface Report {
  readonly errors: readonly string[];
  readonly stalls: number;
  readonly time: number;
  readonly width: number;
  readonly frames: number;
}

describe.runIf(haveChromium && haveFfmpeg)('players in a browser', () => {
  let sluice: SluiceUnderTest;
  let browser: Browser;
  const publishers: Publisher[] = [];

  beforeAll(async () => {
    sluice = await startSluice({
      config: (ports) => `listen ${ports.rtmp};
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; }
vhost __defaultVhost__ {
  http_remux { enabled on; mount [vhost]/[app]/[stream].ts; }
  hls { enabled on; hls_path ./; hls_fragment 2; hls_window 20; }
}
vhost secret.example.com {
  hls { enabled on; hls_path ./; hls_fragment 2; hls_window 20; hls_keys on; hls_fragments_per_key 3;
    hls_key_file_path ./; hls_m3u8_file secret/[stream].m3u8; hls_ts_file secret/[stream]-[seq].ts;
    hls_key_file secret/[stream]-[seq].key; }
}
`,
    });
    await writeFile(join(sluice.folder, 'player.html'), PAGE);
    await copyFile(join(resolve('hls.js'), '../hls.min.js'), join(sluice.folder, 'hls.min.js'));
    await copyFile(resolve('mpegts.js'), join(sluice.folder, 'mpegts.js'));
    const picture = await fixture('h264-bframes-aac');
    const sound = await fixture('aac-only');
    const start = (file: string, url: string): void => {
      publishers.push(publish({ file, url, loop: true }));
    };
    start(picture, sluice.rtmpUrl('clear'));
    start(picture, sluice.rtmpUrl('secret?vhost=secret.example.com'));
    start(sound, sluice.rtmpUrl('sound'));
    browser = await launchBrowser();
    for (const path of [
      '/live/clear.m3u8',
      '/secret/secret.m3u8?vhost=secret.example.com',
      '/live/sound.m3u8',
    ]) {
      await awaitPlaylist(
        sluice.httpUrl(path),
        ({ segments }) => segments.length >= 4,
        `${path} has segments`,
      );
    }
  });
  afterAll(async () => {
    await browser.close();
    for (const publisher of publishers) await publisher.kill();
    await sluice.stop();
  });

  async function watch(path: string): Promise<Page> {
    const page = await openPage(browser);
    await page.goto(sluice.httpUrl(`/player.html?url=${encodeURIComponent(sluice.httpUrl(path))}`));
    return page;
  }

  async function report(page: Page): Promise<Report> {
    return page.evaluate<Report>('window.report()');
  }

  async function playsOn(path: string, seconds: number): Promise<Report> {
    const page = await watch(path);
    const first = await waitFor(async () => {
      const now = await report(page);
      return now.time > 0.5 || now.errors.length > 0 ? now : undefined;
    }, `${path} plays`);
    const last = await waitFor(
      async () => {
        const now = await report(page);
        const over = now.time - first.time >= seconds || now.errors.length > 0 || now.stalls > 0;
        return over ? now : undefined;
      },
      `${path} has played ${seconds} s`,
      seconds * 1_000 + LIMIT_MS,
    );
    await page.close();
    return last;
  }

  it(
    'L011 hls.js plays HLS in the clear, with AES-128 and of sound alone, and mpegts.js plays HTTP-TS, without a stall',
    async () => {
      const [clear, secret, sound, transport] = await Promise.all([
        playsOn('/live/clear.m3u8', PLAY_SECONDS),
        playsOn('/secret/secret.m3u8?vhost=secret.example.com', PLAY_SECONDS),
        playsOn('/live/sound.m3u8', PLAY_SECONDS),
        playsOn('/live/clear.ts', PLAY_SECONDS),
      ]);
      for (const [what, last] of Object.entries({ clear, secret, sound, transport })) {
        expect(last, what).toMatchObject({ errors: [], stalls: 0 });
        expect(last.time, what).toBeGreaterThanOrEqual(PLAY_SECONDS);
      }
      for (const last of [clear, secret, transport]) {
        expect(last.width).toBe(320);
        expect(last.frames).toBeGreaterThan(PLAY_SECONDS * 20);
      }
      expect(sound.width).toBe(0);
    },
    PLAY_SECONDS * 1_000 + 4 * LIMIT_MS,
  );
});
