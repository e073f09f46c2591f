export * from './codec-configuration.ts';
export type { Av1ColorConfig } from './color-config.ts';
export * from './obu.ts';
export * from './sequence-header.ts';
