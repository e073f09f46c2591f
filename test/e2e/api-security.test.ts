import { request as httpRequest } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openPublisher, startSluice, type SluiceUnderTest, waitFor } from '../harness/index.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly cors: string | undefined;
}

/** Asks with exactly these headers: `fetch` adds some of its own. */
function ask(
  port: number,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => {
        const cors = response.headers['access-control-allow-origin'];
        resolve({ status: response.statusCode ?? 0, body, cors });
      });
    });
    request.on('error', reject).end();
  });
}

describe('the API and web pages', () => {
  let sluice: SluiceUnderTest;

  beforeAll(async () => {
    sluice = await startSluice();
  });

  afterAll(async () => {
    await sluice.stop();
  });

  it('A006 a foreign page kicks nobody, a script does', async () => {
    const { api } = sluice.ports;
    const publisher = await openPublisher(sluice.ports.rtmp, 'kicked');
    await sluice.published('kicked');
    const { clients } = (await sluice.api('/api/v1/clients')) as {
      readonly clients: readonly { readonly id: string }[];
    };
    const path = `/api/v1/clients/${clients[0]?.id ?? ''}`;
    const evil = { Origin: 'http://evil.example' };
    const rebound = { Host: `evil.example:${api}`, Origin: `http://evil.example:${api}` };
    expect((await ask(api, path, 'DELETE', evil)).status).toBe(403);
    expect((await ask(api, path, 'DELETE', rebound)).status).toBe(403);
    expect((await ask(api, `${path}?method=DELETE`, 'GET', { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(
      403,
    );
    expect((await ask(api, `${path}?method=DELETE`, 'GET', { 'Accept-Language': 'en' })).status).toBe(403);
    expect(await sluice.api(path)).toMatchObject({ code: 0 });
    expect((await ask(api, `${path}?method=DELETE`)).status).toBe(200);
    await waitFor(async () => {
      const { code } = (await sluice.api(path)) as { readonly code: number };
      return code === 2049 || undefined;
    }, 'the publisher is gone');
    await publisher.close();
  });

  it('A001 H015 foreign pages read the version, and no streams, on both ports; media is for all', async () => {
    const { api, http } = sluice.ports;
    const headers = { Origin: 'http://evil.example' };
    for (const port of [api, http]) {
      expect(await ask(port, '/api/v1/versions', 'GET', headers)).toMatchObject({ status: 200, cors: '*' });
      expect(await ask(port, '/api/v1/streams', 'GET', headers)).toMatchObject({
        status: 200,
        cors: undefined,
      });
      expect(
        (await ask(port, '/api/v1/streams?callback=f', 'GET', { 'Sec-Fetch-Site': 'cross-site' })).status,
      ).toBe(403);
    }
    expect((await ask(http, '/', 'GET', headers)).cors).toBe('*');
    expect((await ask(api, '/api/v1/streams', 'OPTIONS', headers)).status).toBe(405);
    expect((await ask(http, '/live/x.flv', 'OPTIONS', headers)).status).toBe(200);
  });
});
