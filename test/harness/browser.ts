import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { LIMIT_MS, waitFor } from './process.ts';
import { pathOf } from './tools.ts';

/**
 * Debian's Chromium, headless, that may play without a click. Close it when the test ends.
 * Needs `haveChromium`.
 */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    timeout: LIMIT_MS,
    executablePath: pathOf('chromium') ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
}

/** A page that has as much time for what it is told as every other wait of a test. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(LIMIT_MS);
  return page;
}

/**
 * Waits until an expression is true in a page. Unlike `page.waitForFunction`, it evaluates nothing as the page itself,
 * whose Content-Security-Policy may forbid that.
 */
export async function waitInPage(page: Page, expression: string): Promise<void> {
  await waitFor(async () => (await page.evaluate<unknown>(expression)) === true || undefined, expression);
}
