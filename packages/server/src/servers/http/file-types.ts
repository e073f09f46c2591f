import { extname } from 'node:path';

/** Types that SRS sends (H003) and that the general MIME table has otherwise, or not at all. */
const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['.ts', 'video/MP2T'],
  ['.flv', 'video/x-flv'],
  ['.fhv', 'video/x-flv'],
  ['.m4v', 'video/x-m4v'],
  ['.3gp', 'video/3gpp'],
  ['.3gpp', 'video/3gpp'],
  ['.mp4', 'video/mp4'],
  ['.m4s', 'video/mp4'],
  ['.aac', 'audio/x-aac'],
  ['.mp3', 'audio/mpeg'],
  ['.m4a', 'audio/x-m4a'],
  ['.ogg', 'audio/ogg'],
  ['.m3u8', 'application/vnd.apple.mpegurl'],
  ['.mpd', 'application/dash+xml'],
  ['.xml', 'text/xml; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.ico', 'image/x-icon'],
  ['.swf', 'application/x-shockwave-flash'],
]);

/** The Content-Type of a file by its extension; undefined leaves it to the general MIME table. */
export function mediaTypeOf(path: string): string | undefined {
  return MEDIA_TYPES.get(extname(path).toLowerCase());
}
