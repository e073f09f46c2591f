import { Readable } from 'node:stream';

import type { FastifyReply } from 'fastify';
import { errorOf } from '../error-text.ts';
import type { AnswerHead } from './answers.ts';
import { TurnBudget } from './turn-budget.ts';

/** About how much text one piece of work makes, characters. */
const PIECE_LENGTH = 32 * 1024;

/** Entries that one piece of work looks at, whether or not it shows them. */
const PIECE_ENTRIES = 256;

/** How long the client may take for one page, ms. The page holds on to lists that change meanwhile. */
export const PAGE_LIMIT_MS = 120_000;

/** A part of a list, and what one entry of it looks like. */
export interface PageOf<View> {
  /** What the list is called in the answer. */
  readonly name: string;
  readonly views: Iterable<View>;
  /** Entries to skip, and to show. */
  readonly paging: { readonly start: number; readonly count: number };
  /** Which entries are counted at all. Default: all. */
  readonly matches?: ((view: View) => boolean) | undefined;
  readonly shape: (view: View) => object;
}

/** How pages are made; the defaults are good for a server. */
export interface PagesOptions {
  /** Shared by all that make pages on this event loop. Default: one of its own. */
  readonly budget?: TurnBudget | undefined;
  /** Default {@link PAGE_LIMIT_MS}. */
  readonly limitMs?: number | undefined;
}

/**
 * Makes the pages of lists. A short page is sent whole. A long one is made piece by piece as its client reads it, so that
 * neither one page nor many at once hold the event loop or the memory: each entry is shown as it is in the turn in which it
 * is read.
 */
export class Pages {
  readonly #head: AnswerHead;
  readonly #budget: TurnBudget;
  readonly #limitMs: number;

  /** @param head - what every answer with code 0 begins with */
  constructor(head: AnswerHead, { budget = new TurnBudget(), limitMs = PAGE_LIMIT_MS }: PagesOptions = {}) {
    this.#head = head;
    this.#budget = budget;
    this.#limitMs = limitMs;
  }

  /** The body of an answer; sets its type. */
  send<View>(reply: FastifyReply, page: PageOf<View>): string | Readable {
    reply.type('application/json; charset=utf-8');
    const text = new PageText(this.#head, page.name, entryTexts(page));
    let first = '';
    if (this.#budget.isFree) {
      this.#budget.run(() => {
        first = text.read();
      });
      if (text.isDone) return first;
    }
    return new PageStream(first, text, this.#budget, this.#limitMs);
  }
}

/** The text of a page, piece by piece. */
class PageText {
  readonly #entries: Generator<string, void>;
  #prefix: string;
  isDone = false;

  constructor(head: AnswerHead, name: string, entries: Generator<string, void>) {
    this.#prefix = `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(name)}:[`;
    this.#entries = entries;
  }

  /** Some more of it, maybe nothing yet. */
  read(): string {
    let text = this.#prefix;
    this.#prefix = '';
    for (let looked = 0; looked < PIECE_ENTRIES && text.length < PIECE_LENGTH; looked += 1) {
      const entry = this.#entries.next();
      if (entry.done === true) {
        this.isDone = true;
        return `${text}]}`;
      }
      text += entry.value;
    }
    return text;
  }

  close(): void {
    this.#entries.return();
  }
}

/** The text of each entry; empty for one that is not shown. */
function* entryTexts<View>({ views, paging, matches, shape }: PageOf<View>): Generator<string, void> {
  let skipped = 0;
  let shown = 0;
  for (const view of views) {
    if (matches?.(view) === false) {
      yield '';
    } else if (skipped < paging.start) {
      skipped += 1;
      yield '';
    } else {
      yield `${shown === 0 ? '' : ','}${JSON.stringify(shape(view))}`;
      shown += 1;
      if (shown === paging.count) return;
    }
  }
}

class PageStream extends Readable {
  readonly #text: PageText;
  readonly #budget: TurnBudget;
  readonly #timer: NodeJS.Timeout;
  #first: string;
  readonly #piece = (): void => {
    this.#makePiece();
  };

  constructor(first: string, text: PageText, budget: TurnBudget, limitMs: number) {
    super({ highWaterMark: PIECE_LENGTH });
    this.#first = first;
    this.#text = text;
    this.#budget = budget;
    this.#timer = setTimeout(() => {
      this.destroy(new Error(`the client has not read the page within ${limitMs} ms`));
    }, limitMs).unref();
  }

  override _read(): void {
    this.#budget.run(this.#piece);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#budget.cancel(this.#piece);
    this.#text.close();
    callback(error);
  }

  #makePiece(): void {
    if (this.destroyed) return;
    try {
      const text = this.#first + this.#text.read();
      this.#first = '';
      // Entries that are passed over give no text.
      if (text !== '') this.push(text);
      if (this.#text.isDone) this.push(null);
      else if (text === '') this.#budget.run(this.#piece);
    } catch (error) {
      this.destroy(errorOf(error));
    }
  }
}
