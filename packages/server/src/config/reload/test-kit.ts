import { loadConfig } from '../load.ts';
import { type Field, type Fields, rootSection, type Section } from '../sections/index.ts';
import type { Config } from '../types.ts';
import { planReload } from './plan.ts';

/** Every directive with values that this version acts on, by its path: `vhost.play.gop_cache`. */
export function activeDirectives(section: Section<Fields> = rootSection, path = ''): string[] {
  return Object.values<Field<unknown>>(section.fields).flatMap((field) => {
    if (!field.active || field.kind === 'free') return [];
    const name = `${path}${field.name}`;
    return field.section === undefined ? [name] : activeDirectives(field.section, `${name}.`);
  });
}

/** The words that directives of a name may have, for those with a choice of them. */
function choices(name: string, section: Section<Fields> = rootSection): string[] {
  return Object.values<Field<unknown>>(section.fields).flatMap((field) => [
    ...(field.name === name || field.aliases.includes(name) ? field.shape.split('|') : []),
    ...(field.section === undefined ? [] : choices(name, field.section)),
  ]);
}

/** Other values for a line with a directive, and, at the end, none. */
function* variants(line: string): Generator<string> {
  const [, indent = '', name = '', rest = ''] = /^(\s*)(\S+)\s*(.*);$/.exec(line) ?? [];
  const others: string[] = choices(name).filter((word) => /^[a-z\d_]+$/.test(word));
  if (/^\d/.test(rest)) {
    const number = Number.parseFloat(rest);
    others.push(
      String(number + 1),
      rest.replace(/^\d+/, String(Math.floor(number / 2))),
      rest.replace(/\d+/, String(number * 2)),
    );
  }
  // Keys go with certificates, words with words of their kind.
  others.push(
    `${rest}x`,
    rest.replace(/\w+$/, '$&x'),
    rest.replace(/"$/, 'x"'),
    rest.replace(/[^/.]+$/, 'HS256'),
  );
  others.push(
    rest.replace(/\.\w+$/, '.ts'),
    'HS256',
    'play all',
    '"another secret of 32 characters or more"',
  );
  others.push('TLSv1.3');
  for (const other of others) if (other !== rest && other !== '') yield `${indent}${name} ${other};`;
  yield '';
}

/** Another configuration: what differs in it from the whole one. */
export interface LineChange {
  readonly line: string;
  readonly config: Config;
}

/** For each line with a directive, the first other text of it that is a configuration, and another one. */
export function* lineChanges(text: string, load = loadText): Generator<LineChange> {
  const lines = text.split('\n');
  const whole = load(text);
  for (const [index, line] of lines.entries()) {
    if (!/^\s*[a-z]\S*( .*)?;$/.test(line)) continue;
    for (const variant of variants(line)) {
      let config;
      try {
        config = load(lines.with(index, variant).join('\n'));
      } catch {
        // No value of this directive, or another one needs it as it is.
        continue;
      }
      if (planReload(whole, config).length === 0) continue;
      yield { line, config };
      break;
    }
  }
}

function loadText(text: string): Config {
  return loadConfig({ text, env: {} });
}
