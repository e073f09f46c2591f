import './require-node.ts';
import { SluiceServer } from './app/index.ts';
import { type Config, resolveConfig, type ServerOptions } from './config/index.ts';
import { type Log, quietLog } from './log/index.ts';

export {
  ReloadError,
  type ReloadResult,
  type ServerAddresses,
  type ServerSources,
  SluiceServer,
  StartError,
  type StartErrorCode,
} from './app/index.ts';
export {
  type Config,
  type ConfigChange,
  ConfigEditError,
  ConfigError,
  ConfigFile,
  type ListenAddress,
  loadConfig,
  OverlayWriteError,
  resolveConfig,
  type ServerOptions,
  SettingError,
  type VhostConfig,
} from './config/index.ts';
export type { FinishedFile } from './sinks/dvr/index.ts';
export type { HlsSegmentEvent } from './sinks/hls/index.ts';
export { createLog, type Log } from './log/index.ts';

/**
 * Makes a server to run inside another program. It listens once `start()` is called and is gone when
 * `close()` resolves.
 *
 * ```ts
 * const server = createServer({ listen: [1935], httpServer: { enabled: true, listen: [8080] } });
 * await server.start();
 * ```
 *
 * @param options - any part of the configuration, every default filled in; or a whole `Config` from
 *   `loadConfig`
 * @param log - default: no log
 * @throws ConfigError when the options can't be used
 */
export function createServer(options: ServerOptions | Config = {}, log: Log = quietLog()): SluiceServer {
  return new SluiceServer(isConfig(options) ? options : resolveConfig(options), log);
}

function isConfig(options: ServerOptions | Config): options is Config {
  return options.vhosts instanceof Map;
}
