import type {
  ApiChange,
  ApiChangeResult,
  ApiClient as ClientEntry,
  ApiDvr,
  ApiDvrRequest,
  ApiEnded,
  ApiFeatures,
  ApiMeminfos,
  ApiRusages,
  ApiSelfProcStats,
  ApiSettings,
  ApiStream,
  ApiSummaries,
  ApiSystemProcStats,
  ApiVersions,
  ApiVhost,
} from '../api/index.ts';
import { ApiError, type ApiErrorCode } from './errors.ts';

/** How to reach an API. */
export interface SluiceApiOptions {
  /** Where the API is, e.g. `http://127.0.0.1:1985`; a path in it goes before every other. */
  readonly url: string;
  /** For an API with a password (`http_api.auth`). Default none. */
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** How long one call may take, ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
}

/** A part of a list. */
export interface ApiPage {
  /** Entries to skip. Default 0. */
  readonly start?: number | undefined;
  /** Entries to get. Default: as many as the server shows by itself, 10 for clients. */
  readonly count?: number | undefined;
}

/** A part of the list of streams. */
export interface ApiStreamPage extends ApiPage {
  /** Only streams whose `url` contains this text, in upper or lower case. Default: all. */
  readonly search?: string | undefined;
}

/** How something is changed. */
export interface ApiChangeOptions {
  /** Changes nothing, and answers what would be. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** SRS's codes that say that an id is not there (5.2), and ours. */
const NOT_FOUND_CODES: readonly number[] = [2014, 2048, 2049, 404];

/** Most bytes of an answer that the client takes: some 40 times a page of 10,000 clients. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

type Body = Readonly<Record<string, unknown>>;

/**
 * A client of the HTTP API, for Node.js and browsers. Each method throws {@link ApiError}.
 *
 * ```ts
 * const api = new SluiceApi({ url: 'http://127.0.0.1:1985' });
 * for (const { id, url } of await api.streams()) console.log(id, url);
 * ```
 *
 * The types are those of a server of this version; another server's answers are not checked field by field.
 */
export class SluiceApi {
  readonly #base: string;
  readonly #authorization: string | undefined;
  readonly #timeoutMs: number;
  readonly #fetch: typeof fetch;

  constructor(options: SluiceApiOptions) {
    this.#base = options.url.replace(/\/+$/, '');
    this.#authorization = options.credentials === undefined ? undefined : basicAuth(options.credentials);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    // A browser's fetch wants to be called as the window's own.
    this.#fetch = options.fetch ?? fetch.bind(globalThis);
  }

  versions(): Promise<ApiVersions> {
    return this.#get('/versions', 'data');
  }

  features(): Promise<ApiFeatures> {
    return this.#get('/features', 'data');
  }

  summaries(): Promise<ApiSummaries> {
    return this.#get('/summaries', 'data');
  }

  rusages(): Promise<ApiRusages> {
    return this.#get('/rusages', 'data');
  }

  selfProcStats(): Promise<ApiSelfProcStats> {
    return this.#get('/self_proc_stats', 'data');
  }

  systemProcStats(): Promise<ApiSystemProcStats> {
    return this.#get('/system_proc_stats', 'data');
  }

  meminfos(): Promise<ApiMeminfos> {
    return this.#get('/meminfos', 'data');
  }

  vhosts(page: ApiPage = {}): Promise<readonly ApiVhost[]> {
    return this.#get(`/vhosts${pageQuery(page)}`, 'vhosts');
  }

  vhost(id: string): Promise<ApiVhost> {
    return this.#get(`/vhosts/${idPath(id)}`, 'vhost');
  }

  streams(page: ApiStreamPage = {}): Promise<readonly ApiStream[]> {
    return this.#get(`/streams${pageQuery(page)}`, 'streams');
  }

  stream(id: string): Promise<ApiStream> {
    return this.#get(`/streams/${idPath(id)}`, 'stream');
  }

  clients(page: ApiPage = {}): Promise<readonly ClientEntry[]> {
    return this.#get(`/clients${pageQuery(page)}`, 'clients');
  }

  client(id: string): Promise<ClientEntry> {
    return this.#get(`/clients/${idPath(id)}`, 'client');
  }

  /** The connections that ended last, the newest first. */
  ended(page: ApiPage = {}): Promise<readonly ApiEnded[]> {
    return this.#get(`/ended${pageQuery(page)}`, 'ended');
  }

  /** Disconnects a publisher or a player. */
  async kick(id: string): Promise<void> {
    await this.#call('DELETE', `/clients/${idPath(id)}`);
  }

  /** Has the server read its configuration again; resolves when it is applied. Needs `raw_api.allow_reload`. */
  async reload(): Promise<void> {
    await this.#call('PUT', '/raw?rpc=reload');
  }

  /** What was changed by the API, the newest first. Needs `raw_api.allow_query` or `allow_update`. */
  changes(page: ApiPage = {}): Promise<readonly ApiChange[]> {
    return this.#get(`/config/changes${pageQuery(page)}`, 'changes');
  }

  /**
   * Changes settings of a vhost while the server runs, and for good. Needs `raw_api.allow_update`.
   *
   * @param vhost - id or name
   * @param settings - by the dotted names of directives: `{ 'play.gop_cache': false }`; null is the default
   */
  changeVhost(
    vhost: string,
    settings: ApiSettings,
    options: ApiChangeOptions = {},
  ): Promise<ApiChangeResult> {
    return this.#change('PATCH', `/vhosts/${idPath(vhost)}`, options, settings);
  }

