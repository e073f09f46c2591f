import type { VhostConfig } from '../../config/index.ts';
import { formOf, type LiveForm, liveForms } from './forms.ts';

/** The stream that a path stands for. */
export interface MountedStream {
  readonly app: string;
  readonly stream: string;
}

/** A mount template such as `[vhost]/[app]/[stream].flv`, ready to match paths. */
export interface Mount {
  readonly template: string;
  readonly form: LiveForm;
  /**
   * It stands in the configuration. The others follow from it: the same template with another extension, served
   * while its stream is published and no longer, so that the path of a file that looks like it stays a file's.
   */
  readonly configured: boolean;
  match(path: string): MountedStream | undefined;
}

/**
 * Prepares the live mounts of a vhost (H008), the configured ones first. The part in front of the first slash is
 * the host: `[vhost]` is the vhost itself and a template without it takes any host that leads to the vhost.
 */
export function liveMounts(vhost: VhostConfig): Mount[] {
  if (!vhost.httpRemux.enabled) return [];
  const mounts = new Map<string, Mount>();
  for (const template of vhost.httpRemux.mounts) {
    const form = formOf(template);
    if (form !== undefined && !mounts.has(template)) mounts.set(template, compileMount(template, form, true));
  }
  for (const { template, form } of [...mounts.values()]) {
    for (const other of forms) {
      const sibling = `${template.slice(0, -form.length)}${other}`;
      if (!mounts.has(sibling)) mounts.set(sibling, compileMount(sibling, other, false));
    }
  }
  return [...mounts.values()];
}

const forms = Object.keys(liveForms) as LiveForm[];

function compileMount(template: string, form: LiveForm, configured: boolean): Mount {
  const slash = template.indexOf('/');
  const path = slash < 0 ? `/${template}` : template.slice(slash);
  const pattern = path
    .split(/(\[app\]|\[stream\])/)
    .map((part) => {
      if (part === '[app]') return '(?<app>[^/]+(?:/[^/]+)*)';
      if (part === '[stream]') return '(?<stream>[^/]+)';
      return part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    })
    .join('');
  const regex = new RegExp(`^${pattern}$`, 'u');
  return {
    template,
    form,
    configured,
    match: (requested) => {
      const groups = regex.exec(requested)?.groups;
      if (groups === undefined) return undefined;
      // A template may leave a name out: then the path's own text stands for it.
      return { app: groups['app'] ?? 'live', stream: groups['stream'] ?? 'livestream' };
    },
  };
}
