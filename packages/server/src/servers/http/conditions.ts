import type { IncomingHttpHeaders } from 'node:http';

/** What a representation is compared by; RFC 9110 §8.8. */
export interface Validators {
  /** With its quotes, and `W/` in front of a weak one. */
  readonly etag: string | undefined;
  /** In whole seconds when it is compared: HTTP knows no smaller unit. */
  readonly lastModifiedMs?: number | undefined;
}

/** What the preconditions of a GET or HEAD lead to, RFC 9110 §13.2.2. */
export function evaluateConditions(
  headers: IncomingHttpHeaders,
  validators: Validators,
): 'send' | 'not-modified' | 'failed' {
  const { etag } = validators;
  const modified = wholeSeconds(validators.lastModifiedMs);
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (etag === undefined || !listsTag(ifMatch, etag, true)) {
      return 'failed';
    }
  } else if (isAfter(modified, headers['if-unmodified-since'])) {
    return 'failed';
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    return etag !== undefined && listsTag(ifNoneMatch, etag, false) ? 'not-modified' : 'send';
  }
  const since = headers['if-modified-since'];
  if (since === undefined || modified === undefined || Number.isNaN(Date.parse(since))) {
    return 'send';
  }
  return isAfter(modified, since) ? 'send' : 'not-modified';
}

/** Whether a `Range` counts: `If-Range` is absent or names this very representation, RFC 9110 §13.1.5. */
export function rangeApplies(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const { 'if-range': ifRange } = headers;
  if (typeof ifRange !== 'string') {
    return ifRange === undefined;
  }
  const asked = ifRange.trim();
  if (asked.endsWith('"')) {
    return asked === validators.etag && !asked.startsWith('W/');
  }
  return wholeSeconds(validators.lastModifiedMs) === Date.parse(asked);
}

function listsTag(list: string, etag: string, strong: boolean): boolean {
  if (list.trim() === '*') {
    return true;
  }
  if (strong && etag.startsWith('W/')) {
    return false;
  }
  const wanted = opaque(etag);
  // Our own tags have no comma in them.
  return list.split(',').some((entry) => {
    const tag = entry.trim();
    return (!strong || !tag.startsWith('W/')) && opaque(tag) === wanted;
  });
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000) * 1000;
}

/** False for a date that is absent or can't be read: such a header is ignored. */
function isAfter(modified: number | undefined, date: string | undefined): boolean {
  return modified !== undefined && date !== undefined && modified > Date.parse(date);
}
