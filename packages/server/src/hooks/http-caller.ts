import { Agent, buildConnector, type Dispatcher } from 'undici';

import { errorOf } from '../error-text.ts';
import type { OutboundLimit, OutboundRule } from '../security/index.ts';
import { CallError, CallErrorCode } from './errors.ts';
import { skipInformational } from './informational.ts';

/** A connection attempt that takes longer is given up, ms: the call that it was for has ended by its own limit. */
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** One request. */
export interface Call {
  readonly method: 'GET' | 'POST';
  /** http or https. A user and password in it become Basic authorization. */
  readonly url: string;
  /** JSON text. */
  readonly body?: string;
  /** From now until the answer is whole, ms; waiting for a connection counts. */
  readonly timeoutMs: number;
  /** So many bytes of the answer's body are read and none is kept; without it, the whole body is the answer. */
  readonly bytesRead?: number;
  /** The URL stands under the rule for URLs of others, whatever `outbound` says of it. Default false. */
  readonly limited?: boolean;
}

/** What was answered. */
export interface CallAnswer {
  readonly status: number;
  readonly body: string;
}

/** What an {@link HttpCaller} may use. */
export interface HttpCallerOptions {
  /** Connections to one server. */
  readonly connections: number;
  /** Calls that may be open at once. */
  readonly maxOpen: number;
  /** The largest answer that is read, bytes. */
  readonly maxAnswerBytes: number;
  /** Default: every URL is the administrator's. */
  readonly outbound?: OutboundLimit | undefined;
}

/**
 * Calls HTTP servers over connections that are kept and used again. An answer has a time limit and a size limit,
 * and a redirect is an answer like any other: it is not followed.
 */
export class HttpCaller {
  readonly #options: HttpCallerOptions;
  readonly #agent: Agent;
  /** For URLs of others: looks at each address that it connects to. */
  #limitedAgent: Agent | undefined;
  #open = 0;

  constructor(options: HttpCallerOptions) {
    this.#options = options;
    this.#agent = agentOf(options.connections);
  }

  /** Calls that wait for their answer. */
  get open(): number {
    return this.#open;
  }

  /**
   * Sends a request and waits for the whole answer. A connection that the server closed while it was idle shows
   * only when it is used: then the call is made once more.
   *
   * @returns the answer, whatever its status
   * @throws CallError
   */
  async call(call: Call): Promise<CallAnswer> {
    const begun = performance.now();
    try {
      return await this.#once(call, call.timeoutMs);
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== CallErrorCode.broken || error.answered) throw error;
      const left = call.timeoutMs - (performance.now() - begun);
      if (left <= 0) throw error;
      return await this.#once(call, left);
    }
  }

  /** Ends all connections; calls that are open fail. */
  async close(): Promise<void> {
    for (const agent of [this.#agent, this.#limitedAgent]) {
      if (agent?.destroyed === false) await agent.destroy();
    }
  }

  #once(call: Call, timeoutMs: number): Promise<CallAnswer> {
    const { maxOpen, maxAnswerBytes } = this.#options;
    if (this.#open >= maxOpen) {
      return Promise.reject(new CallError(CallErrorCode.overloaded, `${maxOpen} calls wait already`));
    }
    let request: Dispatcher.DispatchOptions;
    try {
      request = requestOf(call);
    } catch (error) {
      const cause = { cause: error };
      return Promise.reject(
        new CallError(CallErrorCode.unreachable, `${placeOf(call.url)} is no URL`, cause),
      );
    }
    const agent = this.#agentFor(call);
    if (typeof agent === 'string') {
      return Promise.reject(
        new CallError(CallErrorCode.refused, `${placeOf(call.url)} is not called: ${agent}`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#open += 1;
      const handler = new AnswerHandler({
        timeoutMs,
        maxBytes: maxAnswerBytes,
        bytesRead: call.bytesRead,
        resolve,
        reject,
        onOver: () => {
          this.#open -= 1;
        },
      });
      try {
        agent.dispatch(request, handler);
      } catch (error) {
        handler.onResponseError(undefined, errorOf(error));
      }
    });
  }

  /** The connections for a call, or why it is not made. */
  #agentFor({ url, limited = false }: Call): Agent | string {
    const { connections, outbound } = this.#options;
    if (outbound === undefined || !(limited || outbound.isLimited(url))) return this.#agent;
    const problem = outbound.rule.urlProblem(url);
    if (problem !== undefined) return problem;
    this.#limitedAgent ??= agentOf(connections, outbound.rule);
    return this.#limitedAgent;
  }
}

