import { readFileSync } from 'node:fs';

/** The version of the package, `major.minor.revision`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const facts: unknown = JSON.parse(text);
  if (
    typeof facts === 'object' &&
    facts !== null &&
    'version' in facts &&
    typeof facts.version === 'string'
  ) {
    return facts.version;
  }
  throw new Error('package.json names no version');
}
