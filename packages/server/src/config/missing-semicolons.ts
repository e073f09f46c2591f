import type { Directive } from './parse/index.ts';
import type { Fields, Section, SectionReader } from './sections/index.ts';

/** Where the first directive ends that has swallowed the next: the index of the value that is the next one's name. */
function endOf(directive: Directive, section: Section<Fields>): number {
  let { line } = directive;
  for (const [index, argument] of directive.args.entries()) {
    if (argument.line > line && !argument.quoted && section.knows(argument.text)) return index;
    line = argument.line;
  }
  return -1;
}

function split(
  directive: Directive,
  section: Section<Fields>,
  reader: SectionReader,
): readonly [Directive, ...Directive[]] {
  const end = endOf(directive, section);
  const next = directive.args[end];
  if (next === undefined) return [directive];
  const { block, ...bare } = directive;
  const first: Directive = { ...bare, args: directive.args.slice(0, end) };
  const last = first.args.at(-1)?.line ?? directive.line;
  const message = `a \`;\` is missing at the end of line ${last}, before \`${next.text}\`: read as if it were there`;
  reader.warn(message, { file: directive.file, line: last, column: 0 });
  const { text: name, line, column } = next;
  const rest: Directive = {
    ...bare,
    name,
    line,
    column,
    args: directive.args.slice(end + 1),
    ...(block === undefined ? {} : { block }),
  };
  return [first, ...split(rest, section, reader)];
}

/**
 * Ends directives that have swallowed the next line, for want of a `;`: some of SRS's own files have such lines, and
 * SRS runs with them. A value on a line of its own that is the name of a directive of the same block is one.
 */
export function endDirectives(
  directives: readonly Directive[],
  section: Section<Fields>,
  reader: SectionReader,
): readonly Directive[] {
  const ended = directives.flatMap((directive) => split(directive, section, reader));
  let isSame = ended.length === directives.length;
  const result = ended.map((directive) => {
    const inner = section.byName.get(directive.name)?.section;
    if (directive.block === undefined || inner === undefined) return directive;
    const block = endDirectives(directive.block, inner, reader);
    if (block === directive.block) return directive;
    isSame = false;
    return { ...directive, block };
  });
  return isSame ? directives : result;
}
