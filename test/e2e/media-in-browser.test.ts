import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { haveChromium, launchBrowser, openPage } from '../harness/index.ts';

/** The built package, as a web server would put it out: path in URLs to content. */
const FILES = builtFiles(fileURLToPath(new URL('../../packages/media/dist/', import.meta.url)));

function builtFiles(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const scripts = names.map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.js'));
  return new Map(scripts.map((name) => [`/${name}`, readFileSync(`${folder}${name}`, 'utf8')]));
}

/** Starts a server of the built files on a free port. */
async function serveFiles(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const file = path === '/' ? '<!doctype html><title>media</title>' : FILES.get(path);
    const type = path === '/' ? 'text/html' : 'text/javascript';
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': type });
    response.end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function withoutComments(script: string): string {
  return script.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

describe('the built @sluice/media', () => {
  it('has all its rooms', () => {
    const rooms = ['aac', 'amf', 'av1', 'avc', 'bytes', 'flv', 'hds', 'hevc', 'm3u8', 'mp3', 'mp4', 'mpegts'];
    for (const room of rooms) expect([...FILES.keys()]).toContain(`/${room}/index.js`);
  });

  it.each([...FILES.keys()])('%s needs nothing of Node and no other package', (name) => {
    const script = withoutComments(FILES.get(name) ?? '');
    const imports = [...script.matchAll(/(?:\bfrom|\bimport\s*\(?)\s*(['"])(.*?)\1/g)].map(
      (match) => match[2],
    );
    expect(imports.filter((specifier) => specifier?.startsWith('.') !== true)).toEqual([]);
    expect(script).not.toMatch(/\b(?:Buffer|process)\s*[.[(?]|\brequire\s*\(|\b__(?:dirname|filename)\b/);
  });
});

describe.runIf(haveChromium)('@sluice/media in a browser', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    server = await serveFiles();
    browser = await launchBrowser();
    page = await openPage(browser);
    page.on('pageerror', (error) => complaints.push(error.message));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    await page.goto(`http://127.0.0.1:${address.port}/`);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  /** Runs the body of an asynchronous function in the page, where `media` is the package. */
  async function inPage(body: string): Promise<unknown> {
    return page.evaluate(`(async () => { const media = await import('/index.js'); ${body} })()`);
  }

  it('there is nothing of Node in the page', async () => {
    expect(await inPage('return [typeof Buffer, typeof process];')).toEqual(['undefined', 'undefined']);
    expect(complaints).toEqual([]);
  });

  it('AMF goes both ways', async () => {
    const result = await inPage(`
      const bytes = media.encodeAmf0('onStatus', 1, media.AmfObject.from({ level: 'status', code: '直播' }));
      const [name, transaction, info] = media.decodeAmf0(bytes);
      return [name, transaction, info.toRecord()];
    `);
    expect(result).toEqual(['onStatus', 1, { level: 'status', code: '直播' }]);
  });

  it('an FLV file is written and read, byte by byte', async () => {
    const result = await inPage(`
      const writer = new media.FlvWriter();
      const metadata = media.buildFlvMetadata({ width: 640, height: 360, videoCodec: 'h264' });
      const header = media.buildVideoTagHeader({ codec: 'hevc', frameType: 1, compositionTime: 80 });
      const file = media.concatBytes([
        writer.write({ type: media.FlvTagType.script, timestamp: 0, body: metadata }),
        writer.write({ type: media.FlvTagType.video, timestamp: 0x1000000, body: header }),
      ]);
      const reader = new media.FlvReader();
      const tags = [];
      for (const byte of file) tags.push(...reader.write(Uint8Array.of(byte)));
      const { width, videoCodec } = media.parseFlvMetadata(tags[0].body);
      const { codec, keyframe, compositionTime } = media.parseVideoTagHeader(tags[1].body);
      return { width, videoCodec, timestamp: tags[1].timestamp, codec, keyframe, compositionTime, end: reader.end() };
    `);
    expect(result).toEqual({
      width: 640,
      videoCodec: 'h264',
      timestamp: 0x1000000,
      codec: 'hevc',
      keyframe: true,
      compositionTime: 80,
      end: { cut: false, pendingBytes: 0 },
    });
  });

  it('P012 an SPS is read, and a lying one refused with its code', async () => {
    const result = await inPage(`
      const sps = media.parseAvcSps(media.hexToBytes('6764002aacd940780227e5c044000003000400000301e03c60c658'));
      let code;
      try {
        media.parseAvcSps(media.hexToBytes('6764002aacd94078'));
      } catch (error) {
        code = error instanceof media.MediaError && error.code;
      }
      return [sps.width, sps.height, sps.vui.frameRate, code];
    `);
    expect(result).toEqual([1920, 1080, 60, 'short-read']);
  });

  it('a configuration makes a codec string that the browser itself understands', async () => {
    const result = await inPage(`
      const sps = media.hexToBytes('6742c01ed900a42fe224c04400000fa40003a9803c58b920');
      const configuration = media.avcConfigurationFromParameterSets([sps], [media.hexToBytes('68cb83cb20')]);
      const audio = media.parseAudioSpecificConfig(media.hexToBytes('1210'));
      const codecs = media.avcCodecString(configuration) + ',' + media.aacCodecString(audio);
      return [codecs, MediaSource.isTypeSupported('video/mp4; codecs="' + codecs + '"')];
    `);
    expect(result).toEqual(['avc1.42c01e,mp4a.40.2', true]);
  });
});
