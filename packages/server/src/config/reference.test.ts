import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { directiveReference } from './reference.ts';

const PAGE = new URL('../../../../docs/configuration.md', import.meta.url);
const BEGIN = '<!-- directives: begin -->\n';
const END = '<!-- directives: end -->';

function withReference(page: string): string {
  const begin = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END);
  expect(begin).toBeGreaterThan(BEGIN.length);
  expect(end).toBeGreaterThanOrEqual(begin);
  return `${page.slice(0, begin)}\n${directiveReference()}\n\n${page.slice(end)}`;
}

describe('docs/configuration.md', () => {
  it('has the reference of the tables (WRITE_DOCS=1 renews it)', () => {
    const page = readFileSync(PAGE, 'utf8');
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(PAGE, withReference(page));
    expect(readFileSync(PAGE, 'utf8')).toBe(withReference(page));
  });

  it('names each directive with a meaning', () => {
    const rows = directiveReference()
      .split('\n')
      .filter((line) => line.startsWith('| `') && line.split(' | ').length > 3);
    expect(rows.length).toBeGreaterThan(250);
    for (const row of rows)
      expect(row).toMatch(/^\| `.+[.;].* \| (active|active, after a restart|accepted) \|$/);
  });
});
