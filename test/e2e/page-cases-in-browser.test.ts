import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  fixture,
  haveChromium,
  haveFfmpeg,
  launchBrowser,
  LIMIT_MS,
  openPage,
  openPublisher,
  publish,
  type Publisher,
  RunningProcess,
  sluiceMain,
  type SluicePorts,
  startSluice,
  type SluiceUnderTest,
  waitFor,
  waitInPage,
} from '../harness/index.ts';

/** More streams than the page lists. */
const MANY = 203;

function config(httpServer = '', more = ''): (ports: SluicePorts) => string {
  return (ports) => `listen ${ports.rtmp};
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; ${httpServer} }
${more}
vhost __defaultVhost__ {
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
  hls { enabled on; hls_path ./; hls_fragment 2; hls_window 20; }
}
`;
}

/** Keeps every state that the player says it is in, and the source buffers that it makes. */
const WATCHED = `
window.seen = { states: [], buffers: [] };
const add = MediaSource.prototype.addSourceBuffer;
MediaSource.prototype.addSourceBuffer = function (type) {
  const buffer = add.call(this, type);
  window.seen.buffers.push(buffer);
  return buffer;
};
document.addEventListener('DOMContentLoaded', () => {
  const screen = document.getElementById('screen');
  new MutationObserver(() => window.seen.states.push(screen.dataset.state))
    .observe(screen, { attributeFilter: ['data-state'] });
});`;

/** Bytes that are no media: Media Source Extensions end with a decode error (clause 3.5.3, append error algorithm). */
const BREAK = `(() => new Promise((resolve) => {
  const { buffers } = window.seen;
  const attempt = () => {
    const buffer = buffers.at(-1);
    try {
      if (buffer.updating) throw new Error('busy');
      buffer.appendBuffer(new Uint8Array(4096).fill(0xff));
      resolve(buffers.length);
    } catch {
      setTimeout(attempt, 5);
    }
  };
  attempt();
}))()`;

