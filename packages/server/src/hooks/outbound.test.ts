import { describe, expect, it, onTestFinished } from 'vitest';

import { OutboundRule } from '../security/index.ts';
import { HttpCaller } from './http-caller.ts';
import { TestServer } from './test-kit.ts';

async function setUp(allowed: readonly string[] = []) {
  const server = new TestServer((response) => {
    response.writeHead(302, { location: 'http://169.254.169.254/latest/' });
    response.end();
  });
  await server.up();
  const caller = new HttpCaller({
    connections: 1,
    maxOpen: 10,
    maxAnswerBytes: 1_000,
    outbound: { rule: new OutboundRule(() => allowed), isLimited: (url) => url.includes('by-api') },
  });
  onTestFinished(async () => {
    await caller.close();
    await server.down();
  });
  return { server, caller };
}

function get(url: string) {
  return { method: 'GET', url, timeoutMs: 5_000 } as const;
}

describe('URLs that were set by the API (SSRF)', () => {
  it('K001 do not reach the own machine, neither by its address nor by a name of it', async () => {
    const { server, caller } = await setUp();
    const byAddress = server.url('/by-api');
    const byName = byAddress.replace('127.0.0.1', 'localhost');
    await expect(caller.call(get(byAddress))).rejects.toMatchObject({ code: 'refused' });
    await expect(caller.call(get(byName))).rejects.toThrow(/not a public address/);
    await expect(caller.call({ ...get(server.url('/x')), limited: true })).rejects.toMatchObject({
      code: 'refused',
    });
    expect(server.received).toEqual([]);
    expect(caller.open).toBe(0);
  });

  it('K001 those of the file do, and so do private addresses that `outbound` names', async () => {
    const own = await setUp();
    expect((await own.caller.call(get(own.server.url('/x')))).status).toBe(302);
    const allowed = await setUp(['127.0.0.0/8', '::1']);
    const url = allowed.server.url('/by-api');
    expect((await allowed.caller.call(get(url))).status).toBe(302);
    expect((await allowed.caller.call(get(url.replace('127.0.0.1', 'localhost')))).status).toBe(302);
  });
});
