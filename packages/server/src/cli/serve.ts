import { errorText } from '../error-text.ts';
import { SluiceServer, StartError } from '../app/index.ts';
import { background, reportInternalFault } from '../background.ts';
import type { Config, ConfigFile } from '../config/index.ts';
import type { EarlySignals } from '../early-signals.ts';
import { type Log, type OpenLog, openLog } from '../log/index.ts';
import { addressOwner, maskSecrets } from '../security/index.ts';
import {
  acquirePidFile,
  createServiceManager,
  ExitCode,
  findStarter,
  goesToBackground,
  letClientsFinish,
  pause,
  type PidFile,
  PidFileError,
  startInBackground,
  type Starter,
  StopRequests,
  watchParent,
} from '../service/index.ts';
import { announce } from './announce.ts';

/** How long an orderly stop may take, ms, before the process ends all the same. */
const STOP_TIMEOUT_MS = 10_000;

/** The surroundings are not fit for a server; the message names the directive. */
class SurroundingsError extends Error {
  override readonly name = 'SurroundingsError';
}

/**
 * Runs a server until it is asked to stop, or starts it in the background; answers the exit code.
 *
 * @param file - where the configuration was read from, for reloads and for changes by the API
 * @param signals - those that came before the server could act on them
 */
export async function serve(config: Config, file: ConfigFile, signals?: EarlySignals): Promise<number> {
  if (goesToBackground(config)) {
    const logsToConsole = config.log.tank === 'console';
    return startInBackground({
      logsToConsole,
      logName: logsToConsole ? 'its output' : config.log.file,
      onSpawned: () => signals?.passOn(),
    });
  }
  const starter = findStarter();
  const cleanUps: (() => void)[] = [];
  try {
    const atEnd = (cleanUp: () => void): void => {
      cleanUps.unshift(cleanUp);
    };
    return await serveHere(config, { file, starter, signals, atEnd });
  } catch (error) {
    const known =
      error instanceof SurroundingsError || error instanceof PidFileError || error instanceof StartError;
    if (!known) throw error;
    const code = isAlreadyRunning(error) ? ExitCode.alreadyRunning : ExitCode.failed;
    await starter.failed(error.message, code);
    return code;
  } finally {
    for (const cleanUp of cleanUps) cleanUp();
  }
}

/** What {@link serveHere} works with. */
interface Surroundings {
  readonly file: ConfigFile;
  readonly starter: Starter;
  readonly signals: EarlySignals | undefined;
  /** Takes what is to be done when the server has ended. */
  readonly atEnd: (cleanUp: () => void) => void;
}

async function serveHere(config: Config, { file, starter, signals, atEnd }: Surroundings): Promise<number> {
  enterWorkDir(config.workDir);
  let { limits } = config;
  const opened = openServerLog(config, () => limits.maxLogLinesPerSecond);
  const { log } = opened;
  atEnd(opened.sumUp);
  const isServing = { value: false };
  atEnd(catchFaults(log, isServing));
  let pidFile = takePidFile(config.pid, starter, log);
  atEnd(atExit(() => pidFile?.release()));
  const server = new SluiceServer(config, log, { file });
  const stops = new StopRequests({
    forceGraceful: () => server.config.forceGraceQuit,
    onImpatience: (by) => {
      log.warn(`${by} again: leaving at once`);
      process.exit(ExitCode.failed);
    },
  });
  atEnd(stops.listen());
  signals?.passOn(['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2']);
  server.onReconfigured((next, before) => {
    ({ limits } = next);
    goOnLogging(next, before, opened);
    if (next.pid !== before.pid) pidFile = movePidFile(next.pid, pidFile, log);
  });
  atEnd(reopenOnSignal(opened));
  signals?.passOn(['SIGUSR1']);
  if (config.asprocess) {
    const onGone = (parent: number): void => {
      stops.ask('fast', `asprocess: the parent process ${parent} is gone`);
    };
    atEnd(watchParent({ onGone }));
  }
  const manager = createServiceManager({ log });
  atEnd(() => manager.close());
  const trust = { lost: false };
  server.onUntrusted(() => {
    trust.lost = true;
    stops.ask('fast', 'too many internal faults');
  });
  await server.start();
  isServing.value = true;
  announce(server, log);
  // A reload needs a server that has started.
  atEnd(reloadOnHangUp(server));
  signals?.passOn(['SIGHUP']);
  starter.ready();
  manager.ready('serving');
  const { kind, by } = await stops.first;
  log.info(`${by}: stopping${kind === 'graceful' ? ' gracefully' : ''}`);
  manager.stopping(kind === 'graceful' ? 'connections may finish' : 'ending connections');
  if (kind === 'graceful') {
    const { graceStartWaitMs, graceTimeoutMs } = server.config;
    const times = { startWaitMs: graceStartWaitMs, timeoutMs: graceTimeoutMs };
    await letClientsFinish(server, { log, times, hurry: stops.hurry });
  }
  await closeInTime(server, log);
  if (kind === 'graceful') await pause(server.config.graceFinalWaitMs, stops.hurry);
  log.info('stopped');
  return trust.lost ? ExitCode.failed : ExitCode.stopped;
}

