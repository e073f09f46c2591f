import { MediaError } from '../errors.ts';

/** The attributes of one tag: a quoted value without its quotes, anything else as it stands. */
export type Attributes = ReadonlyMap<string, string>;

/** NAME=VALUE, at the start of what is left; a quoted value has no quote and no line break in it. */
const ATTRIBUTE = /([A-Z0-9-]+)=(?:"([^"\r\n]*)"|([^",\s]+)) *(?:, *|$)/y;

/**
 * Reads an attribute list (RFC 8216 clause 4.2).
 *
 * @throws MediaError `bad-value` for a list that is none or says a name twice, `limit-exceeded`
 */
export function parseAttributes(text: string, maxAttributes: number): Attributes {
  const attributes = new Map<string, string>();
  const pattern = new RegExp(ATTRIBUTE);
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) {
      throw new MediaError('bad-value', `wanted NAME=VALUE at character ${from} of an attribute list`);
    }
    const name = match[1] ?? '';
    if (attributes.has(name)) throw new MediaError('bad-value', `attribute ${name} is there twice`);
    if (attributes.size >= maxAttributes) {
      throw new MediaError('limit-exceeded', `over ${maxAttributes} attributes in one tag`);
    }
    attributes.set(name, match[2] ?? match[3] ?? '');
  }
  return attributes;
}

/**
 * A value in quotes. The form has no escape, so what may not stand in it is percent-encoded (clause 4.2:
 * no quote, no line break).
 */
export function quoted(value: string): string {
  return `"${oneLine(value).replaceAll('"', '%22')}"`;
}

/** Text that can't break its line: control characters, and the two other line breaks of Unicode, percent-encoded. */
export function oneLine(text: string): string {
  return /[\p{Cc}\u2028\u2029]/u.test(text)
    ? text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => encodeURIComponent(character))
    : text;
}

/** A reference on a line of its own: one line, never empty, never taken for a tag or a comment. */
export function uriLine(uri: string): string {
  const line = oneLine(uri.trim());
  if (line === '') throw new MediaError('bad-value', 'an empty URI in a playlist');
  return line.startsWith('#') ? `./${line.replace('#', '%23')}` : line;
}
