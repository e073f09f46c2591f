import { rootSection } from './sections/index.ts';
import type { Field, Fields, Section } from './sections/index.ts';

/** A text as the cell of a Markdown table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function code(text: string): string {
  return text === '' ? '' : `\`${cell(text)}\``;
}

/** Plain words stay plain: only a default that one could type is code. */
function defaultCell(field: Field<unknown>): string {
  return field.defaultText.includes(' of the ') ? field.defaultText : code(field.defaultText);
}

function row(field: Field<unknown>): string {
  const aliases = field.aliases.map((alias) => `, ${code(alias)}`).join('');
  const state = field.active ? (field.restart ? 'active, after a restart' : 'active') : 'accepted';
  const cells = [code(field.name) + aliases, code(field.shape), defaultCell(field), cell(field.means), state];
  return `| ${cells.join(' | ')} |`;
}

/** One heading and table for each block, those of a block right behind it. */
function sectionText(section: Section<Fields>, path: string, seen: Set<Section<Fields>>): readonly string[] {
  if (seen.has(section)) return [];
  seen.add(section);
  const fields = Object.values<Field<unknown>>(section.fields);
  const heading = path === '' ? '### The root' : `### ${path}`;
  const table = ['| directive | values | default | meaning | state |', '| --- | --- | --- | --- | --- |'];
  const inner = fields.flatMap((field) =>
    field.section === undefined
      ? []
      : sectionText(field.section, path === '' ? `\`${field.name}\`` : `${path} › \`${field.name}\``, seen),
  );
  return [heading, '', ...table, ...fields.map(row), '', ...movesText(section), ...inner];
}

function movesText(section: Section<Fields>): readonly string[] {
  if (section.moves.length === 0) return [];
  const lines = section.moves.map((move) => {
    const to = move.as === undefined ? move.into : `${move.into} { ${move.as} … }`;
    return `| \`${move.from}\` | \`${to}\` |`;
  });
  return [
    'Spellings of SRS 2, right in the vhost, and what they stand for:',
    '',
    '| directive | stands for |',
    '| --- | --- |',
    ...lines,
    '',
  ];
}

/** The reference of all directives in Markdown, made from the tables that validate them. */
export function directiveReference(): string {
  return sectionText(rootSection, '', new Set()).join('\n').trimEnd();
}
