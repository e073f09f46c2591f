import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  freePorts,
  openPlayer,
  openPublisher,
  runSluice,
  RunningProcess,
  sluiceMain,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const folder = fileURLToPath(new URL('../../conf/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.conf'));
const frame = { type: 9, timestamp: 0, body: Uint8Array.of(0x17, 1, 0, 0, 0, 1, 2, 3) } as const;

describe('the shipped configuration files', () => {
  it('are there', () => {
    expect(files).toEqual(expect.arrayContaining(['full.conf', 'sluice.conf']));
  });

  it.each(files)('C001 C002 C003 G001: %s passes -t', async (name) => {
    const { exit, stderr } = await runSluice(['-t', '-c', folder + name]);
    expect(exit, stderr).toEqual({ code: 0, signal: undefined });
  });

  it.each(files)('%s starts, with its ports from the environment, and relays a stream', async (name) => {
    const [rtmp = 0, http = 0, api = 0] = await freePorts(3);
    const sluice = await startSluice({
      config: () => readFileSync(folder + name, 'utf8'),
      env: {
        SRS_LISTEN: String(rtmp),
        SRS_HTTP_SERVER_LISTEN: String(http),
        SRS_HTTP_API_LISTEN: String(api),
        SRS_LOG_TANK: 'console',
        // What a machine allows differs.
        SRS_MAX_CONNECTIONS: '100',
        // Certificates are for whoever uses the file to make; tls.test.ts has some.
        SRS_RTMPS_ENABLED: 'off',
        SRS_HTTP_SERVER_HTTPS_ENABLED: 'off',
        SRS_HTTP_API_HTTPS_ENABLED: 'off',
        // Nobody calls back here, and tokens are signed by who has the secret: gates.test.ts has both.
        SRS_VHOST_HTTP_HOOKS_ENABLED: 'off',
        SRS_VHOST_TOKEN_ENABLED: 'off',
      },
    });
    onTestFinished(() => sluice.stop());
    await sluice.logged(/is ready/);
    const pageUrl = 'http://www.example.com/watch.html';
    const player = await openPlayer(rtmp, 'a', { properties: { pageUrl } });
    const publisher = await openPublisher(rtmp, 'a');
    publisher.sendMedia(frame);
    expect((await player.untilMedia(1))[0]?.body).toEqual(frame.body);
    await Promise.all([player.close(), publisher.close()]);
  });
});

