export * from './adts.ts';
export {
  aacCodecString,
  aacOutputChannels,
  aacOutputSampleRate,
  type AudioSpecificConfig,
  type AudioSpecificConfigOptions,
  buildAudioSpecificConfig,
  parseAudioSpecificConfig,
  type SbrSignalling,
} from './audio-specific-config.ts';
export * from './latm.ts';
export { AAC_SAMPLE_RATES, aacChannels, AacObjectType, aacSampleRateIndex } from './tables.ts';
