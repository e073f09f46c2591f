import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  freePort,
  isListening,
  openPlayer,
  openPublisher,
  RtmpPeer,
  RunningProcess,
  sluiceMain,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const frame = { type: 9, timestamp: 0, body: Uint8Array.of(0x17, 1, 0, 0, 0, 1, 2, 3) } as const;
const folders: string[] = [];
const servers: number[] = [];

afterEach(() => {
  for (const pid of servers.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Whether a process runs. One that has ended counts as gone, also where nobody asks for its exit code. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A folder with a configuration as SRS's users have it: it says nothing of `daemon`, and paths are relative. */
class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-service-'));
  readonly port: number;

  constructor(port: number, more = '') {
    this.port = port;
    folders.push(this.folder);
    writeFileSync(
      join(this.folder, 'srs.conf'),
      `listen ${port}; max_connections 1000; srs_log_tank file; srs_log_file ./objs/srs.log;\n${more}\nvhost __defaultVhost__ { publish { normal_timeout 600000; } }\n`,
    );
  }

  /** Runs the command to its end. */
  async command(env: Readonly<Record<string, string>> = {}): Promise<RunningProcess> {
    const command = new RunningProcess(process.execPath, [sluiceMain, '-c', 'srs.conf'], {
      cwd: this.folder,
      env,
    });
    await command.exited();
    if (this.hasPidFile && !servers.includes(this.pid)) servers.push(this.pid);
    return command;
  }

  get hasPidFile(): boolean {
    return existsSync(join(this.folder, 'objs/srs.pid'));
  }

  get pid(): number {
    return Number(readFileSync(join(this.folder, 'objs/srs.pid'), 'utf8'));
  }

  get log(): string {
    return readFileSync(join(this.folder, 'objs/srs.log'), 'utf8');
  }

  async ended(pid: number): Promise<void> {
    await waitFor(() => (isAlive(pid) ? undefined : true), `process ${pid} is gone`);
  }
}

describe('the server in the background', () => {
  it('G002 a file without `daemon off`: the command ends when the server listens', async () => {
    const place = new Place(await freePort());
    const command = await place.command();
    expect([command.exit?.code, command.stdout, command.stderr]).toEqual([0, '', '']);
    expect(await isListening(place.port)).toBe(true);
    const { pid } = place;
    expect(pid).not.toBe(command.pid);
    expect(readFileSync(join(place.folder, 'objs/srs.pid'), 'utf8')).toBe(`${pid}\n`);
    expect(place.log).toContain(`][${pid}][-] Sluice`);
    const player = await openPlayer(place.port, 'a');
    const publisher = await openPublisher(place.port, 'a');
    publisher.sendMedia(frame);
    expect((await player.untilMedia(1))[0]?.body).toEqual(frame.body);
    process.kill(pid, 'SIGTERM');
    await place.ended(pid);
    expect(place.hasPidFile).toBe(false);
    expect(place.log).toMatch(/SIGTERM: stopping.*stopped\n$/s);
  });

  it('G002 a second start with the same pid file: already running, and the first one goes on', async () => {
    const place = new Place(await freePort());
    await place.command();
    const { pid } = place;
    const second = await place.command();
    expect(second.exit?.code).toBe(1035 & 0xff);
    expect(second.stderr).toMatch(
      new RegExp(`^sluice: already running, pid ${pid} \\(1035\\).*objs/srs\\.pid.*\n$`),
    );
    const inFront = await place.command({ SRS_DAEMON: 'off' });
    expect(inFront.exit?.code).toBe(1035 & 0xff);
    expect(place.pid).toBe(pid);
    expect(await isListening(place.port)).toBe(true);
  });

  it('G002 the pid file of a server that was killed is taken over', async () => {
    const place = new Place(await freePort());
    await place.command();
    const { pid } = place;
    process.kill(pid, 'SIGKILL');
    await place.ended(pid);
    expect(place.pid).toBe(pid);
    const again = await place.command();
    expect([again.exit?.code, again.stderr]).toEqual([0, '']);
    expect(place.pid).not.toBe(pid);
    expect(place.log).toContain(`taken over from process ${pid}, which is gone`);
  });

  it('G002 what is wrong is told by the command: a port in use, one line, exit 1', async () => {
    const first = new Place(await freePort());
    await first.command();
    const second = new Place(first.port);
    const command = await second.command();
    expect(command.exit?.code).toBe(1);
    expect(command.stderr).toMatch(new RegExp(`^sluice: RTMP port ${first.port} is in use: .*\n$`));
    expect(second.hasPidFile).toBe(false);
  });

  it('G002 a pid file that can not be made is told by the command', async () => {
    const place = new Place(await freePort(), 'pid ./srs.conf/srs.pid;');
    const command = await place.command();
    expect(command.exit?.code).toBe(1);
    expect(command.stderr).toMatch(/^sluice: pid \.\/srs\.conf\/srs\.pid: .*`pid`\n$/);
  });

  it('G003 C005 SIGUSR1 opens the log anew, and a reload moves log and pid file', async () => {
    const place = new Place(await freePort());
    await place.command();
    const { pid } = place;
    const log = join(place.folder, 'objs/srs.log');
    renameSync(log, `${log}.1`);
    process.kill(pid, 'SIGUSR1');
    await waitFor(
      () => (existsSync(log) && place.log.endsWith('\n') ? true : undefined),
      'there is a new log',
    );
    expect(place.log).toMatch(/^\[[^\n]*SIGUSR1: the log file is opened anew\n$/);
    const config = join(place.folder, 'srs.conf');
    const text = readFileSync(config, 'utf8').replace('./objs/srs.log', './logs/other.log');
    writeFileSync(config, `pid ./run/other.pid;\n${text}`);
    process.kill(pid, 'SIGHUP');
    const other = join(place.folder, 'run/other.pid');
    await waitFor(
      () => (readFileSync(other, 'utf8') === `${pid}\n` ? true : undefined),
      'the pid file is elsewhere',
    );
    await waitFor(() => (place.hasPidFile ? undefined : true), 'the old pid file is gone');
    process.kill(pid, 'SIGTERM');
    await place.ended(pid);
    expect(existsSync(other)).toBe(false);
    expect(readFileSync(join(place.folder, 'logs/other.log'), 'utf8')).toMatch(/stopped\n$/);
  });

  it('G005 a log on a full disk takes nobody the server', async () => {
    const place = new Place(await freePort());
    const config = join(place.folder, 'srs.conf');
    writeFileSync(config, readFileSync(config, 'utf8').replace('./objs/srs.log', '/dev/full'));
    expect((await place.command()).exit?.code).toBe(0);
    const player = await openPlayer(place.port, 'a');
    const publisher = await openPublisher(place.port, 'a');
    publisher.sendMedia(frame);
    await player.untilMedia(1);
    await Promise.all([player.close(), publisher.close()]);
    const { pid } = place;
    process.kill(pid, 'SIGTERM');
    await place.ended(pid);
    expect(place.hasPidFile).toBe(false);
  });
});

describe('signals', () => {
  async function serverWithClients(root: string) {
    const sluice = await startSluice({ root, vhost: 'publish { normal_timeout 600000; }' });
    onTestFinished(async () => {
      if (sluice.process.exit === undefined) await sluice.stop();
      rmSync(sluice.folder, { recursive: true, force: true });
    });
    const player = await openPlayer(sluice.ports.rtmp, 'a');
    const publisher = await openPublisher(sluice.ports.rtmp, 'a');
    publisher.sendMedia(frame);
    await player.untilMedia(1);
    return { sluice, player, publisher };
  }

  it('G003 SIGQUIT: nobody comes, those that are there finish, then it ends', async () => {
    const root = 'grace_start_wait 0; grace_final_wait 0;';
    const { sluice, player, publisher } = await serverWithClients(root);
    sluice.process.kill('SIGQUIT');
    await sluice.logged(/SIGQUIT: stopping gracefully/);
    await sluice.logged(/stopped listening; 2 connections/);
    await expect(RtmpPeer.open(sluice.ports.rtmp)).rejects.toThrow();
    await waitFor(
      async () => ((await isListening(sluice.ports.http)) ? undefined : true),
      'HTTP listens no more',
    );
    publisher.sendMedia({ ...frame, timestamp: 40 });
    await player.untilMedia(2);
    await publisher.close();
    await player.close();
    await sluice.process.succeeded();
    expect(sluice.log).not.toContain('have not finished');
  });

  it('G003 SIGQUIT: who has not finished within grace_timeout is ended', async () => {
    const root = 'grace_start_wait 0; grace_final_wait 0; grace_timeout 0.5;';
    const { sluice, player } = await serverWithClients(root);
    sluice.process.kill('SIGQUIT');
    await player.untilClosed();
    await sluice.process.succeeded();
    expect(sluice.log).toContain('2 connections have not finished in time: ending them');
    expect(sluice.log).toContain('closed: server-shutdown');
  });

  it('G003 SIGTERM makes a graceful stop a fast one', async () => {
    const { sluice, player } = await serverWithClients('grace_start_wait 60000;');
    sluice.process.kill('SIGQUIT');
    await sluice.logged(/SIGQUIT: stopping gracefully/);
    sluice.process.kill('SIGTERM');
    await player.untilClosed();
    await sluice.process.succeeded();
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGUSR2'] as const)('G003 %s: ends in order, at once', async (signal) => {
    const { sluice, player, publisher } = await serverWithClients('');
    sluice.process.kill(signal);
    await Promise.all([player.untilClosed(), publisher.untilClosed()]);
    await sluice.process.succeeded();
    expect(sluice.log).toContain(`${signal}: stopping\n`);
  });

  it('G003 force_grace_quit: SIGTERM is graceful', async () => {
    const root = 'force_grace_quit on; grace_start_wait 0; grace_final_wait 0; grace_timeout 0.2;';
    const { sluice } = await serverWithClients(root);
    sluice.process.kill('SIGTERM');
    await sluice.logged(/SIGTERM: stopping gracefully/);
    await sluice.process.succeeded();
  });

  it('C007 asprocess: the server goes when the process that started it goes', async () => {
    const place = new Place(await freePort(), 'asprocess on; daemon off;');
    const script = `require('node:child_process').spawn(process.execPath, [${JSON.stringify(sluiceMain)}, '-c', 'srs.conf'], { stdio: 'ignore', detached: true });
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', script], { cwd: place.folder, stdio: 'ignore' });
    onTestFinished(() => void parent.kill('SIGKILL'));
    await waitFor(async () => ((await isListening(place.port)) ? true : undefined), 'it listens');
    const pid = await waitFor(() => place.pid || undefined, 'the pid file is written');
    servers.push(pid);
    parent.kill('SIGKILL');
    await place.ended(pid);
    expect(place.log).toMatch(/asprocess: the parent process \d+ is gone: stopping/);
    expect(place.hasPidFile).toBe(false);
  });
});
