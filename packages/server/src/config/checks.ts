import { isIP } from 'node:net';
import { formatListenAddress, type ListenAddress } from './address.ts';
import { ConfigErrorCode } from './errors.ts';
import type { Argument, Directive } from './parse/index.ts';
import type { RootValue, SectionReader, VhostValue } from './sections/index.ts';

/** What holds between directives: each rule looks at the values, and finds the place in the directives. */
interface Scope {
  readonly directives: readonly Directive[];
  readonly reader: SectionReader;
}

function find(directives: readonly Directive[], ...path: readonly string[]): Directive | undefined {
  const [name, ...rest] = path;
  const found = directives.find((directive) => directive.name === name);
  return rest.length === 0 ? found : find(found?.block ?? [], ...rest);
}

/** Lists a limit that undercuts what it must hold. */
function checkLimits(root: RootValue, { directives, reader }: Scope): void {
  const { maxMessageBytes, maxPendingBytes } = root.limits;
  if (maxPendingBytes >= maxMessageBytes) return;
  const place =
    find(directives, 'limits', 'max_pending_bytes') ?? find(directives, 'limits', 'max_message_bytes');
  if (place === undefined) return;
  const message = `\`max_pending_bytes\` (${maxPendingBytes}) must hold one message of \`max_message_bytes\` (${maxMessageBytes})`;
  reader.problem(ConfigErrorCode.Conflict, message, place);
}

/** A password that nobody could give. */
function checkApiAuth({ httpApi: { auth } }: RootValue, { directives, reader }: Scope): void {
  const place = find(directives, 'http_api', 'auth');
  if (!auth.enabled || place === undefined) return;
  if (auth.username === '' || auth.password === '') {
    reader.problem(ConfigErrorCode.Missing, '`auth` needs a `username` and a `password`', place);
  } else if (auth.username.includes(':')) {
    const message = '`username` can have no colon in HTTP Basic authentication';
    reader.problem(ConfigErrorCode.Value, message, find(place.block ?? [], 'username') ?? place);
  }
}

/** An API that lets everybody change what they like. */
function warnOfOpenApi({ httpApi }: RootValue, { directives, reader }: Scope): void {
  const { auth, enabled, rawApi } = httpApi;
  const place = find(directives, 'http_api', 'raw_api', 'allow_update');
  if (!enabled || !rawApi.enabled || !rawApi.allowUpdate || auth.enabled || place === undefined) return;
  const message =
    '`allow_update` without a password: whoever reaches the API can change the configuration, and so have the server ' +
    'write and serve files; add `auth { enabled on; username …; password …; }` to `http_api`';
  reader.warn(message, place);
}

/** An API that others can reach, without a password. */
function warnOfReachableApi({ httpApi }: RootValue, { directives, reader }: Scope): void {
  const { auth, enabled, https, listen } = httpApi;
  const place = find(directives, 'http_api', 'listen') ?? find(directives, 'http_api');
  if (!enabled || auth.enabled || place === undefined) return;
  const open = [...listen, ...(https.enabled ? https.listen : [])].find((address) => !isLocal(address));
  if (open === undefined) return;
  const message =
    `the API has no password, and ${formatListenAddress(open)} can be reached from other machines: whoever reaches it ` +
    'can list the streams and disconnect clients; add `auth { enabled on; username …; password …; }` to `http_api`, ' +
    `or write \`listen 127.0.0.1:${open.port};\``;
  reader.warn(message, place);
}

