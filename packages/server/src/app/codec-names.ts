import { type AudioInfo, codecName, type VideoInfo } from '../live/index.ts';

const avcProfiles: Readonly<Record<number, string>> = {
  66: 'Baseline',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High10',
  122: 'High422',
  244: 'High444',
};

const hevcProfiles: Readonly<Record<number, string>> = {
  1: 'Main',
  2: 'Main10',
  3: 'MainStillPicture',
  4: 'Rext',
};

const aacProfiles: Readonly<Record<number, string>> = { 1: 'Main', 2: 'LC', 3: 'SSR', 5: 'HE', 29: 'HEv2' };

/** A stream's video as the API names it. */
export function videoView(info: VideoInfo): {
  codec: string;
  profile?: string;
  level?: string;
  width?: number;
  height?: number;
} {
  const { codec, profile, level, width, height } = info;
  return {
    codec: codecName(codec),
    ...(profile === undefined ? {} : { profile: profileName(codec, profile) }),
    ...(level === undefined ? {} : { level: levelName(codec, level) }),
    ...(width === undefined || height === undefined ? {} : { width, height }),
  };
}

/** A stream's audio as the API names it. */
export function audioView(info: AudioInfo): {
  codec: string;
  sampleRate?: number;
  channels?: number;
  profile?: string;
} {
  const { codec, profile, sampleRate, channels } = info;
  return {
    codec: codecName(codec),
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
    ...(profile === undefined ? {} : { profile: aacProfiles[profile] ?? String(profile) }),
  };
}

function profileName(codec: string, profile: number): string {
  const names = codec === 'h264' ? avcProfiles : codec === 'hevc' ? hevcProfiles : {};
  return names[profile] ?? String(profile);
}

function levelName(codec: string, level: number): string {
  if (codec === 'h264') return (level / 10).toFixed(1).replace(/\.0$/, '');
  if (codec === 'hevc') return (level / 30).toFixed(1).replace(/\.0$/, '');
  // AV1: seq_level_idx counts 2.0, 2.1, 2.2, 2.3, 3.0 …
  if (codec === 'av1') return `${2 + (level >> 2)}.${level & 3}`;
  return String(level);
}