  /** Changes settings of the server, as {@link changeVhost}: `{ max_connections: 5000 }`. */
  changeConfig(settings: ApiSettings, options: ApiChangeOptions = {}): Promise<ApiChangeResult> {
    return this.#change('PATCH', '/config', options, settings);
  }

  /** Takes back one change, as if it had never been made. */
  rollback(id: string, options: ApiChangeOptions = {}): Promise<ApiChangeResult> {
    return this.#change('DELETE', `/config/changes/${idPath(id)}`, options);
  }

  /** Takes back what was changed after a change, or, without an id, all changes. */
  rollbackAfter(id: string | undefined, options: ApiChangeOptions = {}): Promise<ApiChangeResult> {
    const which = id === undefined ? 'all=true' : `after=${encodeURIComponent(id)}`;
    return this.#change('DELETE', `/config/changes?${which}`, options);
  }

  async #change(
    method: string,
    path: string,
    { dryRun = false }: ApiChangeOptions,
    settings?: ApiSettings,
  ): Promise<ApiChangeResult> {
    const query = dryRun ? `${path.includes('?') ? '&' : '?'}dry_run=true` : '';
    return memberOf(await this.#call(method, `${path}${query}`, settings), 'result') as ApiChangeResult;
  }

  dvrs(page: ApiPage = {}): Promise<readonly ApiDvr[]> {
    return this.#get(`/dvrs${pageQuery(page)}`, 'dvrs');
  }

  dvr(id: string): Promise<ApiDvr> {
    return this.#get(`/dvrs/${idPath(id)}`, 'dvr');
  }

  /** Starts a recording, at once or as soon as the stream is published. */
  async startDvr(request: ApiDvrRequest): Promise<ApiDvr> {
    return memberOf(await this.#call('POST', '/dvrs', request), 'dvr') as ApiDvr;
  }

  /** Stops a recording; resolves when its file is whole. */
  async stopDvr(id: string): Promise<ApiDvr> {
    return memberOf(await this.#call('DELETE', `/dvrs/${idPath(id)}`), 'dvr') as ApiDvr;
  }

  async #get<Value>(path: string, member: string): Promise<Value> {
    return memberOf(await this.#call('GET', path), member) as Value;
  }

  async #call(method: string, path: string, body?: unknown): Promise<Body> {
    const url = `${this.#base}/api/v1${path}`;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (this.#authorization !== undefined) headers['authorization'] = this.#authorization;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let status: number;
    let text: string;
    try {
      const response = await this.#fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      ({ status } = response);
      text = await boundedText(response);
    } catch (error) {
      throw connectionError(url, error, this.#timeoutMs);
    }
    return readAnswer(url, status, text);
  }
}

/** @throws ApiError unless the answer's code is 0 */
function readAnswer(url: string, status: number, text: string): Body {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    const message = `${url} answered ${status} with what is no JSON: no API of this kind is there`;
    throw new ApiError('bad-answer', message, { cause: error, status });
  }
  if (typeof body !== 'object' || body === null || !('code' in body) || typeof body.code !== 'number') {
    throw new ApiError('bad-answer', `${url} answered without a code: no API of this kind is there`, {
      status,
    });
  }
  if (body.code === 0) return body;
  const message = 'message' in body && typeof body.message === 'string' ? body.message : meaningOf(body.code);
  throw new ApiError(errorCodeOf(status, body.code), message, { status, apiCode: body.code });
}

function errorCodeOf(status: number, code: number): ApiErrorCode {
  if (status === 401 || status === 403) return 'denied';
  return NOT_FOUND_CODES.includes(code) ? 'not-found' : 'refused';
}

function meaningOf(code: number): string {
  switch (code) {
    case 401:
      return 'the API asks for a user and a password, and got none or wrong ones';
    case 404:
      return 'the server has no such path';
    case 405:
      return 'the server does not do that';
    case 2014:
      return 'no vhost has that id';
    case 2048:
      return 'no stream has that id';
    case 2049:
      return 'no client has that id';
    default:
      return `the server answered code ${code}`;
  }
}

function connectionError(url: string, error: unknown, timeoutMs: number): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ApiError('timeout', `${url} has not answered in ${timeoutMs} ms`, { cause: error });
  }
  const reason = innermostMessage(error);
  return new ApiError('unreachable', `${url} can't be reached: ${reason}`, { cause: error });
}

/** Node's fetch says `fetch failed`, and why in its cause. */
function innermostMessage(error: unknown): string {
  let message = String(error);
  for (let at = error; at instanceof Error; at = at.cause) {
    // An error of several addresses has no text of its own.
    const code = 'code' in at && typeof at.code === 'string' ? at.code : '';
    if (at.message !== '' || code !== '') message = at.message === '' ? code : at.message;
  }
  return message;
}

async function boundedText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new ApiError('bad-answer', `an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** A member of an answer, whose type the caller knows by the path that was asked. */
function memberOf(body: Body, member: string): unknown {
  const value = body[member];
  if (value === undefined) throw new ApiError('bad-answer', `the answer has no ${member}`);
  return value;
}

function pageQuery({ start, count, search }: ApiStreamPage): string {
  const query = new URLSearchParams();
  if (start !== undefined) query.set('start', String(start));
  if (count !== undefined) query.set('count', String(count));
  if (search !== undefined) query.set('search', search);
  return query.size === 0 ? '' : `?${query}`;
}

/** An id as one segment of a path, which an empty one or dots would not be. */
function idPath(id: string): string {
  if (/^\.{0,2}$/.test(id)) throw new ApiError('not-found', `${JSON.stringify(id)} is no id`);
  return encodeURIComponent(id);
}

function basicAuth({ username, password }: { username: string; password: string }): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
