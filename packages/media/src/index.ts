/** Every room of the package; each can be imported alone too, as `@sluice/media/amf` and so on. */
export * from './amf/index.ts';
export * from './bytes/index.ts';
export * from './errors.ts';
export * from './flv/index.ts';
