import type { VhostConfig } from '../../config/types.ts';
import { type Disk, filesUnder, type TreeFile } from '../disk/index.ts';
import { fileTemplate, templateRoot, templateShape } from './recording-paths.ts';

/** What may be kept of the files of one template. */
export interface KeepRule {
  /** Directory that they all are under. */
  readonly root: string;
  /** The form of their paths: no other file is ever touched. */
  readonly shape: RegExp;
  /** Age at which a file goes, ms; 0 is never. */
  readonly maxAgeMs: number;
  /** Bytes that all of them may have together; 0 is no limit. */
  readonly maxBytes: number;
}

/** What became of the files of a rule. */
export interface RetentionResult {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
  readonly keptBytes: number;
  /** Why the first of those that could not be removed stayed. */
  readonly problem?: unknown;
}

const DAY_MS = 86_400_000;

/**
 * The rules of these vhosts. Vhosts that write to the same paths share a rule: nobody can tell whose a file is, so
 * what one of them wants to keep is kept.
 */
export function keepRules(vhosts: Iterable<Pick<VhostConfig, 'name' | 'dvr'>>): KeepRule[] {
  const rules = new Map<string, KeepRule>();
  for (const { name, dvr } of vhosts) {
    const template = fileTemplate(dvr.path);
    const shape = templateShape(template, { vhost: name });
    const rule = {
      root: templateRoot(template),
      shape,
      maxAgeMs: dvr.keepDays * DAY_MS,
      maxBytes: dvr.keepBytes,
    };
    const other = rules.get(shape.source);
    rules.set(shape.source, other === undefined ? rule : mildest(rule, other));
  }
  return [...rules.values()].filter(({ maxAgeMs, maxBytes }) => maxAgeMs > 0 || maxBytes > 0);
}

function mildest(one: KeepRule, other: KeepRule): KeepRule {
  return {
    ...one,
    maxAgeMs: mildestLimit(one.maxAgeMs, other.maxAgeMs),
    maxBytes: mildestLimit(one.maxBytes, other.maxBytes),
  };
}

/** 0 is no limit. */
function mildestLimit(one: number, other: number): number {
  return one === 0 || other === 0 ? 0 : Math.max(one, other);
}

/**
 * Removes what a rule doesn't keep, oldest first.
 *
 * @param inUse - whether a file is being written: it counts, but stays
 * @param now - ms since the epoch
 * @throws DiskError when the directory can't be read
 */
export async function applyRetention(
  disk: Disk,
  rule: KeepRule,
  inUse: (path: string) => boolean,
  now: number,
): Promise<RetentionResult> {
  const files: TreeFile[] = [];
  let bytes = 0;
  for await (const file of filesUnder(disk, rule.root)) {
    if (!rule.shape.test(file.path)) continue;
    files.push(file);
    bytes += file.size;
  }
  files.sort((one, other) => one.modifiedMs - other.modifiedMs);
  let removed = 0;
  let removedBytes = 0;
  let problem: unknown;
  for (const { path, size, modifiedMs } of files) {
    const tooOld = rule.maxAgeMs > 0 && now - modifiedMs > rule.maxAgeMs;
    const tooMuch = rule.maxBytes > 0 && bytes - removedBytes > rule.maxBytes;
    if (!tooOld && !tooMuch) break;
    if (inUse(path)) continue;
    try {
      await disk.remove(path);
      removed += 1;
      removedBytes += size;
    } catch (error) {
      problem ??= error;
    }
  }
  const result = { removed, removedBytes, kept: files.length - removed, keptBytes: bytes - removedBytes };
  return problem === undefined ? result : { ...result, problem };
}
