export * from './adts.ts';
export * from './audio-specific-config.ts';
export { AAC_SAMPLE_RATES, aacChannels, AacObjectType, aacSampleRateIndex } from './tables.ts';
