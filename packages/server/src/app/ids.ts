import { createHash } from 'node:crypto';

/** The id of a thing by its name, as SRS forms it: the same name gives the same id, on every start. */
export function idOf(name: string): string {
  return `vid-${createHash('sha1').update(name).digest('hex').slice(0, 7)}`;
}