async function closeInTime(server: SluiceServer, log: Log): Promise<void> {
  const giveUp = setTimeout(() => {
    log.error(`not stopped after ${STOP_TIMEOUT_MS} ms: leaving`);
    process.exit(ExitCode.failed);
  }, STOP_TIMEOUT_MS);
  giveUp.unref();
  await server.close();
  clearTimeout(giveUp);
}

function enterWorkDir(workDir: string): void {
  try {
    if (workDir !== '' && workDir !== './') process.chdir(workDir);
  } catch (error) {
    throw new SurroundingsError(`work_dir ${workDir}: ${errorText(error)}`, { cause: error });
  }
}

function openServerLog(config: Config, linesPerAddress: () => number): OpenLog {
  try {
    return openLog(config.log, { mask: maskSecrets, linesPerAddress, addressOwner });
  } catch (error) {
    const message = `srs_log_file ${config.log.file}: ${errorText(error)}`;
    throw new SurroundingsError(message, { cause: error });
  }
}

/** A reload has changed the log (C005). */
function goOnLogging(next: Config, before: Config, { log, reconfigure }: OpenLog): void {
  if (JSON.stringify(next.log) === JSON.stringify(before.log)) return;
  try {
    reconfigure(next.log);
  } catch (error) {
    log.error(`srs_log_file ${next.log.file}: ${errorText(error)}: the log goes on where it is`);
  }
}

/** In front, a place that may not be written to is no reason not to serve: somebody else looks after the process. */
function takePidFile(path: string, starter: Starter, log: Log): PidFile | undefined {
  try {
    const pidFile = acquirePidFile(path);
    if (pidFile?.stale !== undefined) {
      log.warn(`pid ${path}: taken over from process ${pidFile.stale}, which is gone`);
    }
    return pidFile;
  } catch (error) {
    if (!(error instanceof PidFileError) || error.code !== 'pid-file-denied' || starter.inBackground)
      throw error;
    log.warn(`no pid file: ${error.message}`);
    return undefined;
  }
}

/** A reload has named another pid file (C005). */
function movePidFile(path: string, held: PidFile | undefined, log: Log): PidFile | undefined {
  try {
    const next = acquirePidFile(path);
    held?.release();
    return next;
  } catch (error) {
    log.error(`the pid file stays where it is: ${errorText(error)}`);
    return held;
  }
}

/** Whatever ends the process, this is done. */
function atExit(cleanUp: () => void): () => void {
  process.on('exit', cleanUp);
  return () => {
    process.off('exit', cleanUp);
    cleanUp();
  };
}

/**
 * Takes what timers, listeners and promises throw. While the server starts or has stopped, that ends the process; a
 * server that serves counts and logs it, and continues.
 */
function catchFaults(log: Log, isServing: { readonly value: boolean }): () => void {
  const onFault = (error: unknown, origin: string): void => {
    if (isServing.value) {
      reportInternalFault({ what: origin, error });
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    try {
      log.fatal(`a fault of the server: ${text}`);
    } finally {
      process.stderr.write(`sluice: ${text}\n`);
      process.exit(ExitCode.failed);
    }
  };
  process.on('uncaughtException', onFault);
  return () => process.off('uncaughtException', onFault);
}

/** SIGUSR1 opens the log file anew, after a rotation (G003). Unhandled, it would open Node's debugger. */
function reopenOnSignal({ log, reopen }: OpenLog): () => void {
  return onSignal('SIGUSR1', () => {
    try {
      reopen();
      log.info('SIGUSR1: the log file is opened anew');
    } catch (error) {
      log.error(`SIGUSR1: the log goes on where it is: ${errorText(error)}`);
    }
  });
}

/** SIGHUP reads the configuration again (C004). */
function reloadOnHangUp(server: SluiceServer): () => void {
  return onSignal('SIGHUP', () => {
    background('SIGHUP', server.reload('SIGHUP'));
  });
}

/**
 * Does the work once for all signals that have come in one turn of the event loop. libuv has room for some 4,000 signals that
 * were not taken yet and drops further ones, one that stops the server, too: taking them has to be quick.
 */
function onSignal(signal: NodeJS.Signals, work: () => void): () => void {
  let pending: NodeJS.Immediate | undefined;
  const listener = (): void => {
    pending ??= setImmediate(() => {
      pending = undefined;
      work();
    });
  };
  process.on(signal, listener);
  return () => {
    process.off(signal, listener);
    clearImmediate(pending);
  };
}

function isAlreadyRunning(error: Error): boolean {
  return error instanceof PidFileError && error.code === 'already-running';
}
