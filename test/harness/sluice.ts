import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, isListening } from './ports.ts';
import { LIMIT_MS, RunningProcess, waitFor } from './process.ts';

/** The built command line. */
export const sluiceMain = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url));

/** A port that was free may be taken by the time the server wants it: so often other ones are tried. */
const MAX_STARTS = 3;

/** Folders of servers that have not been stopped. */
const folders = new Set<string>();

/** Removes what servers that nobody stopped left behind; the set-up of the tests calls it after each file. */
export async function removeLeftFolders(): Promise<void> {
  await Promise.all([...folders].map(removeFolder));
}

async function removeFolder(folder: string): Promise<void> {
  folders.delete(folder);
  // What a killed server's programs still write must not fail the test.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** The ports of one server under test. */
export interface SluicePorts {
  readonly rtmp: number;
  readonly http: number;
  readonly api: number;
}

export interface StartOptions {
  /** The whole configuration file, in place of the default one below. */
  readonly config?: (ports: SluicePorts, folder: string) => string;
  /** Lines added to the default configuration at its root. */
  readonly root?: string;
  /** Lines added to the default vhost of the default configuration. */
  readonly vhost?: string;
  /** More arguments than `-c FILE`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Arguments of Node itself, such as `--expose-gc`. */
  readonly nodeArgs?: readonly string[];
  /** The most open files that the system allows it. Default: as many as this process. */
  readonly openFiles?: number;
  /** Puts files into the server's folder before it starts. */
  readonly prepare?: (folder: string) => Promise<void>;
}

/** A real server, built and in a process of its own, with a folder of its own. */
export class SluiceUnderTest {
  readonly process: RunningProcess;
  readonly ports: SluicePorts;
  /** Its working folder; gone after `stop`. */
  readonly folder: string;

  constructor(process: RunningProcess, ports: SluicePorts, folder: string) {
    this.process = process;
    this.ports = ports;
    this.folder = folder;
  }

  /** Everything that it wrote so far. */
  get log(): string {
    return this.process.stdout + this.process.stderr;
  }

  rtmpUrl(stream: string, app = 'live'): string {
    return `rtmp://127.0.0.1:${this.ports.rtmp}/${app}/${stream}`;
  }

  /** The URL of a path, such as `/live/livestream.flv`, on the HTTP server. */
  httpUrl(path: string): string {
    return `http://127.0.0.1:${this.ports.http}${path}`;
  }

  wsUrl(path: string): string {
    return `ws://127.0.0.1:${this.ports.http}${path}`;
  }

  /** The JSON answer of the API to a path such as `/api/v1/streams`. */
  async api(path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.ports.api}${path}`);
    return response.json();
  }

  /** Waits until a line of the log matches and gives the match back. */
  async logged(pattern: RegExp, limitMs = LIMIT_MS): Promise<RegExpMatchArray> {
    return waitFor(
      () => this.log.match(pattern) ?? undefined,
      `the log has ${String(pattern)}`,
      limitMs,
    ).catch((error: unknown) => {
      throw new Error(this.process.describe(error instanceof Error ? error.message : String(error)));
    });
  }

  /** Waits until the API lists a stream of this name with a publisher. */
  async published(stream: string, limitMs = LIMIT_MS): Promise<void> {
    await waitFor(
      async () => {
        const answer = (await this.api('/api/v1/streams?count=10000')) as {
          readonly streams?: readonly {
            readonly name?: string;
            readonly publish?: { readonly active?: boolean };
          }[];
        };
        return answer.streams?.some((one) => one.name === stream && one.publish?.active === true)
          ? true
          : undefined;
      },
      `the stream ${stream} is published`,
      limitMs,
    );
  }

  /** Ends it with SIGTERM; rejects, with its log, unless it drains and exits 0 within the limit. */
  async stop(limitMs = LIMIT_MS): Promise<void> {
    try {
      if (this.process.exit === undefined) this.process.kill('SIGTERM');
      await this.process.succeeded(limitMs);
    } finally {
      await removeFolder(this.folder);
    }
  }
}

/**
 * Starts a server on free ports of this machine and waits until it listens.
 * Whoever starts one stops it: `onTestFinished(() => sluice.stop())`.
 */
export async function startSluice(options: StartOptions = {}): Promise<SluiceUnderTest> {
  for (let start = 1; ; start++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const lostItsPort = error instanceof Error && /port \d+ is in use/.test(error.message);
      if (!lostItsPort || start === MAX_STARTS) throw error;
    }
  }
}

async function startOnce(options: StartOptions): Promise<SluiceUnderTest> {
  const [rtmp = 0, http = 0, api = 0] = await freePorts(3);
  const ports = { rtmp, http, api };
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  folders.add(folder);
  await options.prepare?.(folder);
  const file = join(folder, 'sluice.conf');
  const text = options.config?.(ports, folder) ?? defaultConfig(ports, options);
  await writeFile(file, text);
  const command = [...(options.nodeArgs ?? []), sluiceMain, '-c', file, ...(options.args ?? [])];
  const [program, args] = withOpenFiles(options.openFiles, command);
  const server = new RunningProcess(
    program,
    args,
    // In front, whatever the configuration says or leaves out: it is this process's to stop.
    { cwd: folder, env: { SRS_DAEMON: 'off', ...options.env } },
  );
  const sluice = new SluiceUnderTest(server, ports, folder);
  try {
    // Only the ports that the configuration names.
    for (const port of Object.values(ports)) {
      if (!text.includes(String(port))) continue;
      await waitFor(
        async () => (server.exit !== undefined || (await isListening(port)) ? true : undefined),
        `port ${port} is listened on`,
      );
      if (server.exit !== undefined) throw new Error('it ended');
    }
  } catch (error) {
    server.kill('SIGKILL');
    await server.exited();
    await removeFolder(folder);
    throw new Error(server.describe('did not start'), { cause: error });
  }
  return sluice;
}

/** @returns Node with its arguments, where a limit is given by way of a shell that sets it */
function withOpenFiles(
  limit: number | undefined,
  args: readonly string[],
): [program: string, args: readonly string[]] {
  if (limit === undefined) return [process.execPath, args];
  return ['sh', ['-c', `ulimit -n ${limit}; exec "$0" "$@"`, process.execPath, ...args]];
}

/** Runs the command line to its end, for `-t`, `-v` and what is refused. */
export async function runSluice(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly limitMs?: number;
    readonly openFiles?: number;
  } = {},
): Promise<RunningProcess> {
  const [program, words] = withOpenFiles(options.openFiles, [sluiceMain, ...args]);
  const server = new RunningProcess(program, words, options.env === undefined ? {} : { env: options.env });
  await server.exited(options.limitMs);
  return server;
}

function defaultConfig(ports: SluicePorts, options: StartOptions): string {
  return `listen ${ports.rtmp};
srs_log_tank console;
http_api { enabled on; listen ${ports.api}; }
http_server { enabled on; listen ${ports.http}; dir ./; }
${options.root ?? ''}
vhost __defaultVhost__ {
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
  ${options.vhost ?? ''}
}
`;
}