describe.runIf(haveChromium && haveFfmpeg)('what the built-in page meets in a browser', () => {
  let browser: Browser;
  let sluice: SluiceUnderTest;
  const publishers: Publisher[] = [];
  const processes: RunningProcess[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
    sluice = await startSluice({ config: config() });
    publishers.push(
      publish({ file: await fixture('h264-bframes-aac'), url: sluice.rtmpUrl('cam'), loop: true }),
    );
    processes.push(
      new RunningProcess(process.execPath, [
        sluiceMain,
        ...['publish', '--loop', await fixture('hevc-aac'), sluice.rtmpUrl('hevc')],
      ]),
    );
  });
  afterAll(async () => {
    await browser.close();
    for (const publisher of publishers) await publisher.kill();
    for (const running of processes) {
      running.kill('SIGKILL');
      await running.exited();
    }
    await sluice.stop();
  });

  async function open(
    url: string,
    { script = '', ...options }: BrowserContextOptions & { script?: string } = {},
  ) {
    const page = await openPage(browser, options);
    const missing: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 404) missing.push(new URL(response.url()).pathname);
    });
    if (script !== '') await page.addInitScript(script);
    await page.goto(url);
    return { page, missing };
  }

  async function playsOn(page: Page): Promise<void> {
    const time = await page.evaluate<number>('document.querySelector("video").currentTime');
    await waitFor(
      async () =>
        (await page.evaluate<boolean>(
          `document.getElementById('screen').dataset.state === 'playing' && document.querySelector('video').error === null
            && document.querySelector('video').currentTime > ${time} + 1`,
        )) || undefined,
      'the video plays on',
    );
  }

  it(
    'W001 HLS recovers from a media error before anyone sees it',
    async () => {
      const { page } = await open(sluice.httpUrl('/?stream=cam'), { script: WATCHED });
      await page.waitForSelector('.stream:has-text("cam")');
      await page.click('.segments label:has-text("HLS")');
      await page.click('.stream:has-text("cam")');
      await page.waitForSelector('#screen[data-state=playing]');
      await playsOn(page);
      for (let time = 0; time < 2; time++) {
        const before = await page.evaluate<number>(BREAK);
        await waitInPage(page, `window.seen.buffers.length > ${before}`);
        await playsOn(page);
      }
      // Who has paused stays paused.
      await page.evaluate('document.querySelector("video").pause()');
      const before = await page.evaluate<number>(BREAK);
      await waitInPage(page, `window.seen.buffers.length > ${before}`);
      await waitInPage(page, 'document.querySelector("video").readyState > 1');
      expect(await page.evaluate('document.querySelector("video").paused')).toBe(true);
      const states = await page.evaluate<string[]>('window.seen.states');
      expect(states).toContain('playing');
      expect(states).not.toContain('failed');
      await page.close();
    },
    3 * LIMIT_MS,
  );

  it(
    'W001 HLS that fails again and again is told, and tried again later',
    async () => {
      const { page } = await open(sluice.httpUrl('/?stream=cam'), { script: WATCHED });
      await page.waitForSelector('.stream:has-text("cam")');
      await page.click('.segments label:has-text("HLS")');
      await page.click('.stream:has-text("cam")');
      await page.waitForSelector('#screen[data-state=playing]');
      // Every decoder that is set up breaks at once.
      await page.evaluate(`(() => {
        const timer = setInterval(() => {
          if (window.seen.states.includes('failed')) return clearInterval(timer);
          try { window.seen.buffers.at(-1).appendBuffer(new Uint8Array(4096).fill(0xff)); } catch {}
        }, 5);
      })()`);
      await waitInPage(page, 'window.seen.states.includes("failed")');
      await page.waitForSelector('#screen[data-state=playing]');
      await playsOn(page);
      await page.close();
    },
    3 * LIMIT_MS,
  );

  it(
    'W001 HLS whose publisher has gone says so, and plays again when it is back',
    async () => {
      const file = await fixture('h264-bframes-aac');
      const first = publish({ file, url: sluice.rtmpUrl('brief'), loop: true });
      publishers.push(first);
      const { page } = await open(sluice.httpUrl('/?stream=cam'), { script: WATCHED });
      await page.click('.segments label:has-text("HLS")');
      await page.click('.stream:has-text("brief")');
      await page.waitForSelector('#screen[data-state=playing]');
      await playsOn(page);
      await first.kill();
      await page.waitForSelector('#screen[data-state=ended]');
      publishers.push(publish({ file, url: sluice.rtmpUrl('brief'), loop: true }));
      await page.waitForSelector('#screen[data-state=playing]');
      await playsOn(page);
      await page.close();
    },
    4 * LIMIT_MS,
  );

  it.each([
    ['without a decoder', 'false', 'no decoder'],
    ['with a decoder', 'true', 'plays HTTP-FLV, WebSocket and HLS'],
  ])(
    'W001 HEVC says which form plays where, in a browser %s',
    async (_name, answer, says) => {
      const { page } = await open(sluice.httpUrl('/?stream=cam'), {
        script: `const is = MediaSource.isTypeSupported;
MediaSource.isTypeSupported = (type) => (/hvc1|hev1/.test(type) ? ${answer} : is.call(MediaSource, type));`,
      });
      await page.click('.stream:has-text("hevc")');
      await page.waitForSelector('#codec-note:not([hidden])');
      expect(await page.textContent('#codec-note')).toContain(says);
      await page.click('.stream:has-text("cam")');
      await page.waitForSelector('#codec-note', { state: 'hidden' });
      await page.close();
    },
    2 * LIMIT_MS,
  );

  it(
    'W001 HLS that has just begun is waited for, and nothing is asked for that is not there',
    async () => {
      const { page, missing } = await open(sluice.httpUrl('/?stream=late'), { script: WATCHED });
      await page.click('.segments label:has-text("HLS")');
      await page.waitForSelector('.stream:has-text("cam")');
      publishers.push(
        publish({ file: await fixture('h264-bframes-aac'), url: sluice.rtmpUrl('late'), loop: true }),
      );
      await page.click('.stream:has-text("late")');
      await page.waitForSelector('#screen[data-state=playing]');
      await playsOn(page);
      expect(missing.filter((path) => path !== '/favicon.ico')).toEqual([]);
      await page.close();
    },
    3 * LIMIT_MS,
  );
});

