import type { VhostConfig } from '../../config/index.ts';

/** The stream that a path stands for. */
export interface MountedStream {
  readonly app: string;
  readonly stream: string;
}

/** A mount template such as `[vhost]/[app]/[stream].flv`, ready to match paths. */
export interface Mount {
  readonly template: string;
  match(path: string): MountedStream | undefined;
}

/**
 * Prepares the FLV mounts of a vhost (H008). The part in front of the first slash is the host: `[vhost]` is
 * the vhost itself and a template without it takes any host that leads to the vhost.
 */
export function flvMounts(vhost: VhostConfig): Mount[] {
  if (!vhost.httpRemux.enabled) return [];
  return vhost.httpRemux.mounts.filter((template) => template.endsWith('.flv')).map(compileMount);
}

function compileMount(template: string): Mount {
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
    match: (requested) => {
      const groups = regex.exec(requested)?.groups;
      if (groups === undefined) return undefined;
      // A template may leave a name out: then the path's own text stands for it.
      return { app: groups['app'] ?? 'live', stream: groups['stream'] ?? 'livestream' };
    },
  };
}
