import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Looks like an id and is a codec or a level. */
const codecs = new Set(['L120', 'H261', 'H263', 'H264', 'H265', 'H266', 'G711', 'G722', 'G726', 'G729']);

/** The ids in a test file, its comments left aside. */
function idsOf(file: string): ReadonlySet<string> {
  const text = readFileSync(root + file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
  return new Set((text.match(/\b[RPOHCGLDVIXWKASB]\d{3}\b/g) ?? []).filter((id) => !codecs.has(id)));
}

const testFiles = ['packages', 'test'].flatMap((folder) =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !/(^|\/)(node_modules|dist)\//.test(name))
    .map((name) => `${folder}/${name}`),
);
const ids = new Map(testFiles.map((file) => [file, idsOf(file)]));

/** The rows of the page: id, what, state, tests. */
const rows = readFileSync(`${root}docs/compatibility.md`, 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, id = '']) => /^[RPOHCGLDVIXWKASB]\d{3}$/.test(id))
  .map(([, id = '', what = '', state = '', tests = '']) => ({ id, what, state, tests }));

describe('docs/compatibility.md', () => {
  it('has each id once, with a state', () => {
    const all = rows.map(({ id }) => id);
    expect(all).toEqual([...new Set(all)]);
    expect(all.length).toBeGreaterThan(100);
    for (const { id, state } of rows)
      expect([id, state]).toEqual([id, expect.stringMatching(/^(done|not yet)$|^(partly|differs): /)]);
  });

  it('has every id that tests name', () => {
    const known = new Set(rows.map(({ id }) => id));
    const unknown = [...ids].flatMap(([file, found]) =>
      [...found].filter((id) => !known.has(id)).map((id) => `${id} in ${file}`),
    );
    expect(unknown).toEqual([]);
  });

  it('calls done only what a test names', () => {
    const named = new Set([...ids.values()].flatMap((found) => [...found]));
    expect(rows.filter(({ id, state }) => state === 'done' && !named.has(id)).map(({ id }) => id)).toEqual(
      [],
    );
  });

  it('names test files that are there and name the id', () => {
    const wrong = rows.flatMap(({ id, tests }) =>
      [...tests.matchAll(/`([^`]+)`/g)]
        .map(([, file = '']) => file)
        .filter((file) => ids.get(file)?.has(id) !== true)
        .map((file) => `${id}: ${file}`),
    );
    expect(wrong).toEqual([]);
  });
});
