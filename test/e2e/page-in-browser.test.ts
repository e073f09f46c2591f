import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
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
  waitInPage,
} from '../harness/index.ts';

/** What the proxy takes off each path. */
const PREFIX = '/tv';

/** A proxy that serves another server below {@link PREFIX}, and remembers what it was asked for elsewhere. */
async function startProxy(target: string, outside: string[]): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    if (!path.startsWith(`${PREFIX}/`)) {
      outside.push(path);
      outgoing.writeHead(404).end();
      return;
    }
    const { method, headers } = incoming;
    const upstream = request(`${target}${path.slice(PREFIX.length)}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe.runIf(haveChromium && haveFfmpeg)('the built-in page in a browser', () => {
  let sluice: SluiceUnderTest;
  let browser: Browser;
  let proxy: Server;
  let base: string;
  const publishers: Publisher[] = [];
  const outside: string[] = [];

  beforeAll(async () => {
    sluice = await startSluice({
      config: (ports) => `listen ${ports.rtmp};
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; rtmp_public_url rtmp://:19350; }
vhost __defaultVhost__ {
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
  hls { enabled on; hls_path ./; hls_fragment 2; hls_window 20; }
}
`,
    });
    const picture = await fixture('h264-bframes-aac');
    const sound = await fixture('aac-only');
    publishers.push(publish({ file: picture, url: sluice.rtmpUrl('cam'), loop: true }));
    publishers.push(publish({ file: sound, url: sluice.rtmpUrl('radio'), loop: true }));
    proxy = await startProxy(sluice.httpUrl(''), outside);
    const address = proxy.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    base = `http://127.0.0.1:${address.port}${PREFIX}`;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    proxy.closeAllConnections();
    proxy.close();
    for (const publisher of publishers) await publisher.kill();
    await sluice.stop();
  });

  async function open(path: string): Promise<Page> {
    const page = await openPage(browser);
    await page.goto(`${base}${path}`);
    return page;
  }

  async function plays(page: Page): Promise<void> {
    await page.waitForSelector('#screen[data-state=playing]');
    await waitFor(
      async () =>
        (await page.evaluate<number>('document.querySelector("video").currentTime')) > 1 || undefined,
      'the video plays',
    );
  }

  it.each(['/', '/players/', '/players?app=live'])(
    'W001 below a path prefix, at %s: FLV and HLS play, and nothing is asked for elsewhere',
    async (path) => {
      const page = await open(path);
      await page.click('.stream:has-text("cam")');
      await plays(page);
      await page.click('.segments label:has-text("HLS")');
      await page.waitForSelector('#screen:not([data-state=playing])');
      await plays(page);
      expect(outside.filter((asked) => asked !== '/favicon.ico')).toEqual([]);
      await page.close();
    },
    4 * LIMIT_MS,
  );

  it(
    'W001 the player gets the focus and a name, and keys work',
    async () => {
      const page = await open('/');
      await page.click('.stream:has-text("cam")');
      await plays(page);
      await waitInPage(page, 'document.activeElement.id === "video"');
      expect(await page.getAttribute('video', 'aria-label')).toBe('Live stream cam');
      const state =
        '(({ muted, paused, volume }) => ({ muted, paused, volume }))(document.querySelector("video"))';
      const { muted } = await page.evaluate<{ muted: boolean }>(state);
      await page.keyboard.press('m');
      await page.keyboard.press('Space');
      await page.keyboard.press('ArrowDown');
      expect(await page.evaluate(state)).toEqual({ muted: !muted, paused: true, volume: 0.95 });
      await page.keyboard.press('k');
      expect(await page.evaluate(state)).toMatchObject({ paused: false });
      await page.keyboard.press('f');
      await waitInPage(page, 'document.fullscreenElement?.id === "screen"');
      await page.close();
    },
    2 * LIMIT_MS,
  );

  it(
    'W001 sound alone has a poster, and addresses name the RTMP port that is set',
    async () => {
      const page = await open('/');
      await page.click('.stream:has-text("radio")');
      await plays(page);
      await page.waitForSelector('#audio-poster:not([hidden])');
      expect(await page.textContent('#audio-name')).toBe('radio');
      const shown = await page.evaluate(
        '[...document.querySelectorAll("#addresses code")].map((code) => code.textContent)',
      );
      expect(shown).toEqual([
        'rtmp://127.0.0.1:19350/live/radio',
        `${base}/live/radio.flv`,
        `${base.replace('http', 'ws')}/live/radio.flv`,
        `${base}/live/radio.m3u8`,
      ]);
      await page.close();
    },
    2 * LIMIT_MS,
  );
});
