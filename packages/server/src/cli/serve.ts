import { networkInterfaces } from 'node:os';

import { SluiceServer, StartError } from '../app/index.ts';
import type { Config, ListenAddress } from '../config/index.ts';
import { createLog, type Log } from '../log/index.ts';

/** How long an orderly stop may take, ms, before the process ends all the same. */
const STOP_TIMEOUT_MS = 10_000;

/** Runs a server in the foreground until a signal stops it; answers the exit code. */
export async function serve(config: Config): Promise<number> {
  try {
    if (config.workDir !== '' && config.workDir !== './') process.chdir(config.workDir);
  } catch (error) {
    process.stderr.write(`sluice: work_dir ${config.workDir}: ${messageOf(error)}\n`);
    return 1;
  }
  let log: Log;
  try {
    log = createLog(config.log);
  } catch (error) {
    process.stderr.write(`sluice: srs_log_file ${config.log.file}: ${messageOf(error)}\n`);
    return 1;
  }
  const server = new SluiceServer(config, log);
  const stopped = stopSignal(log);
  explainSignals(log);
  try {
    await server.start();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`sluice: ${error.message}\n`);
    return 1;
  }
  announce(server, log);
  const signal = await stopped;
  log.info(`${signal}: stopping`);
  const giveUp = setTimeout(() => {
    log.error(`not stopped after ${STOP_TIMEOUT_MS} ms: leaving`);
    process.exit(1);
  }, STOP_TIMEOUT_MS);
  giveUp.unref();
  await server.close();
  clearTimeout(giveUp);
  log.info('stopped');
  return 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first signal stops in order, the second one at once. */
function stopSignal(log: Log): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const name of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR2'] as const) {
      process.on(name, () => {
        if (asked) {
          log.warn(`${name} again: leaving at once`);
          process.exit(1);
        }
        asked = true;
        resolve(name);
      });
    }
  });
}

/**
 * Signals that ask for what this version can't do. Unhandled, SIGHUP would end the process and SIGUSR1 would open
 * Node's debugger: operators who send them mean a reload and a new log file.
 */
function explainSignals(log: Log): void {
  const asked = { SIGHUP: 'reload of the configuration', SIGUSR1: 're-opening the log file' } as const;
  for (const name of ['SIGHUP', 'SIGUSR1'] as const) {
    process.on(name, () => {
      log.warn(`${name}: ${asked[name]} is not in this version: restart to apply a change`);
    });
  }
}

/** Says where to publish and where to watch. */
function announce(server: SluiceServer, log: Log): void {
  const { rtmp, http, api } = server.addresses;
  const hosts = ['localhost', ...localAddresses()];
  const lines = [
    `Sluice ${server.version} is ready, pid ${process.pid}, ${server.config.vhosts.size} vhosts`,
  ];
  for (const address of rtmp) {
    for (const host of hostsOf(address, hosts)) {
      lines.push(`publish to  rtmp://${host}${portOf(address, 1935)}/live/livestream`);
    }
  }
  for (const address of http) {
    for (const host of hostsOf(address, hosts))
      lines.push(`watch at    http://${host}${portOf(address, 80)}/`);
  }
  for (const address of api) {
    const [host = 'localhost'] = hostsOf(address, hosts);
    lines.push(`API at      http://${host}${portOf(address, 80)}/api/v1/versions`);
  }
  for (const line of lines) log.info(line);
}

function hostsOf(address: ListenAddress, all: readonly string[]): readonly string[] {
  const { host } = address;
  if (host === undefined || host === '0.0.0.0' || host === '::') return all;
  return [host.includes(':') ? `[${host}]` : host];
}

function portOf(address: ListenAddress, standard: number): string {
  return address.port === standard ? '' : `:${address.port}`;
}

/** IPv4 addresses of the machine that others may reach (G009). */
function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal)
    .map((address) => address.address);
}