function agentOf(connections: number, rule?: OutboundRule): Agent {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    ...(rule === undefined ? {} : { lookup: rule.lookup }),
  });
  return new Agent({
    connections,
    connect: (target, done) => {
      connect(target, (...result) => {
        // A failed attempt comes with an error and nothing else, whatever the types say.
        if (result[0] === null) skipInformational(result[1]);
        done(...result);
      });
    },
    maxHeaderSize: MAX_HEADER_BYTES,
    // Each call has a time limit of its own.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** A URL for people: without its query, its user and its password. */
export function placeOf(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)[^/]*@/, '$1');
}

/** Throws what URL and decodeURIComponent throw. */
function requestOf(call: Call): Dispatcher.DispatchOptions {
  const url = new URL(call.url);
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: call.method,
    headers: headersOf(url, call),
    body: call.body ?? null,
  };
}

function headersOf(url: URL, call: Call): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': 'Sluice', accept: '*/*' };
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  if (url.username !== '' || url.password !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  return headers;
}

/** What an {@link AnswerHandler} works with. */
interface AnswerHandlerOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly bytesRead: number | undefined;
  readonly resolve: (answer: CallAnswer) => void;
  readonly reject: (error: CallError) => void;
  /** The request holds nothing any more. */
  readonly onOver: () => void;
}

/** Gathers one answer. The promise is settled once; the request is over when undici lets go of it. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #options: AnswerHandlerOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #parts: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #bytes = 0;
  #settled = false;
  #over = false;

  constructor(options: AnswerHandlerOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => {
      const seconds = options.timeoutMs / 1000;
      this.#fail(CallErrorCode.timeout, `no whole answer within ${Number(seconds.toFixed(3))} s`);
    }, options.timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection until its time was over.
    if (this.#settled) controller.abort(new Error('over'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    this.#controller = controller;
    if (status < 200) return;
    this.#status = status;
    const length = Number(headers['content-length']);
    if (length > this.#options.maxBytes && this.#options.bytesRead === undefined) this.#tooLarge(length);
  }

  onResponseData(_controller: Dispatcher.DispatchController, part: Buffer): void {
    if (this.#settled) return;
    this.#bytes += part.length;
    const { maxBytes, bytesRead } = this.#options;
    if (bytesRead !== undefined) {
      if (this.#bytes < bytesRead) return;
      this.#succeed();
      this.#controller?.abort(new Error('enough'));
    } else if (this.#bytes > maxBytes) this.#tooLarge(this.#bytes);
    else this.#parts.push(part);
  }

  onResponseEnd(): void {
    this.#succeed();
    this.#end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    const [code, message] = describe(error);
    this.#fail(code, message, error);
    this.#end();
  }

  #tooLarge(bytes: number): void {
    this.#fail(
      CallErrorCode.tooLarge,
      `an answer of ${bytes} bytes and more; ${this.#options.maxBytes} are read`,
    );
  }

  #succeed(): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#options.resolve({ status: this.#status, body: Buffer.concat(this.#parts).toString() });
  }

  #fail(code: CallErrorCode, message: string, cause?: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#parts.length = 0;
    this.#options.reject(new CallError(code, message, { answered: this.#status > 0, cause }));
    this.#controller?.abort(new Error(message));
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.onOver();
  }
}

const BROKEN: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** An error of undici's as ours. */
function describe(error: Error): [CallErrorCode, string] {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') {
    return [CallErrorCode.closed, 'callbacks are closed'];
  }
  if (BROKEN.has(code)) return [CallErrorCode.broken, 'the connection broke before the answer was whole'];
  // What is no HTTP at all, or breaks its rules.
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code.includes('CONTENT_LENGTH')) {
    return [CallErrorCode.broken, `the answer is no good HTTP (${code})`];
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return [CallErrorCode.unreachable, 'no connection in time'];
  return [CallErrorCode.unreachable, error.message === '' ? code || 'no connection' : error.message];
}
