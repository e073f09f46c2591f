import { ConfigErrorCode } from './errors.ts';
import type { Argument, Directive } from './parse/index.ts';
import { guardSections, isSwitchedOff } from './sections/index.ts';
import type { Field, Fields, Section, SectionReader } from './sections/index.ts';

/** Where the directives stand. */
interface Scope {
  /** Undefined in a block of names that are not ours to know. */
  readonly section: Section<Fields> | undefined;
  readonly reader: SectionReader;
  /** Whether the block, or one around it, is switched off. */
  readonly off: boolean;
}

function named(argument: Argument | undefined): string {
  return `the environment variable \`${argument?.unset?.name ?? ''}\` is not set`;
}

/** Whether the directive is to be read; says so where it isn't, or where a value is not what was meant. */
function settle(directive: Directive, field: Field<unknown> | undefined, scope: Scope): boolean {
  const { reader, section } = scope;
  const whole = directive.args.find(({ unset }) => unset?.whole === true);
  const argument = whole ?? directive.args.find(({ unset }) => unset !== undefined);
  if (argument === undefined) return true;
  const isValue = field?.kind === 'value' || field?.kind === 'rules';
  if (isValue && guardSections.has(section) && !scope.off) {
    const message = `${named(argument)}, and \`${directive.name}\` decides who gets in: set it, or write \`\\$\` for a literal \`$\``;
    reader.problem(ConfigErrorCode.Variable, message, directive, argument);
    return false;
  }
  if (isValue && whole !== undefined) {
    const value = field.defaultText === '' ? 'its default' : `its default, \`${field.defaultText}\``;
    reader.warn(`${named(argument)}: \`${directive.name}\` has ${value}`, {
      ...directive,
      line: argument.line,
    });
    return false;
  }
  const message = `${named(argument)}: \`${argument.text}\` stays as it is written; write \`\\$\` for a literal \`$\``;
  reader.warn(message, { ...directive, line: argument.line });
  return true;
}

function settleIn(directives: readonly Directive[], scope: Scope): readonly Directive[] {
  const result = directives.flatMap((directive) => {
    const field = scope.section?.byName.get(directive.name);
    if (!settle(directive, field, scope)) return [];
    if (directive.block === undefined) return [directive];
    const section = field?.section;
    const off = scope.off || (section !== undefined && isSwitchedOff(section, directive.block));
    const block = settleIn(directive.block, { ...scope, section, off });
    return [block === directive.block ? directive : { ...directive, block }];
  });
  const isSame =
    result.length === directives.length &&
    result.every((directive, index) => directive === directives[index]);
  return isSame ? directives : result;
}

/**
 * Settles what values mean whose environment variable is not set, each with a warning: a directive whose value is
 * nothing but the variable has its default, as SRS has it for `candidate $CANDIDATE`; within a longer value, or as a
 * block's name, the variable stays as it is written.
 *
 * In blocks that decide who gets in (`guardSections`) it is an error: their defaults let everybody in.
 */
export function settleUnsetVariables(
  directives: readonly Directive[],
  section: Section<Fields>,
  reader: SectionReader,
): readonly Directive[] {
  return settleIn(directives, { section, reader, off: false });
}
