import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The programs that end-to-end tests use and that may be missing: `describe.runIf(haveChromium)`.
 * `npm test` installs them where it can, and says which tests are left out where it can't.
 */
export const haveFfmpeg = isOnPath('ffmpeg') && isOnPath('ffprobe');
export const haveChromium = isOnPath('chromium');
export const haveRtmpdump = isOnPath('rtmpdump');
export const haveOpenssl = isOnPath('openssl');

function isOnPath(program: string): boolean {
  return pathOf(program) !== undefined;
}

/** The full path of a program that is started by its bare name. */
export function pathOf(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
