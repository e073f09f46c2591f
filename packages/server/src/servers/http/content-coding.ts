import { brotliCompress, constants, gzip } from 'node:zlib';

/** The content codings that are made here. */
export type ContentCoding = 'br' | 'gzip';

/** Text shorter than this is not worth coding, bytes: it fits one packet anyway. */
export const MIN_CODED_BYTES = 1_024;

/** What {@link TextCoder} may hold and do at once. */
export interface TextCoderLimits {
  /** Coded texts that are kept. Default 64. */
  readonly maxKept: number;
  /** Longest text that is kept coded, bytes of its coded form. Default 262,144. */
  readonly maxKeptBytes: number;
  /** Texts that are being coded; further ones go out as they are. Default 64. */
  readonly maxPending: number;
}

/** The defaults that {@link TextCoderLimits} names. */
const DEFAULT_LIMITS: TextCoderLimits = { maxKept: 64, maxKeptBytes: 262_144, maxPending: 64 };

/** Compresses texts off the event loop, and keeps what many ask for. */
export class TextCoder {
  readonly #limits: TextCoderLimits;
  /** Oldest first. */
  readonly #kept = new Map<string, Promise<Uint8Array>>();
  #pending = 0;

  constructor(limits: Partial<TextCoderLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /**
   * The coded text; undefined when too many are being coded.
   *
   * @param shared - whether others will ask for the same text
   */
  code(text: string, coding: ContentCoding, shared: boolean): Promise<Uint8Array> | undefined {
    const key = shared ? `${coding} ${text}` : '';
    const kept = shared ? this.#kept.get(key) : undefined;
    if (kept !== undefined) {
      return kept;
    }
    if (this.#pending >= this.#limits.maxPending) {
      return undefined;
    }
    this.#pending += 1;
    const coded = compress(text, coding).finally(() => {
      this.#pending -= 1;
    });
    if (shared) {
      this.#keep(key, coded);
    }
    return coded;
  }

  #keep(key: string, coded: Promise<Uint8Array>): void {
    this.#kept.set(key, coded);
    if (this.#kept.size > this.#limits.maxKept) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
    coded.then(
      ({ length }) => {
        if (length > this.#limits.maxKeptBytes) {
          this.#kept.delete(key);
        }
      },
      () => {
        this.#kept.delete(key);
      },
    );
  }
}

/** The coding to answer with, by `Accept-Encoding` (RFC 9110 §12.5.3): Brotli before gzip before none. */
export function chooseCoding(accepts: string | string[] | undefined): ContentCoding | undefined {
  if (typeof accepts !== 'string' || accepts === '') {
    return undefined;
  }
  const weights = new Map<string, number>();
  for (const entry of accepts.toLowerCase().split(',')) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight));
  }
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  const [br, gzipped] = [weightOf('br'), weightOf('gzip')];
  if (br > 0 && !(gzipped > br)) {
    return 'br';
  }
  return gzipped > 0 ? 'gzip' : undefined;
}

function compress(text: string, coding: ContentCoding): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, coded: Uint8Array) => {
      if (error === null) {
        resolve(coded);
      } else {
        reject(error);
      }
    };
    if (coding === 'br') {
      const params = { [constants.BROTLI_PARAM_QUALITY]: 4 };
      brotliCompress(text, { params }, done);
    } else {
      gzip(text, { level: 4 }, done);
    }
  });
}
