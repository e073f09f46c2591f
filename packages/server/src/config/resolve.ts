import { parseListenAddress } from './address.ts';
import type { ListenAddress } from './address.ts';
import { assembleConfig, assembleVhost } from './assemble.ts';
import { ConfigError, ConfigErrorCode } from './errors.ts';
import {
  apiHttpsSection,
  httpApiSection,
  httpRemuxSection,
  httpServerSection,
  httpStaticSection,
  limitsSection,
  nearestName,
  outboundSection,
  playSection,
  publishSection,
  rootSection,
  rtmpsSection,
  serverHttpsSection,
  tokenSection,
  vhostSection,
} from './sections/index.ts';
import type { Fields, Section } from './sections/index.ts';
import type { Config, VhostConfig } from './types.ts';
import { DEFAULT_VHOST } from './vhost-names.ts';

/** Every field may be left out, at every depth; lists are given whole. */
export type DeepPartial<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: DeepPartial<Value[Key]> | undefined }
    : Value;

/** An address to listen on: a port, `ip:port`, `[ipv6]:port` or its parts. Port 0 is any free one. */
export type ListenOption = number | string | ListenAddress;

/** `http_api{}` or `http_server{}` for embedders: given at all, it is enabled unless it says otherwise. */
type HttpOptions<Value extends { readonly listen: readonly ListenAddress[] }> = DeepPartial<
  Omit<Value, 'listen'>
> & {
  readonly listen?: readonly ListenOption[] | undefined;
};

/** The options of a vhost: any part of its configuration. */
export type VhostOptions = DeepPartial<Omit<VhostConfig, 'name'>>;

/** The configuration as an embedder writes it: any part of `Config`. */
export type ServerOptions = DeepPartial<
  Omit<Config, 'listen' | 'httpApi' | 'httpServer' | 'vhosts' | 'inactive' | 'warnings' | 'urlsByApi'>
> & {
  /** Default: 1935. */
  readonly listen?: readonly ListenOption[] | undefined;
  /** Default: off. Where it is on and `listen` is left out, it listens on 127.0.0.1:1985. */
  readonly httpApi?: HttpOptions<Config['httpApi']> | undefined;
  /** Default: off. */
  readonly httpServer?: HttpOptions<Config['httpServer']> | undefined;
  /** By name; default: a default vhost with nothing but defaults. */
  readonly vhosts?: Readonly<Record<string, VhostOptions>> | undefined;
};

/** Where the API of an embedder that says nothing listens: a file means every address (SRS), a program only this machine. */
const EMBEDDED_API_LISTEN: readonly ListenAddress[] = [{ host: '127.0.0.1', port: 1985 }];

/** The defaults of everything, without a vhost: RTMP on 1935, no HTTP. */
export function defaultConfig(): Config {
  return assembleConfig(rootSection.defaults, { inactive: [], warnings: [] });
}

/** A vhost with nothing but defaults. */
export function defaultVhost(name: string = DEFAULT_VHOST): VhostConfig {
  return assembleVhost({ ...vhostSection.defaults, label: name }, rootSection.defaults.chunkSize);
}

