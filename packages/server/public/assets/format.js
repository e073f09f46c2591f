const CODEC_NAMES = new Map([
  ['H264', 'H.264'],
  ['H265', 'HEVC'],
  ['HEVC', 'HEVC'],
]);

const NOTHING = '–';

/** @param {{codec: string, profile: string, level: string} | null} video */
export function videoText(video) {
  if (video === null) {
    return NOTHING;
  }
  return [CODEC_NAMES.get(video.codec) ?? video.codec, video.profile, video.level].filter(Boolean).join(' ');
}

/** @param {{width: number | null, height: number | null} | null} video */
export function sizeText(video) {
  return video === null || !video.width ? NOTHING : `${video.width} × ${video.height}`;
}

/** @param {{codec: string, profile: string, sample_rate: number, channel: number} | null} audio */
export function audioText(audio) {
  if (audio === null) {
    return NOTHING;
  }
  const channels = audio.channel === 1 ? 'mono' : audio.channel === 2 ? 'stereo' : '';
  const rate = audio.sample_rate === 0 ? '' : `${audio.sample_rate / 1000} kHz`;
  return [[audio.codec, audio.profile].filter(Boolean).join(' '), rate, channels].filter(Boolean).join(', ');
}

/** @param {number} kbps */
export function bitrateText(kbps) {
  if (kbps <= 0) {
    return NOTHING;
  }
  return kbps < 1000 ? `${Math.round(kbps)} kbps` : `${(kbps / 1000).toFixed(kbps < 10_000 ? 2 : 1)} Mbps`;
}

/** @param {number} count */
export function playersText(count) {
  return count === 1 ? '1 player' : `${count.toLocaleString('en')} players`;
}

/** @param {number} milliseconds */
export function durationText(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, '0'));
  return parts[0] === 0 ? `${minutes}:${rest}` : `${hours}:${minutes}:${rest}`;
}
