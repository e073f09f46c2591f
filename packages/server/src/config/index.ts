export { distinctAddresses, formatListenAddress, parseListenAddress } from './address.ts';
export {
  ConfigEditError,
  type ConfigEditErrorCode,
  type ConfigEditView,
  ConfigFile,
  type ConfigFileOptions,
  type EditAuthor,
  type EditRequest,
  OverlayWriteError,
  type PreparedEdit,
  type PreparedFile,
  type RollbackRequest,
  SettingError,
  type SettingErrorCode,
  type SettingValue,
} from './changes/index.ts';
export { environmentVariables } from './environment.ts';
export { ConfigError } from './errors.ts';
export type { ConfigErrorCode, ConfigProblem } from './errors.ts';
export { findVhost, vhostInQuery } from './find-vhost.ts';
export { loadConfig } from './load.ts';
export type { LoadConfigOptions } from './load.ts';
export type { Environment, ListDirectory, ParseLimits, ReadFile } from './parse/index.ts';
export { changeLines, describeChange, keepUnchanged, planReload, reloadProblem } from './reload/index.ts';
export type { ChangeLine, ConfigChange } from './reload/index.ts';
export { defaultConfig, defaultVhost, resolveConfig } from './resolve.ts';
export type { DeepPartial, ListenOption, ServerOptions, VhostOptions } from './resolve.ts';
export { DEFAULT_TLS_CIPHERS } from './sections/tls.ts';
export { DEFAULT_VHOST } from './vhost-names.ts';
export type {
  Config,
  ConfigWarning,
  DvrConfig,
  HdsConfig,
  HlsConfig,
  HttpApiConfig,
  HttpRemuxConfig,
  HttpServerConfig,
  HttpStaticConfig,
  InactiveDirective,
  IngestConfig,
  LimitsConfig,
  ListenAddress,
  LogConfig,
  PlayConfig,
  PublishConfig,
  ReferConfig,
  TimeJitter,
  TlsConfig,
  VhostConfig,
} from './types.ts';
