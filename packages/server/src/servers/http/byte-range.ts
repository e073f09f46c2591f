/** The part of a representation that a request asks for; both ends are included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One byte-range-spec or suffix-range, RFC 9110 §14.1.2. */
const RANGE_SPEC = /^[ \t]*(\d*)-(\d*)[ \t]*$/;

/**
 * Reads a `Range` header, RFC 9110 §14.2, for a representation of `size` bytes.
 *
 * Lists of several ranges, other units and what does not parse are answered with the whole representation,
 * which the RFC leaves open: so a huge list costs nothing.
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const spec = header === undefined ? undefined : /^[ \t]*bytes[ \t]*=(.*)$/i.exec(header)?.[1];
  const match = spec === undefined ? null : RANGE_SPEC.exec(spec);
  if (match === null) {
    return 'whole';
  }
  const [, first = '', last = ''] = match;
  if (first === '') {
    return last === '' ? 'whole' : suffixRange(Number(last), size);
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) {
    // Not a range at all, says the RFC: it is ignored.
    return 'whole';
  }
  if (start >= size) {
    return 'unsatisfiable';
  }
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

function suffixRange(length: number, size: number): ByteRange | 'unsatisfiable' {
  return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
}
