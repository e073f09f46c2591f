import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';

import { HttpCaller } from './http-caller.ts';
import { InformationalFilter } from './informational.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0';

describe('InformationalFilter', () => {
  const cases: readonly (readonly [string, string])[] = [
    [OK, OK],
    [CONTINUE + OK, OK],
    [CONTINUE + HINTS + CONTINUE + OK, OK],
    ['HTTP/1.1 404 x\r\n\r\n', 'HTTP/1.1 404 x\r\n\r\n'],
    ['HTTP/1.1 101 Switching\r\n\r\n', 'HTTP/1.1 101 Switching\r\n\r\n'],
    ['no HTTP at all', 'no HTTP at all'],
    // What is in the body is nobody's head.
    [OK + CONTINUE, OK + CONTINUE],
  ];

  it.each(cases)('K002 %j is read as %j, whole and byte by byte', (sent, got) => {
    const whole = new InformationalFilter();
    whole.requested();
    expect(whole.take(Buffer.from(sent)).toString()).toBe(got);
    const bytewise = new InformationalFilter();
    bytewise.requested();
    let text = '';
    for (const byte of Buffer.from(sent)) text += bytewise.take(Buffer.of(byte)).toString();
    expect(text).toBe(got);
  });

  it('K002 a head without an end is left to the parser, and idle bytes pass', () => {
    const filter = new InformationalFilter();
    expect(filter.take(Buffer.from(CONTINUE)).toString()).toBe(CONTINUE);
    filter.requested();
    const endless = Buffer.from(`HTTP/1.1 100 ${'x'.repeat(20_000)}`);
    expect(filter.take(endless)).toHaveLength(endless.length);
  });
});

describe('HttpCaller', () => {
  it('K003 a server that is not there fails the call, and nothing else', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close();
    await once(server, 'close');
    const caller = new HttpCaller({ connections: 1, maxOpen: 10, maxAnswerBytes: 1000 });
    onTestFinished(() => caller.close());
    const call = { method: 'POST', url: `http://127.0.0.1:${port}/`, body: '{}', timeoutMs: 5000 } as const;
    await expect(caller.call(call)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it.each([
    ['100', CONTINUE],
    ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103', HINTS],
    ['several', CONTINUE + HINTS + CONTINUE],
  ])('K002 a %s before an answer is fine, on a connection that is used again', async (_name, before) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('data', (bytes) => {
        if (!bytes.toString().endsWith('{}')) return;
        socket.write(before);
        setImmediate(() => socket.write(OK));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const caller = new HttpCaller({ connections: 1, maxOpen: 10, maxAnswerBytes: 1000 });
    onTestFinished(async () => {
      await caller.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    for (let round = 0; round < 3; round += 1) {
      const call = { method: 'POST', url: `http://127.0.0.1:${port}/`, body: '{}', timeoutMs: 5000 } as const;
      expect(await caller.call(call)).toEqual({ status: 200, body: '0' });
    }
    expect(sockets.size).toBe(1);
  });
});
