import type { LiveHub } from '../live/index.ts';
import {
  type Config,
  type ConfigChange,
  type ConfigFile,
  keepUnchanged,
  planReload,
  reloadProblem,
} from '../config/index.ts';
import type { Log } from '../log/index.ts';
import type { FinishedFile } from '../sinks/dvr/index.ts';
import type { HlsSegmentEvent } from '../sinks/hls/index.ts';
import type { ServerAddresses } from './addresses.ts';
import { ConfigChanges } from './config-changes.ts';
import { checkDescriptors } from './descriptors.ts';
import { guardWarnings } from './guard-warnings.ts';
import { Reloader, ReloadError, type ReloadResult } from './reload.ts';
import { createRooms, type Rooms } from './rooms.ts';
import { packageVersion } from './version.ts';

/** What a server is made with, besides its configuration. */
export interface ServerSources {
  /** Reads the configuration anew, for a reload; throws ConfigError. Without it, and without a file, there is none. */
  readonly load?: (() => Config) | undefined;
  /** The file that the configuration was loaded from, for reloads and for changes by the API. Instead of `load`. */
  readonly file?: ConfigFile | undefined;
}

/** A whole server: its life from start to close, and the configurations that it goes through. */
export class SluiceServer {
  readonly version = packageVersion();
  #config: Config;
  readonly #log: Log;
  readonly #rooms: Rooms;
  readonly #reloader: Reloader;
  readonly #reconfiguredListeners = new Set<(config: Config, before: Config) => void>();
  #applying: Promise<unknown> = Promise.resolve();
  /** Another configuration can be taken. */
  #running = false;
  #closing: Promise<void> | undefined;

