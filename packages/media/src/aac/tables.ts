/** Object types of MPEG-4 audio (ISO/IEC 14496-3 Table 1.17) that have a part in AAC streams. */
export const AacObjectType = {
  main: 1,
  lc: 2,
  ssr: 3,
  ltp: 4,
  sbr: 5,
  scalable: 6,
  erLc: 17,
  erLtp: 19,
  erScalable: 20,
  erBsac: 22,
  erLd: 23,
  ps: 29,
  erEld: 39,
  usac: 42,
} as const;

/** A value of {@link AacObjectType}. */
export type AacObjectType = (typeof AacObjectType)[keyof typeof AacObjectType];

/** Sampling frequencies in Hz by samplingFrequencyIndex (ISO/IEC 14496-3 Table 1.18). */
export const AAC_SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
] as const;

/** samplingFrequencyIndex that says "24 bits of Hz follow". */
export const EXPLICIT_SAMPLE_RATE = 15;

/** Channels by channelConfiguration (ISO/IEC 14496-3 Table 1.19); 0 is told by a program config element. */
const CHANNELS = [undefined, 1, 2, 3, 4, 5, 6, 8, undefined, undefined, undefined, 7, 8, 24, 8] as const;

/** The samplingFrequencyIndex of a rate in Hz, or undefined when it has none. */
export function aacSampleRateIndex(sampleRate: number): number | undefined {
  const index = AAC_SAMPLE_RATES.findIndex((rate) => rate === sampleRate);
  return index < 0 ? undefined : index;
}

/** How many channels a channelConfiguration means; undefined for 0 and for reserved ones. */
export function aacChannels(channelConfiguration: number): number | undefined {
  return CHANNELS[channelConfiguration];
}
