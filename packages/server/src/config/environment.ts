import type { Argument, Directive, Environment } from './parse/index.ts';
import { nearestName, rootSection } from './sections/index.ts';
import type { Field, Fields, Section, SectionReader } from './sections/index.ts';
import { DEFAULT_VHOST } from './vhost-names.ts';

/** The directive that a variable stands for. */
interface Variable {
  /** Names from the root down, the last one a directive with values. */
  readonly path: readonly string[];
  readonly list: boolean;
}

const PREFIX = 'SRS_';
/** Variables with a meaning of their own: they are no directives. */
const CONTROLS = new Set(['SRS_ENV_ONLY', 'SRS_CONFIG_FILE']);

/** `srs_log_tank` is both `SRS_SRS_LOG_TANK` and `SRS_LOG_TANK`. */
function namesOf(prefix: string, name: string): readonly string[] {
  const full = prefix + name.toUpperCase();
  return name.startsWith('srs_') ? [full, prefix + name.slice('srs_'.length).toUpperCase()] : [full];
}

function addSection(
  variables: Map<string, Variable>,
  section: Section<Fields>,
  prefix: string,
  path: readonly string[],
): void {
  function add(name: string, variable: Variable): void {
    for (const full of namesOf(prefix, name)) {
      if (!variables.has(full)) variables.set(full, variable);
    }
  }
  for (const field of Object.values<Field<unknown>>(section.fields)) {
    for (const name of [field.name, ...field.aliases]) {
      const inner = [...path, field.name];
      if (field.section !== undefined)
        addSection(variables, field.section, `${prefix}${name.toUpperCase()}_`, inner);
      else if (field.environment !== 'none') add(name, { path: inner, list: field.environment === 'list' });
    }
  }
  for (const move of section.moves) {
    const block = section.byName.get(move.into)?.section;
    for (const [name, inner] of Object.entries(move.children ?? {})) {
      const list = block?.byName.get(inner)?.environment === 'list';
      add(`${move.from}_${name}`, { path: [...path, move.into, inner], list });
    }
    const moved = move.as === undefined ? undefined : block?.byName.get(move.as);
    if (moved !== undefined)
      add(move.from, { path: [...path, move.from], list: moved.environment === 'list' });
  }
}

/** Every variable that stands for a directive, by its name. */
export function environmentVariables(): ReadonlyMap<string, readonly string[]> {
  return new Map([...knownVariables()].map(([name, variable]) => [name, variable.path]));
}

function knownVariables(): ReadonlyMap<string, Variable> {
  const variables = new Map<string, Variable>();
  addSection(variables, rootSection, PREFIX, []);
  return variables;
}

/** Puts a directive into a tree of blocks; `path` leads from `siblings` to its name. */
function plant(siblings: Directive[], path: readonly string[], leaf: Directive, atRoot = true): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    siblings.push({ ...leaf, name });
    return;
  }
  const index = siblings.findIndex((sibling) => sibling.name === name && sibling.block !== undefined);
  const found = siblings[index];
  const block = [...(found?.block ?? [])];
  plant(block, rest, leaf, false);
  if (found !== undefined) {
    siblings[index] = { ...found, block };
    return;
  }
  const label: Argument = { text: DEFAULT_VHOST, line: 0, column: 0, quoted: false };
  siblings.push({ ...leaf, name, args: atRoot && name === 'vhost' ? [label] : [], block });
}

/**
 * The directives that the `SRS_…` variables stand for. A value with spaces is a list where the directive
 * takes one. An empty value counts as not set. A name that stands for nothing is warned of.
 */
export function environmentDirectives(environment: Environment, reader: SectionReader): readonly Directive[] {
  const known = knownVariables();
  const directives: Directive[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || CONTROLS.has(name) || value === undefined || value.trim() === '')
      continue;
    const variable = known.get(name);
    if (variable === undefined) {
      const nearest = nearestName(name, known.keys());
      const remedy = nearest === undefined ? '' : `; did you mean \`${nearest}\`?`;
      reader.warn(`the environment variable \`${name}\` stands for no directive${remedy}`, {
        file: 'environment',
        line: 0,
        column: 0,
      });
      continue;
    }
    const texts = variable.list ? value.trim().split(/\s+/) : [value.trim()];
    const args = texts.map((text) => ({ text, line: 0, column: 0, quoted: true }));
    const place = { file: 'environment', line: 0, column: 0 };
    plant(directives, variable.path, { ...place, name: variable.path[0] ?? '', args, origin: name });
  }
  return directives;
}

/** Whether two directives of one block are the same one, whatever its spelling. */
function isSame(left: Directive, right: Directive, section: Section<Fields>): boolean {
  const field = section.byName.get(left.name);
  if (left.name !== right.name) return field !== undefined && field === section.byName.get(right.name);
  // Of other blocks that may be given many times, a variable means the first.
  const isVhost = left.name === 'vhost' && field?.kind === 'blocks';
  return !isVhost || left.args[0]?.text === right.args[0]?.text;
}

/**
 * Lays the environment's directives over those of a file: each takes the place of the file's, and a block
 * is merged with the first one of its name. Both have the flat spellings moved into blocks already.
 */
export function overlayDirectives(
  directives: readonly Directive[],
  overlay: readonly Directive[],
  section: Section<Fields> = rootSection,
): readonly Directive[] {
  let result = [...directives];
  for (const over of overlay) {
    const index = result.findIndex((directive) => isSame(directive, over, section));
    const found = result[index];
    const inner = section.byName.get(over.name)?.section;
    if (over.block !== undefined && found?.block !== undefined && inner !== undefined) {
      result[index] = { ...found, block: overlayDirectives(found.block, over.block, inner) };
    } else {
      result = result.filter((directive) => !isSame(directive, over, section));
      result.push(over);
    }
  }
  return result;
}
