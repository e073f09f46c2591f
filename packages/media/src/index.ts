export * from './amf/index.ts';
export * from './bytes/index.ts';
export * from './errors.ts';
