import type { FileAnswer } from '../http/index.ts';

/** Digits of a number that stays exact; a longer one lies beyond any file. */
const MAX_DIGITS = 15;

/** A byte position out of a query: whole, not negative; undefined for anything else. */
export function readPosition(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  return text.replace(/^0+(?=\d)/, '').length > MAX_DIGITS ? Number.MAX_SAFE_INTEGER : Number(text);
}

/** The answer to a value that is none. The value itself is left out: the text is shown in browsers. */
export function badValue(parameter: string, wanted: string): FileAnswer {
  return { kind: 'refused', status: 400, text: `${parameter} must be ${wanted}` };
}