describe('the configuration of a server', () => {
  it('R016: the chunk size is announced, the one of the vhost before the one of the root', async () => {
    const sluice = await startSluice({
      root: 'chunk_size 4096;',
      vhost: '',
      config: ({ rtmp }) => `listen ${rtmp}; srs_log_tank console; chunk_size 4096;
        vhost __defaultVhost__ { }
        vhost big.example.com { chunk_size 65536; }`,
    });
    onTestFinished(() => sluice.stop());
    for (const [host, size] of [
      ['127.0.0.1', 4096],
      ['big.example.com', 65_536],
    ] as const) {
      const player = await openPlayer(sluice.ports.rtmp, 'a', { tcUrl: `rtmp://${host}/live` });
      const announced = player.messages.find(({ type }) => type === 1)?.payload;
      expect(Buffer.from(announced ?? []).readUInt32BE(0)).toBe(size);
      await player.close();
    }
  });

  it.each([
    ['C001', 'listen 1935; gop_cach on;', /gop_cach/],
    ['C001', 'listen 1935; vhost a { gop_cach on; }', /gop_cach.*did you mean `gop_cache`/s],
    ['C001', 'listen 1935;\nvhost a {', /:2/],
    ['R001', 'listen 0;', /listen/],
    ['R016', 'listen 1935; chunk_size 100;', /chunk_size/],
  ])('%s: refuses %j, and says why', async (_id, text, message) => {
    const error: unknown = await startSluice({ config: () => text }).then(
      async (sluice) => {
        await waitFor(() => sluice.process.exit, 'it ends');
        return new Error(sluice.process.describe('ended'));
      },
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(message);
  });

  it('C001: a file of SRS loads with its includes from the working directory and no CANDIDATE', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-conf-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    mkdirSync(join(folder, 'conf'));
    const gbk = Buffer.from([0x23, 0xd7, 0xa2, 0xca, 0xcd, 0x0a]);
    const main =
      'listen 1935\nmax_connections 1000;\nrtc_server { enabled on; candidate $CANDIDATE; }\ninclude ./conf/vhost.conf;\n';
    writeFileSync(join(folder, 'conf/main.conf'), Buffer.concat([gbk, Buffer.from(main)]));
    writeFileSync(join(folder, 'conf/vhost.conf'), 'vhost a { hls { enabled off; hls_later 1; } }\n');
    const check = new RunningProcess(process.execPath, [sluiceMain, '-t', '-c', 'conf/main.conf'], {
      cwd: folder,
      env: { CANDIDATE: undefined },
    });
    expect((await check.exited()).code, check.stderr).toBe(0);
    const lines = check.stdout.trim().split('\n');
    expect(lines.map((line) => line.replace(/^(\S+?:\d+:) .*$/, '$1').replace(`${folder}/`, ''))).toEqual([
      'conf/main.conf:4:',
      'conf/main.conf:2:',
      'conf/main.conf:4:',
      'conf/vhost.conf:1:',
      'conf/main.conf: the configuration is good',
    ]);
    expect(lines[0]).toContain('rtc_server is not supported, ignored');
  });

  it('R002 G013: more connections than the process may have descriptors is an error at the start', async () => {
    const [port = 0] = await freePorts(1);
    const sluice = new RunningProcess(process.execPath, [sluiceMain, '-e'], {
      env: { SRS_LISTEN: String(port), SRS_MAX_CONNECTIONS: '100000000', SRS_LOG_TANK: 'console' },
    });
    expect((await sluice.exited()).code).not.toBe(0);
    expect(sluice.stdout + sluice.stderr).toMatch(/max_connections/);
  });

  it('G001: the command line tells its version, its help and its mistakes', async () => {
    expect((await runSluice(['-v'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await runSluice(['-h'])).exit?.code).toBe(0);
    const unknown = await runSluice(['--no-such-flag']);
    expect(unknown.exit?.code).not.toBe(0);
    expect(unknown.stderr).toContain('--no-such-flag');
    const missing = await runSluice(['-c', '/no/such/file.conf']);
    expect(missing.exit?.code).not.toBe(0);
    expect(missing.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('G005: the log goes to a file, from a level on, in UTC', async () => {
    const sluice = await startSluice({
      config: ({ rtmp }, folder) => `listen ${rtmp}; daemon off; utc_time on;
        srs_log_tank file; srs_log_file ${folder}/logs/sluice.log; srs_log_level warn;
        vhost __defaultVhost__ { dash { enabled on; } }`,
    });
    onTestFinished(() => sluice.stop());
    const player = await openPlayer(sluice.ports.rtmp, 'a');
    await player.close();
    const lines = await waitFor(() => {
      const text = readFileSync(`${sluice.folder}/logs/sluice.log`, 'utf8');
      return text.endsWith('\n') ? text.trim().split('\n') : undefined;
    }, 'the log has lines');
    expect(sluice.log).toBe('');
    expect(lines.every((line) => /\[(warn|error)\]/.test(line))).toBe(true);
    expect(lines[0]).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[warn\]\[\d+\]\[-\] .*dash/);
    const [, stamp = ''] = /^\[([^\]]+)\]/.exec(lines[0] ?? '') ?? [];
    expect(Math.abs(Date.parse(`${stamp.replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(60_000);
  });

  it('G009: the addresses to publish to and to watch at are told at the start', async () => {
    const sluice = await startSluice();
    onTestFinished(() => sluice.stop());
    await sluice.logged(new RegExp(`publish to  rtmp://localhost:${sluice.ports.rtmp}/live/livestream`));
    await sluice.logged(new RegExp(`watch at    http://localhost:${sluice.ports.http}/`));
    const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    for (const { address, family, internal } of addresses) {
      if (family === 'IPv4' && !internal) await sluice.logged(new RegExp(`rtmp://${address}:`));
    }
  });

  it('G001: a port in use is one clear line', async () => {
    const first = await startSluice();
    onTestFinished(() => first.stop());
    const second = new RunningProcess(process.execPath, [sluiceMain, '-e'], {
      env: { SRS_LISTEN: String(first.ports.rtmp), SRS_LOG_TANK: 'console' },
    });
    expect((await second.exited()).code).not.toBe(0);
    expect(second.stderr).toMatch(new RegExp(`port ${first.ports.rtmp} is in use`));
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
  });
});