function isLocal({ host }: ListenAddress): boolean {
  if (host === undefined) return false;
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Keys and certificates go in pairs. */
function checkTls(root: RootValue, { directives, reader }: Scope): void {
  const blocks = [
    { path: ['rtmps'], tls: root.rtmps },
    { path: ['http_api', 'https'], tls: root.httpApi.https },
    { path: ['http_server', 'https'], tls: root.httpServer.https },
  ];
  for (const { path, tls } of blocks) {
    if (!tls.enabled || tls.key.length === tls.cert.length) continue;
    // `http_stream` is `http_server` in old files.
    const [first = '', ...rest] = path;
    const home = find(directives, first) ?? find(directives, 'http_stream');
    const block = rest.length === 0 ? home : find(home?.block ?? [], ...rest);
    const place = find(block?.block ?? [], 'cert') ?? block;
    if (place === undefined) continue;
    const message = `\`${path.join('.')}\` has ${tls.key.length} keys for ${tls.cert.length} certificates: give \`key\` and \`cert\` as many files, in the same order`;
    reader.problem(ConfigErrorCode.Conflict, message, place);
  }
}

function checkRoot(root: RootValue, scope: Scope): void {
  const { directives, reader } = scope;
  const asprocess = find(directives, 'asprocess');
  if (root.asprocess && root.daemon && asprocess !== undefined) {
    const message = '`asprocess on` and `daemon on` exclude each other; write `daemon off;`, too';
    reader.problem(ConfigErrorCode.Conflict, message, asprocess);
  }
  checkLimits(root, scope);
  checkApiAuth(root, scope);
  warnOfOpenApi(root, scope);
  warnOfReachableApi(root, scope);
  checkTls(root, scope);
  const casters = directives.filter((directive) => directive.name === 'stream_caster');
  for (const [index, caster] of root.streamCasters.entries()) {
    const directive = casters[index];
    if (!caster.enabled || directive === undefined) continue;
    if (caster.output === '')
      reader.problem(ConfigErrorCode.Missing, '`stream_caster` needs an `output`', directive);
    if (caster.listen.length === 0)
      reader.problem(ConfigErrorCode.Missing, '`stream_caster` needs a `listen`', directive);
    if (caster.rtpPortMin >= caster.rtpPortMax) {
      const message = '`rtp_port_min` must be less than `rtp_port_max`';
      reader.problem(
        ConfigErrorCode.Conflict,
        message,
        find(directive.block ?? [], 'rtp_port_min') ?? directive,
      );
    }
  }
}

const LIBAACPLUS_KBPS = { least: 16, most: 72 };

type Engine = VhostValue['transcodes'][number]['engines'][number];

function checkEngine(engine: Engine, directive: Directive, reader: SectionReader): void {
  const block = directive.block ?? [];
  if (!engine.enabled) return;
  if (engine.videoCodec === 'vn' && engine.audioCodec === 'an') {
    const message = '`vcodec vn` and `acodec an` together leave nothing to write';
    reader.problem(ConfigErrorCode.Conflict, message, find(block, 'acodec') ?? directive);
  }
  const { least, most } = LIBAACPLUS_KBPS;
  const kbps = engine.audioBitrateKbps;
  if (engine.audioCodec === 'libaacplus' && kbps !== 0 && (kbps < least || kbps > most)) {
    const message = `\`abitrate ${kbps}\` is out of range for libaacplus: ${least} to ${most}`;
    reader.problem(ConfigErrorCode.Value, message, find(block, 'abitrate') ?? directive);
  }
  if (engine.output === '') reader.problem(ConfigErrorCode.Missing, '`engine` needs an `output`', directive);
}

function checkEngines(engines: readonly Engine[], directive: Directive, reader: SectionReader): void {
  const places = (directive.block ?? []).filter((child) => child.name === 'engine');
  for (const [index, engine] of engines.entries()) {
    const place = places[index];
    if (place !== undefined) checkEngine(engine, place, reader);
  }
}

/** A `token{}` that nobody could have a token for. */
function checkToken({ token }: VhostValue, directives: readonly Directive[], reader: SectionReader): void {
  const hasKeys = token.secrets.length > 0 || token.jwtSecrets.length > 0 || token.jwks !== '';
  const place = find(directives, 'token');
  if (!token.enabled || hasKeys || place === undefined) return;
  const message = '`token` needs a `secret`, a `jwt_secret` or a `jwks`: without one nobody gets in';
  reader.problem(ConfigErrorCode.Missing, message, place);
}

function checkVhost(vhost: VhostValue, place: Directive, reader: SectionReader): void {
  const directives = place.block ?? [];
  checkToken(vhost, directives, reader);
  const mode = find(directives, 'cluster', 'mode');
  if (vhost.cluster.mode === 'remote' && vhost.cluster.origins.length === 0 && mode !== undefined) {
    const message = '`mode remote` needs an `origin`: `origin 192.168.1.10:1935;`';
    reader.problem(ConfigErrorCode.Missing, message, mode);
  }
  const transcodes = directives.filter((directive) => directive.name === 'transcode');
  for (const [index, transcode] of vhost.transcodes.entries()) {
    const directive = transcodes[index];
    if (transcode.enabled && directive !== undefined) checkEngines(transcode.engines, directive, reader);
  }
  const ingests = directives.filter((directive) => directive.name === 'ingest');
  for (const [index, ingest] of vhost.ingests.entries()) {
    const directive = ingests[index];
    if (ingest.enabled && directive !== undefined) checkEngines(ingest.engines, directive, reader);
  }
}

/** Ingests that need ffmpeg, which this version doesn't run. */
function noteInactiveIngests(vhost: VhostValue, place: Directive, reader: SectionReader): void {
  if (!vhost.enabled) return;
  const ingests = (place.block ?? []).filter((directive) => directive.name === 'ingest');
  for (const [index, ingest] of vhost.ingests.entries()) {
    const directive = ingests[index];
    if (!ingest.enabled || ingest.input.type === 'loop' || directive === undefined) continue;
    reader.noteInactive(
      `vhost(${vhost.label}).ingest(${ingest.label}).input.type ${ingest.input.type}`,
      directive,
    );
  }
}

/** Checks what holds between directives, and notes what single values leave without effect. */
export function checkDirectives(
  root: RootValue,
  directives: readonly Directive[],
  reader: SectionReader,
): void {
  checkRoot(root, { directives, reader });
  const places = directives.filter((directive) => directive.name === 'vhost');
  for (const [index, vhost] of root.vhosts.entries()) {
    const place = places[index];
    if (place === undefined) continue;
    checkVhost(vhost, place, reader);
    noteInactiveIngests(vhost, place, reader);
  }
}

/** R001: a file must say where to listen. */
export function requireListen(directives: readonly Directive[], file: string, reader: SectionReader): void {
  if (directives.some((directive) => directive.name === 'listen')) return;
  const args: readonly Argument[] = [];
  const message = '`listen` is missing: add `listen 1935;`';
  reader.problem(ConfigErrorCode.Missing, message, { name: 'listen', args, file, line: 0, column: 0 });
}
