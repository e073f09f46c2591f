import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The packages that strangers read. */
const packages = ['media', 'rtmp'];

/** Source files and READMEs, as `path: text`; tests keep the ids. */
function publicTexts(): [string, string][] {
  return packages.flatMap((name) => {
    const folder = fileURLToPath(new URL(`../../${name}/`, import.meta.url));
    const files = ['src', 'examples']
      .flatMap((part) =>
        readdirSync(`${folder}${part}`, { recursive: true }).map((file) => `${part}/${String(file)}`),
      )
      .filter((file) => /(?<![.]test|test-kit)[.](ts|mjs)$/.test(file));
    return [...files, 'README.md'].map((file): [string, string] => [
      `${name}/${file}`,
      readFileSync(folder + file, 'utf8'),
    ]);
  });
}

describe('the sources of the public libraries', () => {
  it('cite published specifications, not the ids of docs/compatibility.md', () => {
    const texts = publicTexts();
    expect(texts.length).toBeGreaterThan(100);
    const compatibility = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
    const ids = new Set([...compatibility.matchAll(/^\| ([A-Z]\d{3}) /gm)].map(([, id = '']) => id));
    expect(ids).toContain('R016');
    const cited = texts.flatMap(([file, text]) =>
      [...text.matchAll(/(?<![\w.])[A-Z]\d{3}(?![\w.])/g)]
        .filter(([id]) => ids.has(id))
        .map(([id]) => `${file}: ${id}`),
    );
    expect(cited).toEqual([]);
  });

  it('export each name once', () => {
    const files = new Map<string, Set<string>>();
    for (const [file, text] of publicTexts()) {
      for (const [, name = ''] of text.matchAll(
        /^export (?:async )?(?:abstract )?(?:class|interface|type|function\*?|const) +(\w+)/gm,
      )) {
        files.set(name, (files.get(name) ?? new Set()).add(file));
      }
    }
    expect(files.size).toBeGreaterThan(300);
    expect([...files].filter(([, places]) => places.size > 1).map(([name]) => name)).toEqual([]);
  });
});
