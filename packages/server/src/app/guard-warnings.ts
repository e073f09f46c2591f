import { posix, resolve } from 'node:path';

import type { Config, VhostConfig } from '../config/index.ts';
import { isGuarded } from '../security/index.ts';
import { recordingTemplate } from '../sinks/dvr/index.ts';
import { HDS_TEMPLATES } from '../sinks/hds/index.ts';
import { isRestricted } from './file-roots.ts';

/** Vhosts that one warning names. */
const NAMED_VHOSTS = 5;
/** Directories that other web servers usually serve. */
const WEB_ROOT =
  /\/(nginx|apache2?|httpd|htdocs|wwwroot|public_html|caddy)(\/|$)|^\/var\/www(\/|$)|^\/srv\/(www|http|ftp)(\/|$)/i;

/** What the rules of a configuration can't guard; for the log. */
export function guardWarnings(config: Config): string[] {
  const vhosts = [...config.vhosts.values()].filter(({ enabled }) => enabled);
  return [
    ...vhosts.filter(isRestricted).flatMap(webRootWarnings),
    ...vhosts.filter(isGuarded).flatMap(segmentWarnings),
    ...sharedFileWarnings(vhosts),
  ];
}

function webRootWarnings(vhost: VhostConfig): string[] {
  const directories = new Set(templatesOf(vhost).map(({ directory }) => directory));
  return [...directories]
    .filter((directory) => WEB_ROOT.test(resolve(directory)))
    .map(
      (directory) =>
        `vhost ${vhost.name}: not everyone may play its streams, but their files are written to ${directory}. ` +
        'Another web server that serves this directory asks nobody: take a directory of its own, or `hls_storage ram`',
    );
}

function segmentWarnings({ name, hls }: VhostConfig): string[] {
  if (!hls.enabled || (hls.context && hls.segmentContext)) return [];
  return [
    `vhost ${name}: not everyone may play its streams, but with \`hls_ctx\` or \`hls_ts_ctx\` off the segments and ` +
      'keys of a live playlist are served to anyone who knows their names',
  ];
}

/** Vhosts whose files have the same names: the rules of one go for those of the other. */
function sharedFileWarnings(vhosts: readonly VhostConfig[]): string[] {
  const sharing = new Map<string, VhostConfig[]>();
  for (const vhost of vhosts) {
    for (const { template } of templatesOf(vhost)) {
      const path = resolve(template);
      if (!path.includes('[vhost]')) sharing.set(path, [...(sharing.get(path) ?? []), vhost]);
    }
  }
  return [...sharing]
    .filter(([, sharers]) => sharers.length > 1 && sharers.some(isRestricted))
    .map(([path, sharers]) => {
      const names = sharers.slice(0, NAMED_VHOSTS).map(({ name }) => name);
      const more = sharers.length > NAMED_VHOSTS ? ` and ${sharers.length - NAMED_VHOSTS} more` : '';
      return (
        `vhosts ${names.join(', ')}${more} write files named ${path}. Where it can't be told whose a file is, the ` +
        'rules of those count that not everyone may play: put [vhost] into the path'
      );
    });
}

interface WrittenFiles {
  readonly directory: string;
  /** With the directory. */
  readonly template: string;
}

/** The files that people know by their playlist, manifest or recording. */
function templatesOf({ hls, hds, dvr }: VhostConfig): WrittenFiles[] {
  const templates: WrittenFiles[] = [];
  if (hls.enabled && hls.storage !== 'ram')
    templates.push({ directory: hls.path, template: posix.join(hls.path, hls.playlistFile) });
  if (hds.enabled) templates.push({ directory: hds.path, template: posix.join(hds.path, HDS_TEMPLATES[0]) });
  if (dvr.enabled) {
    const template = recordingTemplate(dvr.path);
    // What stands before the first variable, up to its last slash.
    templates.push({ directory: posix.dirname(template.replace(/\[.*$/, 'x')), template });
  }
  return templates;
}
