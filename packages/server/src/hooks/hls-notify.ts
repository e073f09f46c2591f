import { background } from '../background.ts';
import type { HlsEvent } from './events.ts';
import { CallError } from './errors.ts';
import { type HttpCaller, placeOf } from './http-caller.ts';
import { Complaints, type HookLog } from './outage.ts';

/** What an {@link HlsNotify} needs. */
export interface HlsNotifyOptions {
  readonly log: HookLog;
  readonly caller: HttpCaller;
  readonly serverId: string;
  readonly serviceId: string;
  /** ms. */
  readonly timeoutMs: number;
  /** Fetches at once. */
  readonly maxOpen: number;
  /** Whether a URL of the configuration stands under the rule for URLs of others. Default: none does. */
  readonly isLimited?: ((url: string) => boolean) | undefined;
}

interface Fetch {
  readonly url: string;
  readonly limited: boolean;
  /** So many bytes of the answer are read. */
  readonly bytes: number;
}

/** Fetches a URL for each segment, so that a CDN has it before its viewers ask (K006). */
export class HlsNotify {
  readonly #options: HlsNotifyOptions;
  readonly #complaints: Complaints;
  #turn = 0;
  #open = 0;
  #skipped = 0;

  constructor(options: HlsNotifyOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options.log, 'on_hls_notify');
  }

  /** Segments that were not fetched, as too many fetches were going on. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * @param param - the query of the publisher's URL with its `?`, or empty
   * @param done - called when it was fetched, or is not to be
   */
  segment(event: HlsEvent, param: string, done: () => void): void {
    const urls = event.vhost.httpHooks.onHlsNotify;
    const template = urls[this.#turn % urls.length];
    if (template === undefined) {
      done();
      return;
    }
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    if (this.#open >= this.#options.maxOpen) {
      this.#skipped += 1;
      this.#complaints.say(`${this.#options.maxOpen} fetches are going on: ${event.segment.url} is left out`);
      done();
      return;
    }
    this.#open += 1;
    const { isLimited } = this.#options;
    // A segment may have an address of its own by `hls_entry_prefix`.
    const limited = [template, event.vhost.hls.entryPrefix].some((text) => isLimited?.(text) === true);
    const call = { url: this.#url(template, event, param), limited, bytes: event.vhost.hls.notifyBytes };
    background('on_hls_notify', this.#fetch(call).finally(done));
  }

  async #fetch({ url, limited, bytes }: Fetch): Promise<void> {
    const { caller, timeoutMs } = this.#options;
    try {
      const call = { method: 'GET', url, limited, timeoutMs, bytesRead: Math.max(1, bytes) } as const;
      const { status } = await caller.call(call);
      if (status >= 400) this.#complaints.say(`${placeOf(url)} answered with status ${status}`);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#complaints.say(`${placeOf(url)}: ${error.message}`);
    } finally {
      this.#open -= 1;
    }
  }

  #url(template: string, event: HlsEvent, param: string): string {
    const { segment, app, stream } = event;
    // A segment with an address of its own is fetched from there.
    if (/^https?:\/\//.test(segment.uri)) return segment.uri;
    const values: Readonly<Record<string, string>> = {
      app: app.split('/').map(encode).join('/'),
      stream: encode(stream),
      ts_url: segment.uri,
      param: encodeQuery(param),
      server_id: encode(this.#options.serverId),
      service_id: encode(this.#options.serviceId),
    };
    return template.replace(/\[(\w+)\]/g, (whole, name: string) => values[name] ?? whole);
  }
}

/** Half a character can't be encoded. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

function encode(text: string): string {
  return encodeURIComponent(wellFormed(text));
}

/** A query as a client wrote it: what would end it, or the line, is encoded. */
function encodeQuery(param: string): string {
  return encodeURI(wellFormed(param)).replace(/%25/g, '%').replaceAll('#', '%23');
}
