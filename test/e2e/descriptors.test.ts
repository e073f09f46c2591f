import { mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';

import { describe, expect, it, onTestFinished } from 'vitest';

import {
  freePorts,
  haveOpenssl,
  isListening,
  makeCertificate,
  openPlayer,
  openPublisher,
  runSluice,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const frame = { type: 9, timestamp: 0, body: Uint8Array.of(0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65) } as const;

/** Connections that the test opens and never reads from. */
class Crowd {
  readonly #sockets = new Set<Socket>();

  constructor() {
    onTestFinished(() => {
      this.leave();
    });
  }

  /** @returns whether the server took it: it answered, before it closed the connection */
  async add(port: number, request: string): Promise<boolean> {
    const socket = connect({ port, host: '127.0.0.1' });
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.write(request);
    return isAnswered(socket, 'readable');
  }

  leave(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Whether there is an answer, of which nothing more is read, before the server closes. */
async function isAnswered(socket: Socket, event: 'readable' | 'secureConnect'): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on(event, () => {
      // At an end there is nothing to read. What the server closes without an answer may also be reset.
      if (event === 'secureConnect' || socket.readableLength > 0) resolve(true);
      else socket.destroy();
    });
    socket.on('error', () => {
      resolve(false);
    });
    socket.on('close', () => {
      resolve(false);
    });
  });
}

/** Whether the server closes a new connection of a listener before it answers. */
async function isRefused(port: number, protocol: 'rtmp' | 'http' | 'tls'): Promise<boolean> {
  const address = { port, host: '127.0.0.1', rejectUnauthorized: false };
  const socket = protocol === 'tls' ? connectTls(address) : connect(address);
  if (protocol === 'http') socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  if (protocol === 'rtmp') socket.write(Buffer.concat([Buffer.of(3), Buffer.alloc(1536)]));
  try {
    return !(await isAnswered(socket, protocol === 'tls' ? 'secureConnect' : 'readable'));
  } finally {
    socket.destroy();
  }
}

describe('descriptors', { timeout: 180_000 }, () => {
  it.skipIf(!haveOpenssl)(
    'R002: when they run short the newest are refused at every listener, the others go on',
    async () => {
      const [rtmps = 0, https = 0, apiHttps = 0] = await freePorts(3);
      const tls = 'key test.key; cert test.crt;';
      const text = ({ rtmp, http, api }: { rtmp: number; http: number; api: number }): string => `
        listen ${rtmp}; max_connections 480; srs_log_tank console;
        rtmps { enabled on; listen ${rtmps}; ${tls} }
        http_api { enabled on; listen ${api}; https { enabled on; listen ${apiHttps}; ${tls} } }
        http_server { enabled on; listen ${http}; dir ./html; https { enabled on; listen ${https}; ${tls} } }
        vhost __defaultVhost__ {
          http_remux { enabled on; }
          publish { normal_timeout 600000; }
          hls { enabled on; hls_path ./hls; hls_fragment 1; }
          dvr { enabled on; dvr_path ./dvr/[stream].[timestamp].flv; }
        }`;
      const sluice = await startSluice({ openFiles: 512, config: text, prepare: prepareFolder });
      onTestFinished(() => sluice.stop());
      const { rtmp, http, api } = sluice.ports;
      const publisher = await openPublisher(rtmp, 'a');
      const player = await openPlayer(rtmp, 'a');
      publisher.sendMedia(frame);
      await player.untilMedia(1);

      const crowd = new Crowd();
      const files = Array.from({ length: 300 }, () => 'GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n');
      await Promise.all(files.map((request) => crowd.add(http, request)));
      const listeners = [
        [rtmp, 'rtmp'],
        [http, 'http'],
        [api, 'http'],
        [rtmps, 'tls'],
        [https, 'tls'],
        [apiHttps, 'tls'],
      ] as const;
      await waitFor(async () => {
        // Players stay. Others of the crowd may leave meanwhile: those who got no file are idle.
        while (await crowd.add(http, 'GET /live/a.flv HTTP/1.1\r\nHost: a\r\n\r\n'));
        const refused = await Promise.all(listeners.map(([port, protocol]) => isRefused(port, protocol)));
        return refused.every(Boolean) ? true : undefined;
      }, 'a new client is refused at every listener');
      for (let count = 2; count <= 20; count += 1) {
        publisher.sendMedia({ ...frame, timestamp: count * 40 });
        await player.untilMedia(count);
      }
      // A signal that opens a file does not fail either.
      sluice.process.kill('SIGHUP');
      sluice.process.kill('SIGUSR1');
      publisher.sendMedia({ ...frame, timestamp: 1000 });
      await player.untilMedia(21);

      crowd.leave();
      await waitFor(async () => {
        const file = await fetch(sluice.httpUrl('/small.txt')).catch(() => undefined);
        return (await file?.text()) === 'small' ? true : undefined;
      }, 'files are served again');
      for (const [port] of listeners) expect(await isListening(port)).toBe(true);
      const late = await openPlayer(rtmp, 'a');
      publisher.sendMedia({ ...frame, timestamp: 1040 });
      await late.untilMedia(1);
      const summaries = (await sluice.api('/api/v1/summaries')) as {
        readonly data: { readonly self: Readonly<Record<string, number>> };
      };
      expect(summaries.data.self['descriptor_refusals']).toBeGreaterThan(0);
      expect(summaries.data.self['internal_faults']).toBe(0);
    },
  );

  it('R002: the configuration of a newcomer starts where the system allows 1024', async () => {
    const sluice = await startSluice({ openFiles: 1024, root: 'max_connections 1000;' });
    expect((await fetch(sluice.httpUrl('/sluice.conf'))).status).toBe(404);
    await sluice.stop();
  });

  it.each([64, 256, 512])(
    'R002: with %i a start fails with one line that names the remedy',
    async (openFiles) => {
      const [port = 0] = await freePorts(1);
      const env = { SRS_LISTEN: String(port), SRS_MAX_CONNECTIONS: '1000', SRS_LOG_TANK: 'console' };
      const sluice = await runSluice(['-e'], { env, openFiles });
      expect(sluice.exit?.code).toBe(1);
      expect(sluice.stderr.trim().split('\n')).toHaveLength(1);
      expect(sluice.stderr).toContain('ulimit -n');
    },
  );
});

async function prepareFolder(folder: string): Promise<void> {
  await makeCertificate(folder, 'test', ['127.0.0.1']);
  await mkdir(join(folder, 'html'));
  await writeFile(join(folder, 'html', 'big.bin'), Buffer.alloc(8_000_000));
  await writeFile(join(folder, 'html', 'small.txt'), 'small');
}
