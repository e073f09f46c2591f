export * from './bytes/index.ts';
export * from './errors.ts';