function refuse(path: string, message: string, code: ConfigErrorCode = ConfigErrorCode.Value): never {
  throw new ConfigError([{ code, message: `\`${path}\`: ${message}`, file: 'options', line: 0, column: 0 }]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fills in what `given` leaves out; refuses what the defaults don't have, or have of another type. */
function merge<Value>(defaults: Value, given: unknown, path: string): Value {
  if (given === undefined) return defaults;
  // An option that has no default: the type of the options says what it is.
  if (defaults === undefined) return given as Value;
  if (Array.isArray(defaults) || !isRecord(defaults)) {
    const wanted = Array.isArray(defaults) ? 'list' : typeof defaults;
    const got = Array.isArray(given) ? 'list' : typeof given;
    if (wanted !== got) refuse(path, `expected a ${wanted}, not a ${got}`);
    return given as Value;
  }
  if (!isRecord(given)) return refuse(path, 'expected an object');
  const merged: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const inner = path === '' ? key : `${path}.${key}`;
    if (!Object.hasOwn(defaults, key)) {
      const nearest = nearestName(key, Object.keys(defaults));
      const remedy = nearest === undefined ? '' : `; did you mean \`${nearest}\`?`;
      refuse(inner, `unknown option${remedy}`, ConfigErrorCode.Unknown);
    }
    merged[key] = merge(defaults[key], value, inner);
  }
  return merged as Value;
}

/** Applies the ranges of a section's table to values that didn't come through it. */
function checkValues(section: Section<Fields>, values: object, path: string): void {
  for (const [property, value] of Object.entries(values)) {
    const field = Object.hasOwn(section.fields, property) ? section.fields[property] : undefined;
    const wrong = field?.check(value);
    if (wrong !== undefined) refuse(path === '' ? property : `${path}.${property}`, wrong);
  }
}

function checkVhostValues(vhost: VhostConfig, path: string): void {
  checkValues(vhostSection, vhost, path);
  checkValues(publishSection, vhost.publish, `${path}.publish`);
  checkValues(publishSection, { mergedReadLatencyMs: vhost.publish.mergedRead.latencyMs }, `${path}.publish`);
  checkValues(playSection, vhost.play, `${path}.play`);
  checkValues(httpRemuxSection, vhost.httpRemux, `${path}.httpRemux`);
  checkValues(httpStaticSection, vhost.httpStatic, `${path}.httpStatic`);
  checkValues(tokenSection, vhost.token, `${path}.token`);
}

function listenAddresses(given: readonly ListenOption[], path: string): readonly ListenAddress[] {
  return given.map((option) => {
    if (typeof option === 'object') return option;
    if (typeof option === 'number') return { port: option };
    const address = parseListenAddress(option, 0);
    return typeof address === 'string' ? refuse(path, `${address}, not \`${option}\``) : address;
  });
}

function httpConfig<Value extends Config['httpApi'] | Config['httpServer']>(
  defaults: Value,
  given: HttpOptions<Value> | undefined,
  path: string,
): Value {
  if (given === undefined) return defaults;
  const { listen, ...rest } = given;
  const merged = merge({ ...defaults, enabled: true }, rest, path);
  return listen === undefined ? merged : { ...merged, listen: listenAddresses(listen, `${path}.listen`) };
}

/**
 * A whole configuration from the parts that an embedder gives: `resolveConfig({ listen: [1935] })`.
 * The same ranges hold as for a file, but for port 0. Throws ConfigError, whose `file` is `options`.
 */
export function resolveConfig(options: ServerOptions = {}): Config {
  const { listen, httpApi, httpServer, vhosts, ...rest } = options;
  const defaults = defaultConfig();
  const { listen: _listen, httpApi: _api, httpServer: _server, vhosts: _vhosts, ...restDefaults } = defaults;
  const merged = merge(restDefaults, rest, '');
  const config: Config = {
    ...merged,
    listen: listen === undefined ? defaults.listen : listenAddresses(listen, 'listen'),
    httpApi: httpConfig({ ...defaults.httpApi, listen: EMBEDDED_API_LISTEN }, httpApi, 'httpApi'),
    httpServer: httpConfig(defaults.httpServer, httpServer, 'httpServer'),
    vhosts: new Map(
      Object.entries(vhosts ?? { [DEFAULT_VHOST]: {} }).map(([name, given]) => {
        const base = { ...defaultVhost(name), chunkSize: merged.chunkSize };
        return [name, { ...merge(base, given, `vhosts.${name}`), name }];
      }),
    ),
  };
  checkValues(rootSection, config, '');
  checkValues(outboundSection, config.outbound, 'outbound');
  checkValues(limitsSection, config.limits, 'limits');
  checkValues(httpApiSection, config.httpApi, 'httpApi');
  checkValues(httpServerSection, config.httpServer, 'httpServer');
  checkValues(rtmpsSection, config.rtmps, 'rtmps');
  checkValues(apiHttpsSection, config.httpApi.https, 'httpApi.https');
  checkValues(serverHttpsSection, config.httpServer.https, 'httpServer.https');
  for (const vhost of config.vhosts.values()) checkVhostValues(vhost, `vhosts.${vhost.name}`);
  return config;
}
