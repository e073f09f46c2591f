import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { compileFunction } from 'node:vm';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import * as aac from './aac/index.ts';
import * as amf from './amf/index.ts';
import * as bytes from './bytes/index.ts';
import * as flv from './flv/index.ts';
import * as hds from './hds/index.ts';
import * as all from './index.ts';
import * as m3u8 from './m3u8/index.ts';
import * as model from './model/index.ts';
import * as mp4 from './mp4/index.ts';
import * as mpegts from './mpegts/index.ts';
import * as remux from './remux/index.ts';

const MODULES: Readonly<Record<string, object>> = {
  '@sluice/media': all,
  '@sluice/media/aac': aac,
  '@sluice/media/amf': amf,
  '@sluice/media/bytes': bytes,
  '@sluice/media/flv': flv,
  '@sluice/media/hds': hds,
  '@sluice/media/m3u8': m3u8,
  '@sluice/media/model': model,
  '@sluice/media/mp4': mp4,
  '@sluice/media/mpegts': mpegts,
  '@sluice/media/remux': remux,
};

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);

/** The lines that an example says it prints: comments behind a `console.log`, or in the line under it. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*?\);(?:\s*\/\/ (.*))/g)].map(([, line = '']) => line);
}

/** Runs an example; returns what it prints, a line for each call. */
function printed(code: string): string[] {
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 };
  const { outputText } = ts.transpileModule(code, { compilerOptions: options });
  const lines: string[] = [];
  function load(name: string): object {
    const found = MODULES[name];
    if (found === undefined) throw new Error(`the example imports ${name}`);
    return found;
  }
  function log(...values: readonly unknown[]): void {
    lines.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
  }
  const run = compileFunction(outputText, ['require', 'exports', 'console']) as (
    load: (name: string) => object,
    exports: object,
    console: { log: (...values: readonly unknown[]) => void },
  ) => void;
  run(load, {}, { log });
  return lines;
}

describe('the README', () => {
  it('has an example for each container', () => {
    const imported = examples.join('').matchAll(/from '(@sluice\/media\/[a-z0-9]+)'/g);
    const names = new Set([...imported].map(([, name = '']) => name));
    for (const name of ['amf', 'model', 'flv', 'mpegts', 'mp4', 'm3u8', 'hds']) {
      expect(names).toContain(`@sluice/media/${name}`);
    }
  });

  it.each(examples)('prints what it says, example %#', (code) => {
    const wanted = promised(code);
    expect(wanted.length).toBeGreaterThan(0);
    expect(printed(code)).toEqual(wanted);
  });
});
