/** Every room of the package; each can be imported alone too, as `@sluice/media/amf` and so on. */
export * from './aac/index.ts';
export * from './amf/index.ts';
export * from './av1/index.ts';
export * from './avc/index.ts';
export * from './bytes/index.ts';
export * from './errors.ts';
export * from './flv/index.ts';
export * from './hds/index.ts';
export * from './hevc/index.ts';
export * from './m3u8/index.ts';
export * from './model/index.ts';
export * from './mp3/index.ts';
export * from './mp4/index.ts';
export * from './mpegts/index.ts';
export * from './remux/index.ts';
