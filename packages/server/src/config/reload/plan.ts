import { rootSection, vhostSection } from '../sections/index.ts';
import type { Config, VhostConfig } from '../types.ts';
import { type Difference, differences } from './differences.ts';
import { keepUnchanged } from './keep-unchanged.ts';

/** The parts of a configuration outside its vhosts. */
export type RootPart = Exclude<keyof Config, 'vhosts' | 'inactive' | 'warnings' | 'urlsByApi'>;
/** The parts of a vhost. */
export type VhostPart = Exclude<keyof VhostConfig, 'name' | 'enabled'>;

/** One thing that a reload does. */
export type ConfigChange =
  | { readonly kind: 'root'; readonly part: RootPart; readonly differences: readonly Difference[] }
  /** It is there, or on, now. */
  | { readonly kind: 'vhost-added'; readonly vhost: VhostConfig }
  /** It is no longer there, or off: its clients have to go (C006). */
  | { readonly kind: 'vhost-removed'; readonly vhost: VhostConfig }
  | {
      readonly kind: 'vhost-changed';
      readonly before: VhostConfig;
      readonly after: VhostConfig;
      readonly parts: readonly VhostPart[];
      readonly differences: readonly Difference[];
    };

const NOT_ROOT_PARTS: readonly string[] = ['vhosts', 'inactive', 'warnings', 'urlsByApi'];
const NOT_VHOST_PARTS: readonly string[] = ['name', 'enabled'];

/** The root with the properties of its table, for the names of the directives. */
function rootValues(config: Config, part: RootPart): Readonly<Record<string, unknown>> {
  if (part !== 'log') return { [part]: config[part] };
  const { tank, level, format, file, utc } = config.log;
  return { logTank: tank, logLevel: level, logFormat: format, logFile: file, utcTime: utc };
}

function vhostValues(vhost: VhostConfig, rootChunkSize: number): Readonly<Record<string, unknown>> {
  const { publish, chunkSize, name: _name, enabled: _enabled, ...rest } = vhost;
  const { mergedRead, ...ofPublish } = publish;
  return {
    ...rest,
    // A vhost without a size of its own follows the root, where the change is told.
    ...(chunkSize === rootChunkSize ? {} : { chunkSize }),
    publish: { ...ofPublish, mergedRead: mergedRead.enabled, mergedReadLatencyMs: mergedRead.latencyMs },
  };
}

function rootChanges(before: Config, after: Config): ConfigChange[] {
  const changes: ConfigChange[] = [];
  for (const key of Object.keys(after)) {
    if (NOT_ROOT_PARTS.includes(key)) continue;
    const part = key as RootPart;
    if (before[part] === after[part]) continue;
    const [was, is] = [rootValues(before, part), rootValues(after, part)];
    changes.push({ kind: 'root', part, differences: differences(rootSection, was, is, '') });
  }
  return changes;
}

function vhostChange(
  [before, rootBefore]: readonly [VhostConfig, Config],
  [after, rootAfter]: readonly [VhostConfig, Config],
): ConfigChange {
  const parts = Object.keys(after).filter(
    (key) => !NOT_VHOST_PARTS.includes(key) && before[key as VhostPart] !== after[key as VhostPart],
  ) as VhostPart[];
  const was = vhostValues(before, rootBefore.chunkSize);
  const is = vhostValues(after, rootAfter.chunkSize);
  return {
    kind: 'vhost-changed',
    before,
    after,
    parts,
    differences: differences(vhostSection, was, is, ''),
  };
}

function isOn(vhost: VhostConfig | undefined): vhost is VhostConfig {
  return vhost?.enabled === true;
}

/**
 * Works out what a reload from one configuration to another does, in the order of the new file: the root first, then
 * the vhosts that go, come and change. A vhost that is off is as good as not there.
 */
export function planReload(before: Config, next: Config): ConfigChange[] {
  const after = keepUnchanged(before, next);
  if (after === before) return [];
  const changes = rootChanges(before, after);
  for (const [name, vhost] of before.vhosts) {
    if (isOn(vhost) && !isOn(after.vhosts.get(name))) changes.push({ kind: 'vhost-removed', vhost });
  }
  for (const [name, vhost] of after.vhosts) {
    if (!isOn(vhost)) continue;
    const old = before.vhosts.get(name);
    if (!isOn(old)) changes.push({ kind: 'vhost-added', vhost });
    else if (old !== vhost) changes.push(vhostChange([old, before], [vhost, after]));
  }
  return changes;
}

/** Why a reload with these changes can't be done; undefined when it can (C006). */
export function reloadProblem(changes: readonly ConfigChange[]): string | undefined {
  for (const change of changes) {
    if (change.kind !== 'vhost-changed') continue;
    const { before, after } = change;
    if (before.cluster.mode === after.cluster.mode) continue;
    return (
      `vhost ${after.name} can't turn from \`mode ${before.cluster.mode}\` to \`mode ${after.cluster.mode}\` ` +
      'while the server runs; restart it, or make a vhost of another name'
    );
  }
  return undefined;
}
