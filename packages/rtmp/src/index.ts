export * from './errors.ts';
export * from './chunk/index.ts';
export * from './session/index.ts';
