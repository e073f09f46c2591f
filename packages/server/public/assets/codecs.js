/** Main profile, level 4. */
const HEVC = 'video/mp4; codecs="hvc1.1.6.L120.90"';

/**
 * What a viewer should know of a stream that not every browser plays; empty when there is nothing to know.
 *
 * @param {{codec: string} | null} video
 * @param {boolean} hasHls
 */
export function codecNote(video, hasHls) {
  if (video === null || !/^(HEVC|H265)$/i.test(video.codec)) {
    return '';
  }
  const source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;
  const elsewhere = hasHls
    ? 'VLC and ffplay play its HLS address, ffplay from version 6.1 on its HTTP-FLV and RTMP addresses, too.'
    : 'ffplay from version 6.1 on plays its HTTP-FLV and RTMP addresses.';
  if (source?.isTypeSupported(HEVC) === true) {
    const forms = hasHls ? 'HTTP-FLV, WebSocket and HLS' : 'HTTP-FLV and WebSocket';
    return `HEVC: this browser can decode it and plays ${forms}. Browsers without an HEVC decoder do not: ${elsewhere}`;
  }
  return (
    'HEVC: this browser has no decoder for it, in any form. Safari plays it, and Chrome and Edge do on machines ' +
    `with a hardware decoder. ${elsewhere}`
  );
}
