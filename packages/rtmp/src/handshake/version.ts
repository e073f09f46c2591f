import { RtmpError } from '../errors.ts';

/** The version byte of plain RTMP (Adobe RTMP 1.0, 5.2.2). */
export const plainVersion = 3;

/**
 * Checks C0 or S0 (Adobe RTMP 1.0, 5.2.2).
 *
 * @throws RtmpError `handshake-version`
 */
export function checkVersion(name: 'C0' | 'S0', version: number): void {
  if (version === plainVersion) {
    return;
  }
  const kind =
    version === 6 || version === 8 || version === 9 ? ' (RTMPE, encrypted RTMP, is not supported)' : '';
  throw new RtmpError('handshake-version', `${name} must be ${plainVersion}, got ${version}${kind}`);
}
