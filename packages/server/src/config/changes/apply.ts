import type { Directive } from '../parse/index.ts';
import type { ConfigEdit } from './edit.ts';
import { findSetting, type Setting, SettingError, withSetting, writtenValue } from './settings.ts';

/** Anything with a scheme. */
const URL_LIKE = /^[a-z][a-z\d+.-]*:/i;

/** Directives under changes by the API. */
export interface EditedDirectives {
  readonly directives: readonly Directive[];
  /** Changes that don't fit, by their ids, with what is wrong: they are left out, each as a whole. */
  readonly unfit: ReadonlyMap<string, SettingError>;
}

/**
 * Lays changes over the directives of a configuration, the oldest first. The directives have the flat spellings moved
 * into blocks already.
 *
 * @param file - where the changes stand, for problems of their values
 */
export function applyEdits(
  directives: readonly Directive[],
  edits: readonly ConfigEdit[],
  file: string,
): EditedDirectives {
  const unfit = new Map<string, SettingError>();
  let edited = directives;
  for (const edit of edits) {
    try {
      edited = withEdit(edited, edit, file);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      unfit.set(edit.id, error);
    }
  }
  return { directives: edited, unfit };
}

/** The URLs that changes name, but for those that the administrator's own directives name, too. */
export function urlsByApi(edits: readonly ConfigEdit[], directives: readonly Directive[]): readonly string[] {
  const urls = new Set<string>();
  for (const { settings } of edits) {
    for (const { value } of Object.values(settings)) {
      const texts = typeof value === 'string' ? [value] : (value ?? []);
      // A directive may take the text as a whole, or its words.
      const words = texts.flatMap((text) => [text, ...text.split(/\s+/)]);
      for (const word of words) if (URL_LIKE.test(word)) urls.add(word);
    }
  }
  if (urls.size > 0) removeWritten(urls, directives);
  return [...urls];
}

function removeWritten(urls: Set<string>, directives: readonly Directive[]): void {
  for (const { args, block } of directives) {
    for (const { text } of args) urls.delete(text);
    if (block !== undefined) removeWritten(urls, block);
  }
}

function withEdit(directives: readonly Directive[], edit: ConfigEdit, file: string): readonly Directive[] {
  const { id, settings, vhost } = edit;
  const place = { file, line: 0, column: 0, origin: `change ${id} (mend it here, or take it out)` };
  const within = (inner: readonly Directive[]): readonly Directive[] => {
    let result = inner;
    for (const [name, { value }] of Object.entries(settings)) {
      const setting = findSetting(vhost === undefined ? 'root' : 'vhost', name);
      result = withSetting(result, setting, value, place);
    }
    return result;
  };
  if (vhost === undefined) return within(directives);
  const found = findVhostBlock(directives, vhost);
  const block = within(found.block ?? []);
  return directives.map((directive) => (directive === found ? { ...found, block } : directive));
}

function findVhostBlock(directives: readonly Directive[], vhost: string): Directive {
  const found = directives.find(({ name, args }) => name === 'vhost' && args[0]?.text === vhost);
  if (found === undefined) throw new SettingError('no-such-block', `there is no vhost \`${vhost}\``);
  return found;
}

/**
 * What is written of a setting now, under the changes that are there; null for nothing.
 *
 * @throws SettingError when there is no such vhost
 */
export function writtenBefore(
  directives: readonly Directive[],
  vhost: string | undefined,
  setting: Setting,
): string | null {
  const siblings = vhost === undefined ? directives : (findVhostBlock(directives, vhost).block ?? []);
  const written = writtenValue(siblings, setting);
  if (written === undefined) return null;
  return setting.secret ? '(secret)' : written;
}
