import { extname } from 'node:path';

/** By extension; those of SRS as SRS sends them (H003). */
const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['.ts', 'video/MP2T'],
  ['.flv', 'video/x-flv'],
  ['.fhv', 'video/x-flv'],
  ['.m4v', 'video/x-m4v'],
  ['.3gp', 'video/3gpp'],
  ['.3gpp', 'video/3gpp'],
  ['.mp4', 'video/mp4'],
  ['.m4s', 'video/mp4'],
  ['.webm', 'video/webm'],
  ['.mkv', 'video/x-matroska'],
  ['.mov', 'video/quicktime'],
  ['.aac', 'audio/x-aac'],
  ['.mp3', 'audio/mpeg'],
  ['.m4a', 'audio/x-m4a'],
  ['.ogg', 'audio/ogg'],
  ['.wav', 'audio/wav'],
  ['.m3u8', 'application/vnd.apple.mpegurl'],
  ['.mpd', 'application/dash+xml'],
  ['.f4m', 'application/f4m+xml'],
  ['.vtt', 'text/vtt; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.map', 'application/json; charset=utf-8'],
  ['.xml', 'text/xml; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.htm', 'text/html; charset=utf-8'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.md', 'text/markdown; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.wasm', 'application/wasm'],
  ['.ico', 'image/x-icon'],
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.gif', 'image/gif'],
  ['.svg', 'image/svg+xml'],
  ['.webp', 'image/webp'],
  ['.woff', 'font/woff'],
  ['.woff2', 'font/woff2'],
  ['.swf', 'application/x-shockwave-flash'],
  ['.zip', 'application/zip'],
  ['.pdf', 'application/pdf'],
]);

/** The Content-Type of a file, by its extension; `application/octet-stream` for any other. */
export function contentTypeOf(path: string): string {
  return CONTENT_TYPES.get(extname(path).toLowerCase()) ?? 'application/octet-stream';
}