describe.runIf(haveChromium && haveFfmpeg)('the list of the built-in page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  it(
    `W001 a search finds what is beyond the ${MANY - 3} streams that are listed`,
    async ({ onTestFinished }) => {
      const sluice = await startSluice({ config: config() });
      onTestFinished(async () => sluice.stop());
      for (let number = 0; number < MANY; number++) {
        const peer = await openPublisher(sluice.ports.rtmp, `camera-${String(number).padStart(3, '0')}`);
        onTestFinished(async () => peer.close());
      }
      const publisher = publish({
        file: await fixture('h264-aac'),
        url: sluice.rtmpUrl('needle'),
        loop: true,
      });
      onTestFinished(async () => publisher.kill());
      await sluice.published('needle');
      const page = await openPage(browser);
      await page.goto(sluice.httpUrl('/'));
      await waitInPage(page, 'document.getElementById("count").textContent === "200+"');
      expect(await page.isVisible('#more')).toBe(true);
      expect(await page.isVisible('.stream:has-text("needle")')).toBe(false);
      await page.fill('#search', 'NEEDLE');
      await page.click('.stream:has-text("needle")');
      await page.waitForSelector('#screen[data-state=playing]');
      await page.fill('#search', '');
      await waitInPage(page, 'document.querySelectorAll(".stream").length >= 200');
      await waitInPage(page, '/^[1-9]/.test(document.getElementById("fact-bitrate").textContent)');
      await page.close();
    },
    4 * LIMIT_MS,
  );

  it(
    'W001 plays by what the server has: HLS alone, or nothing',
    async ({ onTestFinished }) => {
      const sluice = await startSluice({
        config: (ports) => `listen ${ports.rtmp};
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; }
vhost __defaultVhost__ { hls { enabled on; hls_path ./; hls_fragment 1; } }
`,
      });
      onTestFinished(async () => sluice.stop());
      const publisher = publish({ file: await fixture('h264-aac'), url: sluice.rtmpUrl('cam'), loop: true });
      onTestFinished(async () => publisher.kill());
      const page = await openPage(browser);
      const missing: string[] = [];
      page.on('response', (response) => {
        if (response.status() === 404) missing.push(new URL(response.url()).pathname);
      });
      await page.goto(sluice.httpUrl('/'));
      await page.click('.stream:has-text("cam")');
      await page.waitForSelector('#screen[data-state=playing]');
      expect(await page.isVisible('.segments label:has-text("HTTP-FLV")')).toBe(false);
      expect(missing.filter((path) => path !== '/favicon.ico')).toEqual([]);
      const file = join(sluice.folder, 'sluice.conf');
      await writeFile(
        file,
        (await readFile(file, 'utf8')).replace('hls { enabled on;', 'hls { enabled off;'),
      );
      sluice.process.kill('SIGHUP');
      await waitFor(async () => {
        const facts = (await (await fetch(sluice.httpUrl('/assets/page.json'))).json()) as object;
        return !('hlsMount' in facts) || undefined;
      }, 'the reload');
      await page.reload();
      await page.click('.stream:has-text("cam")');
      await waitInPage(page, 'document.getElementById("veil-title").textContent === "No form for browsers"');
      expect(
        await page.evaluate(
          '[...document.querySelectorAll("#addresses code")].map((code) => code.textContent)',
        ),
      ).toEqual([sluice.rtmpUrl('cam')]);
      expect(missing.filter((path) => path !== '/favicon.ico')).toEqual([]);
      await page.close();
    },
    3 * LIMIT_MS,
  );

  it(
    'W001 where the list is off a stream plays by its name, and nothing that is not there is asked for',
    async ({ onTestFinished }) => {
      const sluice = await startSluice({
        config: config(
          'list_streams off; public_url https://tv.example.com/watch; rtmp_public_url rtmps://in.example.com;',
        ),
      });
      onTestFinished(async () => sluice.stop());
      const publisher = publish({
        file: await fixture('h264-aac'),
        url: sluice.rtmpUrl('hidden'),
        loop: true,
      });
      onTestFinished(async () => publisher.kill());
      await sluice.published('hidden');
      const page = await openPage(browser);
      const asked: string[] = [];
      page.on('response', (response) => {
        const { pathname } = new URL(response.url());
        if (response.status() === 404 || pathname.startsWith('/api/')) asked.push(pathname);
      });
      await page.goto(sluice.httpUrl('/'));
      expect(await page.textContent('#streams-title')).toBe('Watch');
      expect(await page.isVisible('#count')).toBe(false);
      await page.fill('#open-name', 'live/hidden');
      await page.press('#open-name', 'Enter');
      await page.waitForSelector('#screen[data-state=playing]');
      expect(asked.filter((path) => path !== '/favicon.ico')).toEqual([]);
      const shown = '[...document.querySelectorAll("#addresses code")].map((code) => code.textContent)';
      expect(await page.evaluate(shown)).toEqual([
        'rtmps://in.example.com/live/hidden',
        'https://tv.example.com/watch/live/hidden.flv',
        'wss://tv.example.com/watch/live/hidden.flv',
        'https://tv.example.com/watch/live/hidden.m3u8',
      ]);
      await page.close();
    },
    2 * LIMIT_MS,
  );
});
