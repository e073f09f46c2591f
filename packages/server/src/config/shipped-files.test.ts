import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './index.ts';
import { DEFAULT_PARSE_LIMITS, parseDirectives } from './parse/index.ts';
import type { Directive } from './parse/index.ts';
import { rootSection } from './sections/index.ts';
import type { Field, Fields, Section } from './sections/index.ts';

const DIRECTORY = fileURLToPath(new URL('../../../../conf/', import.meta.url));
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith('.conf'));

function knownPaths(section: Section<Fields>, prefix = ''): readonly string[] {
  const own = Object.values<Field<unknown>>(section.fields).flatMap((field) => [
    prefix + field.name,
    ...(field.section === undefined ? [] : knownPaths(field.section, `${prefix}${field.name}.`)),
  ]);
  return [...own, ...section.moves.map((move) => prefix + move.from)];
}

function writtenPaths(directives: readonly Directive[], prefix = ''): readonly string[] {
  return directives.flatMap(({ name, block }) => [
    prefix + name,
    ...writtenPaths(block ?? [], `${prefix}${name}.`),
  ]);
}

describe('the files of conf/', () => {
  it.each(FILES)('%s loads without a warning, in the foreground', (name) => {
    const config = loadConfig({ file: DIRECTORY + name, env: {} });
    expect(config.warnings).toEqual([]);
    expect(config).toMatchObject({ daemon: false, log: { tank: 'console' } });
    expect(config.vhosts.has('__defaultVhost__')).toBe(true);
    if (name !== 'full.conf') expect(config.inactive).toEqual([]);
  });

  it('are those that the documentation names', () => {
    expect(FILES).toEqual(expect.arrayContaining(['sluice.conf', 'full.conf', 'rtmp.conf', 'http-flv.conf']));
  });

  it('full.conf has every directive, each after a comment, and the aliases by name', () => {
    const text = readFileSync(`${DIRECTORY}full.conf`, 'utf8');
    const options = { file: 'full.conf', environment: {}, limits: DEFAULT_PARSE_LIMITS };
    const directives = parseDirectives(text, options);
    const written = new Set(writtenPaths(directives));
    // The engine of an ingest is the one of a transcode; one of the two is enough.
    const missing = knownPaths(rootSection).filter((path) => !written.has(path));
    expect(missing).toEqual([]);
  });

  it('sluice.conf serves RTMP, HTTP-FLV and, for this machine only, the API on their usual ports', () => {
    expect(loadConfig({ file: `${DIRECTORY}sluice.conf`, env: {} })).toMatchObject({
      listen: [{ port: 1935 }],
      httpServer: { enabled: true, listen: [{ port: 8080 }] },
      httpApi: { enabled: true, listen: [{ host: '127.0.0.1', port: 1985 }] },
    });
  });
});
