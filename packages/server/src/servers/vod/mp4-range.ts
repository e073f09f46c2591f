import type { FileAnswer } from '../http/index.ts';
import { badValue, readPosition } from './query.ts';

const WANTED = 'FIRST-LAST or FIRST-, in bytes';

/**
 * The part of an MP4 that `?range=a-b` or `?bytes=a-b` asks for (H005): as a `Range` header would, both ends
 * included. Undefined when the query asks for none.
 */
export function mp4Range(query: URLSearchParams): FileAnswer | undefined {
  const parameter = query.has('range') ? 'range' : 'bytes';
  const text = query.get(parameter);
  if (text === null || text === '') return undefined;
  const dashAt = text.indexOf('-');
  const first = dashAt < 0 ? undefined : readPosition(text.slice(0, dashAt));
  const lastText = text.slice(dashAt + 1);
  const last = lastText === '' ? Number.MAX_SAFE_INTEGER : readPosition(lastText);
  if (first === undefined || last === undefined || last < first) return badValue(parameter, WANTED);
  return { kind: 'range', range: `bytes=${first}-${lastText === '' ? '' : last}` };
}
