import { posix, resolve } from 'node:path';

import type { Config, VhostConfig } from '../config/index.ts';
import { isGuarded } from '../security/index.ts';
import type { PlaceKind } from '../servers/guarded-files/index.ts';
import { PATH_VARIABLE, PathPattern } from '../sinks/disk/index.ts';
import { recordingTemplate } from '../sinks/dvr/index.ts';
import { HDS_TEMPLATES } from '../sinks/hds/index.ts';

/** Templates of earlier configurations that are remembered; the oldest are forgotten first. */
const MAX_FORMER = 1_000;

/** Files that are taken for a stream's although no template explains their names. */
const HLS_FILE = /\.(m3u8?|ts|key|m4s)(?=$|[.~-])/i;
const HDS_FILE = /\.(f4m|abst|f4f)(?=$|[.~-])|seg\d+-frag\d+/i;
const RECORDING = /\.(flv|mp4)(?=$|[.~-])/i;

/** Vhosts that name files by the same template in the same directory. */
export interface TemplateGroup {
  readonly kind: PlaceKind;
  readonly pattern: PathPattern;
  /** Those that not everyone may play; none where the files are everyone's. */
  readonly vhosts: readonly string[];
  /** Counts where no other template explains a file: nothing is written by it unless the API asks for it. */
  readonly weak: boolean;
  /** Equal for groups that name the same files. */
  readonly key: string;
}

/** A directory that vhosts write to. */
export interface FileRoot {
  /** Absolute. */
  readonly path: string;
  readonly groups: readonly TemplateGroup[];
  /** Vhosts that not everyone may play, with the names that are taken for theirs. */
  readonly territories: readonly { readonly vhost: string; readonly files: RegExp }[];
}

interface Template {
  readonly kind: PlaceKind;
  readonly vhost: VhostConfig;
  /** Absolute. */
  readonly text: string;
  readonly numbered: boolean;
  readonly weak: boolean;
}

/** Not everyone may play the streams of a vhost, or not from every page. */
export function isRestricted(vhost: VhostConfig): boolean {
  return vhost.refer.enabled || isGuarded(vhost);
}

/**
 * All directories that streams are written to; none when everyone may play everything.
 *
 * @param before - those of the configuration before: its files are still on disk
 */
export function fileRoots(
  config: Config,
  before: readonly FileRoot[] = [],
  configBefore?: Config,
): readonly FileRoot[] {
  const vhosts = [...config.vhosts.values()].filter((vhost) => vhost.enabled || isRestricted(vhost));
  const former = formerGroups(before, configBefore);
  if (former.length === 0 && !vhosts.some(isRestricted)) return [];
  const roots = new RootMap();
  for (const vhost of vhosts) {
    for (const template of templatesOf(vhost)) roots.addTemplate(template);
    if (isRestricted(vhost))
      for (const { path, files } of territoriesOf(vhost)) roots.addTerritory(path, vhost, files);
  }
  for (const { path, group } of former) roots.addFormer(path, group);
  return roots.all();
}

/** What not everyone could play so far. */
function formerGroups(
  before: readonly FileRoot[],
  config: Config | undefined,
): { readonly path: string; readonly group: TemplateGroup }[] {
  const former = before.flatMap(({ path, groups }) =>
    groups.filter(({ vhosts, weak }) => vhosts.length > 0 && !weak).map((group) => ({ path, group })),
  );
  return config === undefined ? [] : former.slice(-MAX_FORMER);
}

class RootMap {
  readonly #roots = new Map<
    string,
    {
      readonly groups: Map<string, { readonly group: TemplateGroup; readonly vhosts: Set<string> }>;
      readonly territories: { readonly vhost: string; readonly files: RegExp }[];
    }
  >();

  addTemplate({ kind, vhost, text, numbered, weak }: Template): void {
    const { root, rest } = split(text);
    const { groups } = this.#root(root);
    const key = JSON.stringify([kind, rest.includes('[vhost]') ? vhost.name : '', rest, weak]);
    let known = groups.get(key);
    if (known === undefined) {
      const pattern = new PathPattern(rest, { vhost: vhost.name, numbered });
      known = { group: { kind, pattern, vhosts: [], weak, key }, vhosts: new Set() };
      groups.set(key, known);
    }
    if (isRestricted(vhost)) known.vhosts.add(vhost.name);
  }

  addFormer(path: string, group: TemplateGroup): void {
    const { groups } = this.#root(path);
    const known = groups.get(group.key) ?? { group, vhosts: new Set<string>() };
    groups.set(group.key, known);
    for (const vhost of group.vhosts) known.vhosts.add(vhost);
  }

  addTerritory(path: string, { name }: VhostConfig, files: RegExp): void {
    this.#root(path).territories.push({ vhost: name, files });
  }

  all(): FileRoot[] {
    return [...this.#roots].map(([path, { groups, territories }]) => ({
      path,
      territories,
      groups: [...groups.values()].map(({ group, vhosts }) => ({ ...group, vhosts: [...vhosts] })),
    }));
  }

  #root(path: string) {
    let root = this.#roots.get(path);
    if (root === undefined) {
      root = { groups: new Map(), territories: [] };
      this.#roots.set(path, root);
    }
    return root;
  }
}

function templatesOf(vhost: VhostConfig): Template[] {
  const { hls, hds, dvr } = vhost;
  const templates: Template[] = [];
  const add = (kind: PlaceKind, directory: string, template: string): void => {
    // A template that begins with a slash is below the directory all the same.
    const text = resolve(posix.join(directory, template));
    templates.push({ kind, vhost, text, numbered: false, weak: false });
  };
  if (hls.enabled) {
    add('playlist', hls.path, hls.playlistFile);
    // Both stand for the number then.
    const { floor, segmentFile } = hls;
    add('segment', hls.path, floor ? segmentFile.replaceAll('[timestamp]', '[seq]') : segmentFile);
    add('key', hls.keyFilePath, hls.keyFile);
  }
  if (hds.enabled) for (const template of HDS_TEMPLATES) add('hds', hds.path, template);
  const text = resolve(recordingTemplate(dvr.path));
  templates.push({ kind: 'recording', vhost, text, numbered: true, weak: !dvr.enabled });
  return templates;
}

function territoriesOf({ hls, hds, dvr }: VhostConfig): { readonly path: string; readonly files: RegExp }[] {
  const territories: { path: string; files: RegExp }[] = [];
  if (hls.enabled) territories.push({ path: resolve(hls.path), files: HLS_FILE });
  if (hls.enabled && hls.keys) territories.push({ path: resolve(hls.keyFilePath), files: HLS_FILE });
  if (hds.enabled) territories.push({ path: resolve(hds.path), files: HDS_FILE });
  if (dvr.enabled) {
    const { root } = split(resolve(recordingTemplate(dvr.path)));
    territories.push({ path: root, files: RECORDING });
  }
  return territories;
}

/** The directory that all files of a template are beneath, and the rest of it. */
function split(template: string): { readonly root: string; readonly rest: string } {
  const variableAt = template.search(PATH_VARIABLE);
  const fixed = variableAt < 0 ? template : template.slice(0, variableAt);
  const slashAt = fixed.lastIndexOf('/');
  return { root: fixed.slice(0, slashAt) || '/', rest: template.slice(slashAt + 1) };
}
