import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { LIMIT_MS } from './process.ts';
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
