import { ConfigErrorCode } from '../errors.ts';
import type { Directive } from '../parse/index.ts';
import type { Field, Fields, Reader, Section, SectionValue } from './section.ts';

/** What a block's field says about itself. */
export interface BlockOptions {
  readonly means: string;
  /** Whether this version acts on the block; its directives then say so one by one. */
  readonly active?: boolean;
  readonly aliases?: readonly string[];
}

/** Whether a block asks for something: it has no `enabled`, or it is on. */
function isEnabled(value: unknown): boolean {
  return typeof value !== 'object' || value === null || !('enabled' in value) || value.enabled === true;
}

function blockOf(
  directive: Directive,
  reader: Reader,
  label: 'none' | 'optional' | 'required',
): readonly Directive[] {
  const { name, args } = directive;
  const written = label === 'none' ? name : `${name} NAME`;
  if (directive.block === undefined) {
    reader.problem(ConfigErrorCode.Shape, `\`${name}\` is a block: \`${written} { … }\``, directive);
  } else if (label === 'none' && args.length > 0) {
    reader.problem(
      ConfigErrorCode.Shape,
      `\`${name}\` takes no name: \`${written} { … }\``,
      directive,
      args[0],
    );
  } else if (args.length > 1) {
    reader.problem(
      ConfigErrorCode.Shape,
      `\`${name}\` takes one name: \`${written} { … }\``,
      directive,
      args[1],
    );
  } else if (label === 'required' && args.length === 0) {
    reader.problem(ConfigErrorCode.Shape, `\`${name}\` needs a name: \`${written} { … }\``, directive);
  }
  return directive.block ?? [];
}

/** A block that is given once. */
export function block<F extends Fields>(
  name: string,
  section: Section<F>,
  options: BlockOptions & { readonly asks?: (value: SectionValue<F>) => boolean },
): Field<SectionValue<F>> {
  const asks = options.asks ?? isEnabled;
  return {
    name,
    aliases: options.aliases ?? [],
    shape: '{ … }',
    default: section.defaults,
    defaultText: '',
    means: options.means,
    active: options.active ?? false,
    restart: false,
    kind: 'block',
    section,
    environment: 'none',
    read(directives, reader, context) {
      let first: SectionValue<F> | undefined;
      for (const directive of directives) {
        const within = first === undefined ? context : { ...context, noteInactive: false };
        const value = reader.section(section, blockOf(directive, reader, 'none'), within);
        first ??= value;
      }
      const [used, repeated] = directives;
      if (used !== undefined && repeated !== undefined) {
        const message = `the block \`${repeated.name}\` is given again; \`${used.name}\` of line ${used.line} counts`;
        reader.warn(message, repeated);
      }
      return first ?? section.defaults;
    },
    check: () => undefined,
    switchedOn: (value, directives) => (asks(value) ? directives[0] : undefined),
  };
}

/** A block of a list: its values, and the name after the directive (empty when there is none). */
export type Labelled<Value> = Value & { readonly label: string };

/** How the blocks of a list are named. */
export interface BlockListOptions extends BlockOptions {
  readonly label: 'none' | 'optional' | 'required';
  /** Two of one name are an error. */
  readonly unique?: boolean;
}

function refuseRepeatedLabels(directives: readonly Directive[], reader: Reader): void {
  const seen = new Map<string, Directive>();
  for (const directive of directives) {
    const label = directive.args[0]?.text ?? '';
    const before = seen.get(label);
    if (before === undefined) {
      seen.set(label, directive);
      continue;
    }
    const where = before.file === directive.file ? `line ${before.line}` : `${before.file}:${before.line}`;
    const title = label === '' ? `${directive.name} without a name` : `${directive.name} \`${label}\``;
    const message = `${title} of line ${directive.line} stands at ${where} already; give each its own name`;
    reader.problem(ConfigErrorCode.Duplicate, message, directive, directive.args[0]);
  }
}

/** A block that is given any number of times; the value is the list of them, in the order of the file. */
export function blockList<F extends Fields>(
  name: string,
  section: Section<F>,
  options: BlockListOptions,
): Field<readonly Labelled<SectionValue<F>>[]> {
  const shapes = { none: '{ … }', optional: '[NAME] { … }', required: 'NAME { … }' };
  return {
    name,
    aliases: options.aliases ?? [],
    shape: shapes[options.label],
    default: [],
    defaultText: '',
    means: options.means,
    active: options.active ?? false,
    restart: false,
    kind: 'blocks',
    section,
    environment: 'none',
    read(directives, reader, context) {
      if (options.unique === true) refuseRepeatedLabels(directives, reader);
      return directives.map((directive) => {
        const label = directive.args[0]?.text ?? '';
        const children = blockOf(directive, reader, options.label);
        const path = label === '' ? context.path : `${context.path}(${label})`;
        const off = children.some((child) => child.name === 'enabled' && child.args[0]?.text === 'off');
        const within = { path, noteInactive: context.noteInactive && !off };
        return { ...reader.section(section, children, within), label };
      });
    },
    check: () => undefined,
    switchedOn: (values, directives) => directives[values.findIndex(isEnabled)],
  };
}

/** One option of a free block, e.g. of ffmpeg: its name and its values, joined by spaces. */
export interface FreeOption {
  readonly name: string;
  readonly value: string;
}

/** A block of names that are not ours to know, such as ffmpeg's options. */
export function freeBlock(name: string, options: BlockOptions): Field<readonly FreeOption[]> {
  return {
    name,
    aliases: options.aliases ?? [],
    shape: '{ NAME VALUE; … }',
    default: [],
    defaultText: '',
    means: options.means,
    active: options.active ?? false,
    restart: false,
    kind: 'free',
    section: undefined,
    environment: 'none',
    read(directives, reader) {
      const [first] = directives;
      // Without a block it is an empty one, as SRS's own files have it.
      if (first === undefined || (first.block === undefined && first.args.length === 0)) return [];
      const children = blockOf(first, reader, 'none');
      for (const child of children) {
        if (child.block !== undefined) {
          reader.problem(ConfigErrorCode.Shape, `\`${child.name}\` takes values and no block here`, child);
        }
      }
      return children.map((child) => ({
        name: child.name,
        value: child.args.map((argument) => argument.text).join(' '),
      }));
    },
    check: () => undefined,
    switchedOn: (value, directives) => (value.length > 0 ? directives[0] : undefined),
  };
}
