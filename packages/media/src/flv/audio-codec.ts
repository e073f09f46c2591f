import { MediaError } from '../errors.ts';
import type { AudioCodec } from '../model/index.ts';

/** SoundFormat (FLV 10.1 E.4.2.1), 9 by Enhanced RTMP. */
export const SOUND_FORMAT = {
  pcm: 0,
  adpcm: 1,
  mp3: 2,
  pcmLittleEndian: 3,
  nellymoser16k: 4,
  nellymoser8k: 5,
  nellymoser: 6,
  g711a: 7,
  g711u: 8,
  exHeader: 9,
  aac: 10,
  speex: 11,
  mp3At8k: 14,
  device: 15,
} as const;

const FOURCC_MP4A = 0x6d703461;
const FOURCC_OPUS = 0x4f707573;
const FOURCC_FLAC = 0x664c6143;
const FOURCC_AC3 = 0x61632d33;
const FOURCC_EAC3 = 0x65632d33;
const FOURCC_MP3 = 0x2e6d7033;

/** The codec of a SoundFormat, 0..15. */
export function audioCodecOfSoundFormat(soundFormat: number): AudioCodec {
  switch (soundFormat) {
    case SOUND_FORMAT.aac:
      return 'aac';
    case SOUND_FORMAT.mp3:
    case SOUND_FORMAT.mp3At8k:
      return 'mp3';
    case SOUND_FORMAT.pcm:
      return 'pcm';
    case SOUND_FORMAT.adpcm:
      return 'adpcm';
    case SOUND_FORMAT.pcmLittleEndian:
      return 'pcm-le';
    case SOUND_FORMAT.nellymoser16k:
    case SOUND_FORMAT.nellymoser8k:
    case SOUND_FORMAT.nellymoser:
      return 'nellymoser';
    case SOUND_FORMAT.g711a:
      return 'g711a';
    case SOUND_FORMAT.g711u:
      return 'g711u';
    case SOUND_FORMAT.speex:
      return 'speex';
    case SOUND_FORMAT.device:
      return 'device';
    default:
      return 'unknown';
  }
}

/**
 * The SoundFormat of a codec. MP3 and Nellymoser have formats of their own for 8 and 16 kHz.
 *
 * @throws MediaError `unsupported` when the codec has none.
 */
export function soundFormatOf(codec: AudioCodec, sampleRate: number): number {
  switch (codec) {
    case 'pcm':
      return SOUND_FORMAT.pcm;
    case 'adpcm':
      return SOUND_FORMAT.adpcm;
    case 'mp3':
      return sampleRate === 8000 ? SOUND_FORMAT.mp3At8k : SOUND_FORMAT.mp3;
    case 'pcm-le':
      return SOUND_FORMAT.pcmLittleEndian;
    case 'nellymoser':
      if (sampleRate === 16000) return SOUND_FORMAT.nellymoser16k;
      return sampleRate === 8000 ? SOUND_FORMAT.nellymoser8k : SOUND_FORMAT.nellymoser;
    case 'g711a':
      return SOUND_FORMAT.g711a;
    case 'g711u':
      return SOUND_FORMAT.g711u;
    case 'aac':
      return SOUND_FORMAT.aac;
    case 'speex':
      return SOUND_FORMAT.speex;
    case 'device':
      return SOUND_FORMAT.device;
    default:
      throw new MediaError('unsupported', `no FLV sound format is defined for audio codec ${codec}`);
  }
}

/** The codec of a FourCC read as a u32. */
export function audioCodecOfFourCC(fourCC: number): AudioCodec {
  switch (fourCC) {
    case FOURCC_MP4A:
      return 'aac';
    case FOURCC_OPUS:
      return 'opus';
    case FOURCC_FLAC:
      return 'flac';
    case FOURCC_AC3:
      return 'ac3';
    case FOURCC_EAC3:
      return 'eac3';
    case FOURCC_MP3:
      return 'mp3';
    default:
      return 'unknown';
  }
}

/** The FourCC that Enhanced RTMP gives a codec; undefined when it has none. */
export function audioFourCC(codec: AudioCodec): string | undefined {
  switch (codec) {
    case 'aac':
      return 'mp4a';
    case 'opus':
      return 'Opus';
    case 'flac':
      return 'fLaC';
    case 'ac3':
      return 'ac-3';
    case 'eac3':
      return 'ec-3';
    case 'mp3':
      return '.mp3';
    default:
      return undefined;
  }
}
