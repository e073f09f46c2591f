import { ConfigErrorCode } from './errors.ts';
import type { Argument, Directive } from './parse/index.ts';
import { isSwitchedOff, saysOff, vhostSection } from './sections/index.ts';
import type { SectionReader } from './sections/index.ts';

type Move = (typeof vhostSection.moves)[number];

/** What the flat directives of one vhost come to: for each block, the directives that belong in it. */
type Moved = Map<string, Directive[]>;

function put(moved: Moved, into: string, directive: Directive): void {
  const list = moved.get(into) ?? [];
  list.push(directive);
  moved.set(into, list);
}

function switchOn(moved: Moved, into: string, source: Directive): void {
  const word: Argument = { text: 'on', line: source.line, column: source.column, quoted: false };
  const already = moved.get(into)?.some((directive) => directive.name === 'enabled');
  if (already !== true) put(moved, into, { ...source, name: 'enabled', args: [word] });
}

function moveChildren(moved: Moved, move: Move, children: readonly Directive[], reader: SectionReader): void {
  for (const child of children) {
    const name = move.children?.[child.name];
    if (name === undefined) {
      const known = Object.keys(move.children ?? {})
        .map((candidate) => `\`${candidate}\``)
        .join(' and ');
      const message = `unknown directive \`${child.name}\` in ${move.from}, which takes ${known}`;
      reader.problem(ConfigErrorCode.Unknown, message, child);
    } else {
      put(moved, move.into, { ...child, name });
    }
  }
}

/** Adds the moved directives behind those of the first such block, so that the block's own win. */
function intoBlocks(directives: readonly Directive[], moved: Moved): readonly Directive[] {
  const result: Directive[] = [];
  for (const directive of directives) {
    const added = moved.get(directive.name);
    if (added === undefined || directive.block === undefined) {
      result.push(directive);
    } else {
      result.push({ ...directive, block: [...directive.block, ...added] });
      moved.delete(directive.name);
    }
  }
  for (const [name, block] of moved) {
    const first = block[0];
    if (first !== undefined) result.push({ ...first, name, args: [], block });
  }
  return result;
}

function moveInVhost(
  directives: readonly Directive[],
  moves: ReadonlyMap<string, Move>,
  reader: SectionReader,
): readonly Directive[] {
  const kept: Directive[] = [];
  const moved: Moved = new Map();
  for (const directive of directives) {
    const move = moves.get(directive.name);
    if (move === undefined || (directive.block !== undefined && move.children === undefined)) {
      kept.push(directive);
    } else if (directive.block !== undefined) {
      const { block } = directive;
      reader.inBlock(saysOff(block), () => {
        moveChildren(moved, move, block, reader);
      });
    } else {
      put(moved, move.into, { ...directive, name: move.as ?? directive.name });
      if (move.enables === true) switchOn(moved, move.into, directive);
    }
  }
  return intoBlocks(kept, moved);
}

/** What SRS 7 has in a block `rtmp` and its earlier versions at the root. */
const ROOT_NAMES = new Set(['listen', 'chunk_size']);

/** The directives of `rtmp {}` at the root, where they do not stand there already. */
function ofRtmpBlock(
  block: readonly Directive[],
  root: readonly Directive[],
  reader: SectionReader,
): Directive[] {
  return block.filter((child) => {
    if (ROOT_NAMES.has(child.name)) return !root.some(({ name }) => name === child.name);
    const message = `unknown directive \`${child.name}\` in rtmp, which takes \`listen\` and \`chunk_size\``;
    reader.problem(ConfigErrorCode.Unknown, message, child);
    return false;
  });
}

/**
 * Writes the flat spellings of SRS 2 as the blocks of later versions: `gop_cache off;` in a vhost becomes
 * `play { gop_cache off; }`. Where both are given, the block wins. Places stay those of the file. SRS 7's block
 * `rtmp` of the root is taken apart.
 */
export function moveFlatSpellings(
  directives: readonly Directive[],
  reader: SectionReader,
): readonly Directive[] {
  const moves = new Map(vhostSection.moves.map((move) => [move.from, move]));
  return directives.flatMap((directive) => {
    const { name, block } = directive;
    if (name === 'rtmp' && block !== undefined) return ofRtmpBlock(block, directives, reader);
    if (name !== 'vhost' || block?.some((child) => moves.has(child.name)) !== true) return directive;
    const off = isSwitchedOff(vhostSection, block);
    const moved = reader.inBlock(off, () => moveInVhost(block, moves, reader));
    return { ...directive, block: moved };
  });
}