  constructor(config: Config, log: Log, { file, load = file?.load.bind(file) }: ServerSources = {}) {
    this.#config = config;
    this.#log = log;
    this.#reloader = new Reloader({
      log,
      load: () => {
        if (load !== undefined) return load();
        throw new ReloadError('no-configuration-file', 'the server was not made from a configuration file');
      },
      apply: (next) => this.apply(next),
      onReloaded: (next) => file?.accept(next),
    });
    this.#rooms = createRooms({
      version: this.version,
      log,
      config: () => this.#config,
      configFiles: () => file?.files ?? [],
      control: {
        kick: (id) => this.kick(id),
        reload: () => this.reload('API'),
        changes: new ConfigChanges({
          log,
          file,
          reloader: this.#reloader,
          config: () => this.#config,
          apply: (next) => this.apply(next),
        }),
      },
    });
  }

  get config(): Config {
    return this.#config;
  }

  get addresses(): ServerAddresses {
    return this.#rooms.doors.addresses(this.#config);
  }

  /** The streams that are published or played now. */
  get streams(): LiveHub {
    return this.#rooms.hub;
  }

  /** Ends a client by its session id, with the reason `kicked`; false when there is none. */
  kick(id: string): boolean {
    return this.#rooms.clients.kick(id);
  }

  /**
   * Tells of each HLS segment that is whole, on disk where it goes there.
   *
   * @returns stops it
   */
  onSegment(listener: (segment: HlsSegmentEvent) => void): () => void {
    return this.#rooms.sinks.hls.onSegment(listener);
  }

  /**
   * Tells of each recording that is finished and has its name.
   *
   * @returns stops it
   */
  onRecording(listener: (file: FinishedFile) => void): () => void {
    return this.#rooms.sinks.onRecording(listener);
  }

  /**
   * Listens on every address of the configuration, or on none of them.
   *
   * @throws StartError
   */
  async start(): Promise<void> {
    const shortage = checkDescriptors(this.#config.maxConnections, this.#rooms.descriptors.limit);
    if (shortage !== undefined) this.#log.warn(shortage);
    const { inactive, warnings } = this.#config;
    if (inactive.length > 0) {
      const names = inactive.map(({ path, line }) => `${path} (line ${line})`).join(', ');
      this.#log.warn(`not supported, ignored: ${names}`);
    }
    for (const warning of warnings) this.#log.warn(warning.message);
    for (const warning of guardWarnings(this.#config)) this.#log.warn(warning);
    const { doors, sinks, ingests, observation } = this.#rooms;
    try {
      (await doors.prepare(this.#config)).commit();
    } catch (error) {
      await this.close();
      throw error;
    }
    sinks.start();
    ingests.apply(this.#config, doors.rtmpPort);
    observation.start(this.#config);
    this.#running = true;
  }

  /** Calls the listener once when errors of the program are so many that its state is not trusted. */
  onUntrusted(listener: () => void): void {
    this.#rooms.internalFaults.onUntrusted(listener);
  }

  /** Connections of every kind that are open now. */
  get connections(): number {
    return this.#rooms.admission.open;
  }

  /** The first part of a graceful stop: takes no more connections; those that are there go on until {@link close}. */
  async stopListening(): Promise<void> {
    this.#running = false;
    await this.#applying;
    await this.#rooms.doors.stopListening();
    // What the server publishes to itself would keep it alive.
    await this.#rooms.ingests.close();
  }

  /**
   * Reads the configuration again from where it came, and applies it; a bad one changes nothing. Never rejects.
   *
   * @param reason - who asks, for the log: `SIGHUP`
   */
  reload(reason: string): Promise<ReloadResult> {
    return this.#reloader.reload(reason);
  }

  /**
   * Goes on with another configuration, wholly or not at all, after a change that is under way. What it doesn't
   * concern feels nothing of it: streams, players and recordings go on.
   *
   * @returns what has changed
   * @throws ReloadError or StartError; nothing has changed then
   */
  async apply(config: Config): Promise<readonly ConfigChange[]> {
    const applied = this.#applying.then(() => this.#apply(config));
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  /**
   * Tells of each configuration that has become the server's by {@link apply}, of those parts that are not its own:
   * the log, the process.
   *
   * @returns stops it
   */
  onReconfigured(listener: (config: Config, before: Config) => void): () => void {
    this.#reconfiguredListeners.add(listener);
    return () => {
      this.#reconfiguredListeners.delete(listener);
    };
  }

  /** Stops to listen, ends every connection and waits until all are gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const {
      callbacks,
      clients,
      doors,
      authorizer,
      heartbeat,
      http,
      internalFaults,
      observation,
      rtmp,
      sinks,
    } = this.#rooms;
    observation.stop();
    await this.stopListening();
    rtmp.close();
    clients.endAll('server-shutdown');
    const requestsEnd = http.shutDown();
    await clients.allClosed();
    // Callback servers are told of the files that the end of the streams has finished.
    await sinks.close();
    await authorizer.settled();
    await Promise.all([callbacks.close(), heartbeat.close(), requestsEnd]);
    doors.close();
    internalFaults.close();
  }

  async #apply(given: Config): Promise<readonly ConfigChange[]> {
    if (!this.#isRunning()) throw notRunning();
    const before = this.#config;
    // Rooms keep what they make of a vhost by its object: what is as it was stays the same one.
    const config = keepUnchanged(before, given);
    const changes = planReload(before, config);
    const problem = reloadProblem(changes);
    if (problem !== undefined) throw new ReloadError('vhost-mode-changed', problem);
    this.#rooms.descriptors.refresh();
    const shortage = checkDescriptors(config.maxConnections, this.#rooms.descriptors.limit);
    const doors = await this.#rooms.doors.prepare(config);
    if (!this.#isRunning()) {
      await doors.rollback();
      throw notRunning();
    }
    if (shortage !== undefined && config.maxConnections !== before.maxConnections) this.#log.warn(shortage);
    this.#config = config;
    doors.commit();
    this.#reconfigure(config, before);
    return changes;
  }

  /** Tells every room. The configuration is the server's already: what fails in one room is no other room's. */
  #reconfigure(config: Config, before: Config): void {
    const { clients, doors, fileOwners, guardedFiles, hub, ingests, liveSettings, observation, sinks } =
      this.#rooms;
    const steps = [
      () => {
        fileOwners.reconfigured();
        guardedFiles.reconfigured();
        const known = new Set(guardWarnings(before));
        for (const warning of guardWarnings(config)) if (!known.has(warning)) this.#log.warn(warning);
      },
      () => {
        for (const stream of hub.streams()) {
          const vhost = config.vhosts.get(stream.id.vhost);
          if (vhost?.enabled === true) stream.configure(liveSettings(vhost));
        }
      },
      () => {
        clients.reconfigure();
      },
      () => {
        for (const stream of hub.streams()) sinks.configured(stream);
      },
      () => {
        ingests.apply(config, doors.rtmpPort);
      },
      () => {
        observation.reconfigured(config, before);
      },
      ...[...this.#reconfiguredListeners].map((listener) => () => {
        listener(config, before);
      }),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        this.#log.error(error, 'a part of a reload failed');
      }
    }
  }

  /** A method, so that the compiler expects a change across an await. */
  #isRunning(): boolean {
    return this.#running;
  }
}

function notRunning(): ReloadError {
  return new ReloadError('not-running', 'the server is starting or stopping');
}
